"""`berth bulk --ray`: what a cluster writes is what this machine writes, whoever is killed; errors are said alike."""

import gzip
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.support.buckets import serving
from tests.support.bulk import Command, digests
from tests.support.bulk.ray_cluster import AUTHENTICATION, RayCluster, started_cluster
from tests.support.texts import mixed_texts

pytestmark = pytest.mark.skipif(not find_spec("ray"), reason="no Ray: pip install 'berth[ray]'")
TEXTS = [f"{number} {text}" for number, text in enumerate(mixed_texts(400, seed=9))]
OPTIONS = ("--part-rows", "10", "--json")


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
    assert command.kill_at(2), "it ended before it was killed"
    (tmp_path / "o" / "part-000001.parquet").write_bytes(b"somebody wrote here")
    done = command.run_until(command.num_parts() + 3, cluster.nodes[-1].kill)
    assert done.returncode == 0, done.stderr
    found = digests(tmp_path / "o")
    assert found.keys() == whole.keys()
    assert all(found[name] == whole[name] for name in whole if name.startswith("part-"))


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
