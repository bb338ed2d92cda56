"""The servers that the calls are made at: of one model each, and of a small model of every task."""

import contextlib
import importlib.util
import zipfile
from collections.abc import Collection, Iterator
from pathlib import Path

from berth.pack.options import PackOptions
from berth.pack.pack import pack_checkpoint
from berth.tune.ports import free_port
from handler.config import Task
from tests.support.checkpoints import make_checkpoint
from tests.support.checkpoints.gliner import make_gliner
from tests.support.references.make_checkpoints import make_question_checkpoint
from tests.support.servers import Server, running_server

from .place import Place

SERVERS = ("one", "ranker", "labels", "all")


@contextlib.contextmanager
def places(work: Path, names: Collection[str]) -> Iterator[dict[str, Place]]:
    """These servers, ready; what they serve lies below the folder `work`."""
    archives = _pack(work / "store", work, names)
    protos = extract_protos(work / "protos")
    origin = _free_origin()
    with contextlib.ExitStack() as running:
        found = {}
        for name, models in archives.items():
            env = {"TS_CORS_ALLOWED_ORIGIN": origin}
            server = running.enter_context(running_server(list(models.values()), env))
            found[name] = _place(server, tuple(models), origin, protos)
        yield found


def _pack(store: Path, work: Path, names: Collection[str]) -> dict[str, dict[str, Path]]:
    """The archives of each server, by their models' names."""
    found: dict[str, dict[str, Path]] = {}
    if "one" in names:
        found["one"] = {"bert": pack_checkpoint(None, PackOptions(output=store)).archive}
    if "ranker" in names:
        found["ranker"] = {"ranker": _pack_small(work / "ranker", Task.TEXT_RANKING, store)}
    if "labels" in names:
        found["labels"] = {"labels": _pack_small(work / "labels", Task.TEXT_CLASSIFICATION, store)}
    if "all" in names:
        found["all"] = {str(task): _pack_small(work / task, task, store) for task in Task}
    return found


def _pack_small(folder: Path, task: Task, store: Path) -> Path:
    """A small seeded checkpoint's archive, named like its folder."""
    if task is Task.QUESTION_ANSWERING:
        make_question_checkpoint(folder, "bert")
    elif task is Task.ZERO_SHOT_TOKEN_CLASSIFICATION:
        make_gliner(folder, "bert")
    else:
        make_checkpoint(folder, "bert", task)
    return pack_checkpoint(folder, PackOptions(task=task, output=store)).archive


def _place(server: Server, models: tuple[str, ...], origin: str, protos: Path) -> Place:
    return Place(
        url=server.inference_url,
        grpc=f"127.0.0.1:{server.grpc_port}",
        grpc_management=f"127.0.0.1:{server.ports['grpc_management']}",
        models=models,
        origin=origin,
        protos=str(protos),
    )


def extract_protos(folder: Path) -> Path:
    """TorchServe's .proto files, out of its jar; and the folder."""
    spec = importlib.util.find_spec("ts")
    assert spec is not None
    assert spec.origin is not None
    with zipfile.ZipFile(Path(spec.origin).with_name("frontend") / "model-server.jar") as jar:
        jar.extractall(folder, [name for name in jar.namelist() if name.endswith(".proto")])
    return folder


def _free_origin() -> str:
    return f"http://127.0.0.1:{free_port()}"
