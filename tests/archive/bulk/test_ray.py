"""`berth bulk --ray`: what a cluster writes is what this machine writes, whoever is killed; errors are said alike."""

import gzip
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from berth.bulk.cluster.connect import connected
from berth.bulk.job import RAY_LOCAL
from berth.errors import BerthError
from berth.machine.machine import read_machine
from handler.config import Task
from tests.support.buckets import serving
from tests.support.bulk import Command, digests, read_rows, waits_before
from tests.support.bulk.ray_cluster import AUTHENTICATION, RayCluster, started_cluster
from tests.support.texts import mixed_texts

pytestmark = pytest.mark.skipif(not find_spec("ray"), reason="no Ray: pip install 'berth[ray]'")
TEXTS = [f"{number} {text}" for number, text in enumerate(mixed_texts(400, seed=9))]
OPTIONS = ("--part-rows", "10", "--json")
BAD = {"no JSON": "NotParseable", '{"id": 1}': "InvalidInput", '{"text": 12345678901234567890123}': "InvalidInput"}
"""Lines that no task takes, and their errors."""
GOOD = {
    Task.EMBEDDINGS: [json.dumps({"text": text, "id": 10**22, "error": "theirs"}) for text in TEXTS[:40]],
    Task.TEXT_RANKING: [json.dumps({"query": text, "texts": [text, text[::2]]}) for text in TEXTS[:40]],
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayCluster]:
    """Three nodes with one core each."""
    folder = tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True)  # a short path
    with folder, pytest.MonkeyPatch.context() as patch:
        for name, value in AUTHENTICATION.items():
            patch.setenv(name, value)
        with started_cluster(Path(folder.name), 3) as found:
            yield found


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two files, the second compressed."""
    folder = tmp_path_factory.mktemp("inputs")
    (folder / "a.txt").write_text("\n".join(TEXTS[:300]))
    (folder / "b.txt.gz").write_bytes(gzip.compress("\n".join(TEXTS[300:]).encode()))
    return folder


@pytest.fixture(scope="module")
def whole(embeddings: Path, inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, bytes]:
    """What this machine's own workers write."""
    output = tmp_path_factory.mktemp("whole") / "output"
    done = Command(archive=embeddings, inputs=inputs, output=output, options=OPTIONS).run()
    assert done.returncode == 0, done.stderr
    return digests(output)


def test_a_cluster_of_its_own_ends_with_it_and_writes_the_same(
    embeddings: Path, inputs: Path, whole: Mapping[str, bytes], tmp_path: Path
) -> None:
    done = Command(archive=embeddings, inputs=inputs, output=tmp_path / "o", options=(*OPTIONS, "--ray")).run()
    assert done.returncode == 0, done.stderr
    assert digests(tmp_path / "o") == whole, "the manifest too"
    assert all(line.startswith("{") for line in done.stderr.splitlines()), done.stderr


def test_from_bucket_to_bucket(embeddings: Path, inputs: Path, whole: Mapping[str, bytes], tmp_path: Path) -> None:
    with serving("s3") as bucket:
        bucket.put(inputs, "inputs")
        command = Command(
            archive=embeddings,
            inputs=bucket.address("inputs"),
            output=Path("output"),
            options=(*OPTIONS, "--ray"),
            bucket=bucket,
        )
        done = command.run()
        assert done.returncode == 0, done.stderr
        found = digests(bucket.fetch("output", tmp_path / "o"))
    assert found.keys() == whole.keys(), "no draft is left"
    assert all(found[name] == whole[name] for name in whole if name.startswith("part-"))


def test_the_command_and_then_a_node_are_killed(
    cluster: RayCluster, embeddings: Path, inputs: Path, whole: Mapping[str, bytes], tmp_path: Path
) -> None:
    options = (*OPTIONS, "--ray", cluster.address)
    command = Command(archive=embeddings, inputs=inputs, output=tmp_path / "o", options=options)
    goes_on = tmp_path / "goes-on"
    assert replace(command, prelude=waits_before(len(whole) - 2, goes_on)).kill_at(2), "it ended before it was killed"
    middle = (command.num_parts() + len(whole)) // 2
    (tmp_path / "o" / "part-000001.parquet").write_bytes(b"somebody wrote here")

    def kill() -> None:
        cluster.nodes[-1].kill()
        goes_on.touch()

    done = replace(command, prelude=waits_before(middle, goes_on)).run_until(middle, kill)
    assert done.returncode == 0, done.stderr
    found = digests(tmp_path / "o")
    assert found.keys() == whole.keys()
    assert all(found[name] == whole[name] for name in whole if name.startswith("part-"))


@pytest.mark.parametrize(("task", "form"), [(Task.EMBEDDINGS, "jsonl"), (Task.TEXT_RANKING, "parquet")])
def test_rows_with_errors_are_those_of_this_machine(
    cluster: RayCluster, archive_of: Callable[[Task], Path], tmp_path: Path, task: Task, form: str
) -> None:
    (tmp_path / "a.jsonl").write_text("\n".join([*GOOD[task][:15], *BAD, *GOOD[task][15:]]))
    here = Command(
        archive=archive_of(task),
        inputs=tmp_path / "a.jsonl",
        output=tmp_path / "here",
        options=(*OPTIONS, "--to", form),
    )
    there = replace(here, output=tmp_path / "there").with_options("--ray", cluster.address)
    for command in (here, there):
        done = command.run()
        assert done.returncode == 0, done.stderr
    assert digests(there.output) == digests(here.output), "the manifest too"
    found = {row["row"]: row["error"]["type"] for row in read_rows(there.output) if row["error"]}
    assert found == dict(enumerate(BAD.values(), 15))


def test_errors_are_those_of_this_machine(cluster: RayCluster, embeddings: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress("\n".join(TEXTS).encode())[:-200])
    there = Command(
        archive=embeddings,
        inputs=tmp_path / "a.txt.gz",
        output=tmp_path / "o",
        options=(*OPTIONS, "--ray", cluster.address),
    )
    said = there.with_options("--parameters", '{"dimensions": 65}').run()
    assert (said.returncode, there.num_parts()) == (2, 0)
    assert said.stderr == "berth: --parameters: dimensions is 65; this model's vectors have 64\n"
    shutil.rmtree(there.output)
    said = there.run()
    assert (said.returncode, there.num_parts() > 30) == (2, True)
    assert said.stderr.endswith(f"{tmp_path}/a.txt.gz breaks off: its gzip stream has no end; copy it again\n")


def test_a_node_that_starts_too_slowly_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    import ray  # noqa: PLC0415 - an extra of berth

    def start_slowly(**_: object) -> None:
        raise Exception("The current node timed out during startup. This could happen")  # as Ray does

    monkeypatch.setattr(ray, "init", start_slowly)
    machine = read_machine({}, None)
    said = "Ray could not start a cluster on this machine: The current node timed out during startup"
    with pytest.raises(BerthError, match=said), connected(RAY_LOCAL, machine):
        pass
