"""`berth bulk`'s options and summary, without a run."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from berth.bulk.job import Job, OnError, Shard
from berth.bulk.run import Account
from berth.cli.app import app
from berth.cli.bulk import command
from berth.cli.bulk.command import parse_columns
from berth.cli.bulk.show import left_s, render_account, watched
from berth.errors import UsageError

ACCOUNT = Account(
    rows=1000,
    tokens=16_000,
    cut=3,
    errors=Counter(InvalidInput=2),
    parts=10,
    kept_rows=400,
    kept_tokens=6000,
    share=0.25,
    seconds=6.0,
)


def test_columns_are_named_by_key_or_are_of_the_first() -> None:
    assert parse_columns(["body", "pair=title"]) == {"": "body", "pair": "title"}
    for said in (["a=b", "a=c"], ["a="], ["a", "b"]):
        with pytest.raises(UsageError, match="KEY=NAME"):
            parse_columns(said)


OPTIONS = (
    '--output out --column text=body --parameters {"top_k":2} --to parquet --float16 --part-rows 7 --on-error fail '
    "--allow-other-machine --shard 3/16 --ray auto --memory 2Gi --require-signature key.pub"
)


def test_every_option_is_the_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[Job] = []
    monkeypatch.setattr(command, "run_job", lambda job, **_: ran.append(job))
    monkeypatch.setattr(command, "_require_ray", lambda *_, **__: None)
    done = CliRunner().invoke(app, ["bulk", "a.mar", "in.csv", "more", *OPTIONS.split()])
    assert done.exit_code == 0, done.output
    assert ran == [
        Job(
            archive=Path("a.mar"),
            signed_by=Path("key.pub"),
            inputs=("in.csv", "more"),
            output=Path("out/shard-00003-of-00016"),
            shard=Shard(index=3, count=16),
            columns={"text": "body"},
            parameters={"top_k": 2},
            float16=True,
            part_rows=7,
            on_error=OnError.FAIL,
            allow_other_machine=True,
            ray="auto",
            memory="2Gi",
        )
    ]


@pytest.mark.parametrize("said", ["16/16", "3", "-1/2", "a/b"])
def test_a_share_that_is_none(said: str) -> None:
    with pytest.raises(UsageError, match=rf"--shard {said}: give INDEX/COUNT"):
        Shard.parse(said)


def test_shares_are_all_files_once() -> None:
    shares = [Shard(index=index, count=3).of("abcdefg") for index in range(3)]
    assert sorted(file for share in shares for file in share) == list("abcdefg")
    assert Shard(index=5, count=9).of("abc") == ""


def test_rates_are_of_this_run_and_the_rest_is_estimated() -> None:
    found = json.loads(render_account(ACCOUNT, Path("out"), 3.6, as_json=True))
    assert (found["rows_per_s"], found["tokens_per_s"], found["kept_rows"]) == (100.0, 1666.7, 400)
    assert (found["cost"], found["cost_per_million_rows"]) == (0.006, 10.0)
    assert left_s(ACCOUNT) == 30.0  # of 4000 rows, a quarter is done
    assert left_s(Account()) is None


def test_tokens_that_only_a_server_knows_are_not_counted_as_none() -> None:
    account = replace(ACCOUNT, tokens=0, kept_tokens=0)
    found = json.loads(render_account(account, Path("out"), None, as_json=True))
    assert (found["tokens"], found["tokens_per_s"], found["rows_per_s"]) == (None, None, 100.0)
    assert "tokens" not in render_account(account, Path("out"), None, as_json=False)


def test_the_summary_for_people_names_errors_and_cuts() -> None:
    shown = render_account(ACCOUNT, Path("out"), None, as_json=False)
    assert "errors: 2 InvalidInput; cut: 3" in shown
    assert "400 rows were there already" in shown
    assert "cost" not in shown


def test_elsewhere_than_on_a_terminal_progress_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    with watched() as watch:
        watch(ACCOUNT)
        watch(ACCOUNT)
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["left_s"] == 30.0


@pytest.mark.parametrize(
    ("options", "said"),
    [(["--float16", "--to", "csv"], "--float16 is for Parquet"), (["--parameters", "[]"], "is not a JSON object")],
)
def test_what_cannot_be_done_is_said_at_once(tmp_path: Path, options: list[str], said: str) -> None:
    words = ["bulk", "a.mar", "a.txt", "--output", str(tmp_path / "out"), *options]
    result = CliRunner().invoke(app, words)
    assert isinstance(result.exception, UsageError)
    assert said in str(result.exception)
    assert not (tmp_path / "out").exists()
