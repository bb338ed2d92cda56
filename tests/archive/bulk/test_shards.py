"""Runs that divide the files: together they answer each row once, and what Kubernetes starts is understood."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from berth.bulk.job import Shard
from berth.errors import UsageError
from tests.support.bulk import digests, read_rows

JOB = Path(__file__).parents[3] / "k8s" / "overlays" / "bulk-job" / "job.yaml"
FILES = 3


def container_command(variables: dict[str, str]) -> list[str]:
    """What the Job's container runs, with $(NAME) replaced as the kubelet does."""
    (container,) = yaml.safe_load(JOB.read_text("utf-8"))["spec"]["template"]["spec"]["containers"]
    words = [*container["command"], *container["args"]]
    for name, value in variables.items():
        words = [word.replace(f"$({name})", value) for word in words]
    assert not any("$(" in word for word in words)
    return words


def test_pods_of_the_job_answer_their_files(embeddings: Path, tmp_path: Path) -> None:
    for number in range(FILES):
        (tmp_path / f"{number}.txt").write_text("".join(f"text {row} of {number}\n" for row in range(5)))
    pods = yaml.safe_load(JOB.read_text("utf-8"))["spec"]["completions"]
    for index in (1, pods - 1):
        variables = {"INPUT": f"{tmp_path}/*.txt", "OUTPUT": str(tmp_path / "out"), "JOB_COMPLETION_INDEX": str(index)}
        berth, *words = [str(embeddings) if word == "/models/bert" else word for word in container_command(variables)]
        ran = subprocess.run([sys.executable, "-m", berth, *words], capture_output=True, text=True, check=False)
        assert ran.returncode == 0, shlex.join(words) + ran.stderr
    some, none = (tmp_path / "out" / Shard(index=index, count=pods).name for index in (1, pods - 1))
    assert len(read_rows(some)) == 5
    assert list(digests(none)) == ["manifest.jsonl"]  # more pods than files: nothing to do is no failure


def test_every_file_is_of_one_shard() -> None:
    files = [f"{number}.txt" for number in range(7)]
    shares = [Shard(index=index, count=3).of(files) for index in range(3)]
    assert sorted(file for share in shares for file in share) == files


@pytest.mark.parametrize("said", ["3", "3/3", "-1/3", "a/b", "1/0", ""])
def test_a_wrong_share_is_said(said: str) -> None:
    with pytest.raises(UsageError, match="INDEX/COUNT"):
        Shard.parse(said)
