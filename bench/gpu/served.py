"""A served model under every load, and under the same a handler that does nothing and answers as many bytes."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import requests

from handler.config import Task
from tests.support.servers import Server

from ..front.measure import find_behind
from ..load import LoadPlan, LoadPool, LoadResult
from ..rivals.nothing_handler import SIZE_HEADER
from ..stats import percentile
from ..texts import num_tokens
from .models import equal_texts, nothing_name, pack_model, serving, serving_nothing, short_texts
from .scene import Scene

LIST = 64
MOST_CLIENTS = 512
PROCESSES = 8  # one drives about 2,500 requests/s
NOTHING, BEHIND = "nothing_", "behind_"
Address = tuple[str, dict[str, str]]
"""A URL, and headers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """What every request of a load is like."""

    name: str
    texts: Sequence[Sequence[str]]
    """The texts of each request; a text alone is sent as a string."""
    fields: Mapping[str, object]
    """What else the body has."""

    def to_bodies(self) -> dict[str, bytes]:
        """Ready bodies, by number."""
        inputs: Iterator[object] = (texts[0] if len(texts) == 1 else list(texts) for texts in self.texts)
        return {str(key): json.dumps({"inputs": each, **self.fields}).encode() for key, each in enumerate(inputs)}

    @property
    def tokens_per_request(self) -> float:
        """The mean, special tokens included."""
        return sum(num_tokens(text) for texts in self.texts for text in texts) / len(self.texts)


def mixes(scene: Scene, name: str, fields: Mapping[str, object]) -> list[Mix]:
    """A text alone, lists of texts of about 25 tokens, and of 128; no client sends what another sends meanwhile."""
    count, different = (4, 16) if scene.is_small else (LIST, MOST_CLIENTS)
    short = short_texts(count * different)
    long = equal_texts(16 if scene.is_small else 128, count * different)
    shapes = {"one": in_lists(short, 1), "lists_25": in_lists(short, count), "lists_128": in_lists(long, count)}
    return [Mix(name=f"{name}.{shape}", texts=texts, fields=fields) for shape, texts in shapes.items()]


def in_lists(texts: Sequence[str], count: int) -> list[Sequence[str]]:
    """The texts, `count` to a request."""
    return [texts[start : start + count] for start in range(0, len(texts), count)]


def clients_of(scene: Scene, mix: Mix) -> tuple[int, ...]:
    """How many clients ask at once."""
    if scene.is_small:
        return (1, 4)
    return (1, 32, 256, 512) if mix.name.endswith(".one") else (1, 32, 64, 256, 512)


def run(scene: Scene, task: Task, forms: Mapping[str, Mapping[str, object]]) -> None:
    """Measure every form of the task's answers: name -> what else a body has."""
    archive = pack_model(scene, task)
    with serving(scene, [archive]) as server, LoadPool(num_processes()) as pool:
        workers, urls = len(server.worker_pids(archive.stem)), model_urls(server, archive)
        scene.note(f"served.{task}.workers", workers)
        with serving_nothing(scene, workers, MOST_CLIENTS) as beside:
            for name, fields in forms.items():
                for mix in mixes(scene, name, fields):
                    measure_mix(scene, pool, urls, beside, mix)


def num_processes() -> int:
    """Half of the cores: the server has the rest."""
    return max(1, min(PROCESSES, len(os.sched_getaffinity(0)) // 2))


def measure_mix(scene: Scene, pool: LoadPool, urls: Mapping[str, str], beside: Server, mix: Mix) -> None:
    """The model and the handler that does nothing in turn, by clients; a mix that is refused is a failure, noted."""
    bodies = mix.to_bodies()
    answer = requests.post(urls[""], bodies["0"], headers={"Content-Type": "application/json"}, timeout=60)
    if answer.status_code != 200:
        scene.fail(f"{mix.name}: {answer.status_code} {answer.text[:200]}")
        return
    size = len(answer.content)
    scene.note(f"served.{mix.name}.answer_bytes", size)
    nothing: Address = (f"{beside.inference_url}/predictions/{nothing_name(size)}", {SIZE_HEADER: str(size)})
    asked: dict[str, Address] = {kind: (url, {}) for kind, url in urls.items()} | {NOTHING: nothing}
    for clients in clients_of(scene, mix):
        for kind, (address, headers) in asked.items():
            result = pool.apply(plan_load(scene, address, bodies, clients, headers))
            note_load(scene, f"served.{mix.name}.{clients}.{kind}", result, mix)


def plan_load(
    scene: Scene, url: str, bodies: dict[str, bytes], clients: int, headers: dict[str, str] | None = None
) -> LoadPlan:
    """A load of seconds."""
    return LoadPlan(
        url=url,
        texts=list(bodies),
        to_body=bodies.__getitem__,
        clients=clients,
        warm_up_s=0.3 if scene.is_small else 1.0,
        duration_s=0.7 if scene.is_small else 3.0,
        headers=headers or {},
        is_patient=True,
        keeps_bodies=False,
    )


def note_load(scene: Scene, name: str, result: LoadResult, mix: Mix) -> None:
    """Rates and latencies of one load."""
    rate = len(result.exchanges) / result.duration_s
    scene.note(f"{name}requests_per_s", rate)
    scene.note(f"{name}refused", result.num_errors)
    if not name.endswith(NOTHING):
        scene.note(f"{name}texts_per_s", rate * len(mix.texts[0]))
        scene.note(f"{name}tokens_per_s", rate * mix.tokens_per_request)
    if latencies_ms := [(each.answered_s - each.sent_s) * 1000 for each in result.exchanges]:
        scene.note(f"{name}p50_ms", percentile(latencies_ms, 50))
        scene.note(f"{name}p99_ms", percentile(latencies_ms, 99))


def mean_rate(scene: Scene, pool: LoadPool, url: str, mix: Mix, clients: int) -> float:
    """Texts per second."""
    result = pool.apply(plan_load(scene, url, mix.to_bodies(), clients))
    return len(result.exchanges) / result.duration_s * len(mix.texts[0])


def model_urls(server: Server, archive: Path) -> dict[str, str]:
    """Where clients ask the model, as ""; and TorchServe's own address behind the front, where there is one."""
    url = model_url(server, archive)
    below = psutil.Process(server.process.pid).children()
    haproxy = next((each for each in below if each.name() == "haproxy"), None)
    return {"": url} | ({BEHIND: find_behind(url, haproxy)} if haproxy else {})


def model_url(server: Server, archive: Path) -> str:
    """Where the archive's model is asked."""
    return f"{server.inference_url}/predictions/{archive.stem}"
