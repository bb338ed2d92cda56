"""Faults of a device for real: a card that another process fills, and an error that fails every later call."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import requests

from berth.archive.content import HANDLER, ArchivePlan, Member
from berth.archive.unpack import unpack_once
from berth.archive.write import write_archive
from berth.wait import wait_until
from handler.config import Task
from tests.support.servers import Server

from ...load import LoadPool
from ..models import equal_texts, pack_model, serving, short_texts
from ..scene import Scene
from ..served import Mix, model_url, plan_load

WORD = "a sticky fault"
# Appended to the entry of an archive's handler: the request with WORD loses the device. On a GPU by an index that a
# kernel asserts on, so that every later call fails; on a CPU, which cannot be lost, by the error that this leads to.
LOSES_DEVICE = f'''

import torch as _torch
from .errors import DeviceLost as _DeviceLost


class BertHandler(BertHandler):
    """berth's own, but for one request."""

    @ending_when_lost()
    def handle(self, data, context):
        if any({WORD.encode()!r} in bytes(fields.get("body") or b"") for fields in data):
            if not _torch.cuda.is_available():
                raise _DeviceLost("a request asked for it")
            _torch.zeros(1, device="cuda")[_torch.tensor([7], device="cuda")]
        return super().handle(data, context)
'''
# Takes what is free of the card, but for so many MiB, and holds it until its input ends.
FILLER = """
import sys, torch
left, size, held = int(sys.argv[1]) << 20, 256 << 20, []
while size >= 1 << 20:
    free = torch.cuda.mem_get_info()[0]
    if free - size < left:
        size //= 2
        continue
    held.append(torch.empty(size, dtype=torch.uint8, device="cuda"))
print("filled", flush=True)
sys.stdin.read()
"""


def run(scene: Scene) -> None:
    """Both faults, each on a server of its own."""
    archive = pack_model(scene, Task.EMBEDDINGS)
    lose_device(scene, make_losable(scene, archive))
    if scene.device == "cpu":
        scene.skip("a full card: there is no GPU")
        return
    for left_mib in (256, 32, 2):
        fill_card(scene, archive, left_mib)


def make_losable(scene: Scene, archive: Path) -> Path:
    """The archive with LOSES_DEVICE at the end of its handler's entry."""
    unpacked = unpack_once(archive, scene.folder / "unpacked")
    entry = f"{HANDLER.replace('.', '/')}.py"
    members = [Member(name=name, source=unpacked / name) for name in member_names(unpacked) if name != entry]
    source = (unpacked / entry).read_text("utf-8") + LOSES_DEVICE
    changed = (*members, Member(name=entry, source=source.encode()))
    losable = scene.folder / archive.name
    write_archive(ArchivePlan(members=tuple(sorted(changed, key=lambda member: member.name))), losable)
    return losable


def member_names(unpacked: Path) -> list[str]:
    """The files below the folder, but for the digest list, which is written anew."""
    names = (str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file())
    return [name for name in names if not name.endswith("SHA256SUMS")]


def lose_device(scene: Scene, archive: Path) -> None:
    """Under a load on two workers, one loses its device: only its batch may fail, and another takes its place."""
    mix = Mix(name="lost", texts=[[text] for text in short_texts(64)], fields={})
    with serving(scene, [archive], workers=2) as server, LoadPool(1) as pool:
        before, url = set(server.worker_pids(archive.stem)), model_url(server, archive)
        fault = subprocess.Popen([sys.executable, "-c", ASK_LATER, url, WORD])
        result = pool.apply(replace(plan_load(scene, url, mix.to_bodies(), 8), duration_s=4.0))
        fault.wait(60)
        scene.note("faults.lost.answered", len(result.exchanges))
        scene.note("faults.lost.failed_with_it", result.num_errors)
        replaced = wait_until(lambda: is_replaced(server, archive.stem, before), 120)
        scene.note("faults.lost.workers_again", len(server.worker_pids(archive.stem)) if replaced else 0)
        scene.note("faults.lost.status_after", requests.post(url, json={"inputs": "a ship"}, timeout=60).status_code)


ASK_LATER = """
import sys, time, requests
time.sleep(0.6)
try:
    print("the fault got", requests.post(sys.argv[1], json={"inputs": sys.argv[2]}, timeout=60).status_code)
except requests.RequestException as error:
    print("the fault got", type(error).__name__)
"""


def is_replaced(server: Server, model: str, before: set[int]) -> bool:
    """Whether two workers are ready, one of them new."""
    workers = server.describe(model)["workers"]
    return {each["status"] for each in workers} == {"READY"} and {each["pid"] for each in workers} != before


def fill_card(scene: Scene, archive: Path, left_mib: int) -> None:
    """Lists and a text alone while the card is full, and again when it is free: 200, or 507 for what fits in no way."""
    name = f"faults.full_{left_mib}_mib_left"
    texts = equal_texts(510, 64)
    with serving(scene, [archive], workers=1) as server:
        url = model_url(server, archive)
        filler = subprocess.Popen(
            [sys.executable, "-c", FILLER, str(left_mib)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        try:
            if filler.stdout is None or filler.stdout.readline() != b"filled\n":
                scene.fail("the card could not be filled: the lines above say why")
                return
            scene.note(f"{name}.list_status", status_of(url, texts))
            scene.note(f"{name}.alone_status", status_of(url, texts[0]))
        finally:
            filler.kill()
            filler.communicate()
        scene.note(f"{name}.recovered_status", status_of(url, texts))
        scene.note(f"{name}.out_of_memory_lines", server.log.count("out of memory"))


def status_of(url: str, inputs: object) -> int:
    """The status of one request."""
    return requests.post(url, json={"inputs": inputs}, timeout=120).status_code
