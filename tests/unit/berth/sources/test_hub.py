"""A model of the Hub: what is asked for, what is kept, and the sentence for each way in which it fails.

The real huggingface_hub talks to a server on this machine.
"""

import errno
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub import constants

from berth.errors import Refused
from berth.progress import Silence
from berth.sources import hub as hub_module
from berth.sources.digest import has_digest
from berth.sources.source import opened
from tests.support.http_standin import JsonHandler, answering
from tests.support.hub.repository import Repository

from .conftest import CHECKPOINT, Recorder

SNAPSHOT = "models--org--tiny/snapshots"
MB = 1_000_000


def _files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_model_is_pinned_to_its_commit_and_lies_in_the_cache(hub, open_source, tmp_path):
    commit = hub.models["org/tiny"].commit
    source = open_source("org/tiny")
    assert (source.name, source.address, source.revision, source.notes) == ("tiny", "org/tiny", commit, ())
    assert source.folder == tmp_path / "hub" / SNAPSHOT / commit
    assert {name: (source.folder / name).read_bytes() for name in _files(source.folder)} == CHECKPOINT
    assert all(commit in path for _, path, _ in hub.requests if "/resolve/" in path)


def test_only_what_is_needed_is_asked_for(hub, open_source):
    more = ("pytorch_model.bin", "tf_model.h5", "flax_model.msgpack", "onnx/model.onnx", "openvino/config.json")
    needed = {"1_Pooling/config.json": b"{}", "modules.json": b"[]", "README.md": b"card"}
    hub.models["org/tiny"] = Repository(CHECKPOINT | needed | dict.fromkeys(more, b"not needed"))
    assert _files(open_source("org/tiny").folder) == {*CHECKPOINT, *needed}
    assert not any(name in path for name in more for _, path, _ in hub.requests)


@pytest.mark.parametrize("revision", ["v1.0", "refs/pr/4", "commit"])
def test_a_revision(hub, open_source, revision):
    old = Repository(CHECKPOINT | {"config.json": b'{"old": 1}'}, branches=("v1.0", "refs/pr/4"))
    hub.models["org/old"] = old
    source = open_source(f"org/old@{old.commit if revision == 'commit' else revision}")
    assert (source.revision, source.name) == (old.commit, "old")
    assert source.origin == {"source": "org/old", "revision": old.commit}


def test_a_second_time_no_file_is_asked_for(hub, open_source):
    open_source("org/tiny")
    hub.requests.clear()
    open_source("hf://org/tiny")
    assert not any("/resolve/" in path for _, path, _ in hub.requests)


def test_a_download_that_is_cut_three_times_is_resumed_and_finished(hub, open_source):
    weights = os.urandom(34 * MB)  # huggingface_hub writes every 10 MB that it has
    hub.models["org/tiny"] = Repository(CHECKPOINT | {"model.safetensors": weights})
    hub.models["org/tiny"].cuts = [11 * 1024 * 1024] * 3
    source = open_source("org/tiny")
    assert (source.folder / "model.safetensors").read_bytes() == weights
    ranges = [headers.get("range") for headers in hub.asked("GET", "/cdn/org--tiny/model.safetensors")]
    assert ranges == [None, *(f"bytes={step * 10 * 1024 * 1024}-" for step in (1, 2, 3))]


def test_after_a_reset_a_file_begins_anew(hub, monkeypatch):
    monkeypatch.setattr(hub_module, "PAUSE_S", 0)
    hub.models["org/tiny"].cuts, hub.reset = [5000] * 3, True
    progress = Recorder()
    with opened("org/tiny", progress) as source:
        assert (source.folder / "model.safetensors").read_bytes() == CHECKPOINT["model.safetensors"]
    assert len(hub.asked("GET", "/cdn/org--tiny/model.safetensors")) == 4
    assert progress.done == [0, *progress.totals[1:]]


def test_weights_are_fetched_only_after_a_look_at_the_rest(hub):
    seen: list[set[str]] = []

    def look(folder: Path) -> None:
        seen.append(_files(folder))
        raise Refused("it is none of ours")

    with pytest.raises(Refused, match="it is none of ours"), opened("org/tiny", Silence(), look):
        pass
    assert seen == [{"config.json", "tokenizer.json", "tokenizer_config.json"}]
    assert not hub.asked("HEAD", "model.safetensors")


def test_the_librarys_lines_are_not_shown(hub, open_source, monkeypatch, caplog):
    monkeypatch.setattr(hub_module, "PAUSE_S", 0)
    hub.models["org/tiny"].cuts = [5000]  # huggingface_hub warns that it resumes
    open_source("org/tiny")
    assert caplog.records == []
    assert logging.root.manager.disable == logging.NOTSET


def test_progress_is_told_in_bytes(hub):
    progress = Recorder()
    with opened("org/tiny", progress):
        size = sum(map(len, CHECKPOINT.values()))
    assert progress.steps == [
        "asking the Hub for org/tiny",
        "downloading org/tiny (0 MB)",
        "verifying org/tiny",
    ]
    assert (progress.totals, progress.done) == ([None, size, size], [0, size, size])


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_altered_bytes_are_refused_and_not_kept(hub, open_source, tmp_path, name):
    hub.models["org/tiny"].altered[name] = CHECKPOINT[name][:-1] + b"\0"
    with pytest.raises(Refused, match=rf"^{name} of org/tiny is not what the Hub names.*was deleted; pack it again"):
        open_source("org/tiny")
    cache = tmp_path / "hub" / "models--org--tiny"
    assert hub.models["org/tiny"].digest(name) not in {path.name for path in cache.glob("blobs/*")}
    assert not list(cache.glob(f"snapshots/*/{name}"))
    hub.models["org/tiny"].altered.clear()
    assert (open_source("org/tiny").folder / name).read_bytes() == CHECKPOINT[name]


def test_fewer_bytes_than_the_hub_names_are_refused_and_not_kept(hub, open_source, tmp_path):
    hub.models["org/tiny"].altered["model.safetensors"] = b"short"
    with pytest.raises(Refused, match=r"the download of org/tiny broke off .*pack it again"):
        open_source("org/tiny")
    assert not list((tmp_path / "hub").rglob("model.safetensors"))


def test_a_file_that_was_altered_in_the_cache_is_refused_also_without_the_hub(hub, open_source, monkeypatch):
    folder = open_source("org/tiny").folder
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    weights = (folder / "model.safetensors").resolve()
    weights.write_bytes(b"x" + weights.read_bytes()[1:])
    with pytest.raises(Refused, match=r"^model\.safetensors of org/tiny is not what the Hub names"):
        open_source("org/tiny")
    assert not weights.exists()


def test_the_token_is_sent_to_the_hub_and_nowhere_else(hub, open_source, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_mine")
    hub.models["org/tiny"].token = "hf_mine"  # noqa: S105
    open_source("org/tiny")
    assert {headers.get("authorization") for headers in hub.asked("GET", "/api/models/")} == {"Bearer hf_mine"}
    assert {headers.get("authorization") for headers in hub.asked("GET", "/cdn/")} == {None}


def test_what_the_cache_has_is_packed_offline_and_said(hub, open_source, monkeypatch):
    first = open_source("org/tiny")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    hub.requests.clear()
    second = open_source("org/tiny")
    assert (second.folder, second.revision, hub.requests) == (first.folder, first.revision, [])
    assert second.notes == (
        f"the Hub was not reached, so org/tiny is what the cache has of its commit {first.revision[:8]}",
    )


def test_offline_and_not_cached(hub, open_source, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    for address in ("org/tiny", f"org/tiny@{hub.models['org/tiny'].commit}"):
        with pytest.raises(Refused, match=rf"^{address} is not whole in the cache, .*HF_HUB_OFFLINE .*: unset it, or"):
            open_source(address)


def test_a_hub_that_is_down_leaves_what_the_cache_has(hub, open_source):
    first = open_source("org/tiny")
    hub.status = 500
    assert open_source("org/tiny").folder == first.folder


def test_no_network(hub, open_source, monkeypatch):
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")  # discard: nobody listens
    with pytest.raises(
        Refused, match=r"no folder org/tiny here, and http://127\.0\.0\.1:9 cannot be reached \(.*HF_ENDPOINT"
    ):
        open_source("org/tiny")


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("org/absent", r"there is no folder org/absent here, and no model of that name at .*: check the name, and if"),
        ("bert-base-absent", "there is no folder bert-base-absent here, and no model of that name"),
        (
            "org/private",
            "no model of that name at .* that you may read: .* if it is private, log in with `hf auth login`",
        ),
        ("org/gated", r"org/gated is gated: ask for access at http://127.*/org/gated, then log in with"),
        ("org/tiny@v9", "org/tiny has no revision v9: see http://127.*/org/tiny/tree/main"),
        (f"org/tiny@{'0' * 40}", "org/tiny has no revision 0000"),
        (
            "org/only-tf",
            r"org/only-tf of the Hub holds no .*, only TensorFlow's weights \(tf_model\.h5\): download it \(`hf "
            r"download org/only-tf --local-dir only-tf`\); `berth pack only-tf` then says how to convert it",
        ),
        ("org/empty", "org/empty of the Hub holds no weights: berth packs a folder with config.json and"),
    ],
)
def test_what_cannot_be_had(hub, open_source, address, sentence):
    hub.models["org/private"] = Repository(dict(CHECKPOINT), token="hf_theirs")  # noqa: S106
    hub.models["org/gated"] = Repository(dict(CHECKPOINT), gated=True)
    hub.models["org/only-tf"] = Repository({"config.json": b"{}", "tf_model.h5": b"weights"})
    hub.models["org/empty"] = Repository({"README.md": b"soon"})
    with pytest.raises(Refused, match=sentence) as refused:
        open_source(address)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (401, "the Hub refuses the token that it was sent for org/tiny: log in with"),
        (403, "the token that was sent may not read org/tiny: log in with"),
        (429, r"takes no more requests for org/tiny now \(429\): pack it again in some minutes"),
        (500, "answered 500 for org/tiny: pack it again later"),
    ],
)
def test_what_the_hub_answers(hub, open_source, status, sentence):
    hub.status = status
    with pytest.raises(Refused, match=sentence):
        open_source("org/tiny")


class _NoHub(JsonHandler):
    def do_GET(self) -> None:  # noqa: N802 - the base class's name
        self.answer(200, {"hello": "world"})


def test_a_server_that_is_no_hub(hub, open_source, monkeypatch):
    with answering(_NoHub) as url:
        monkeypatch.setattr(constants, "ENDPOINT", url)
        with pytest.raises(Refused, match=rf"^{url} does not answer as a Hub does \(\w+: .+: check HF_ENDPOINT and"):
            open_source("org/tiny")


@pytest.mark.parametrize("token", ["hf_secret", "hf_sécret"])
def test_no_token_is_ever_printed(hub, open_source, monkeypatch, token):
    monkeypatch.setenv("HF_TOKEN", token)
    hub.status = 401
    with pytest.raises(Refused) as refused:
        open_source("org/tiny")
    assert "cret" not in str(refused.value)


def test_an_error_that_no_sentence_knows_is_one_sentence(hub, open_source, monkeypatch):
    def fails(*_args: object, **_more: object) -> None:
        raise RuntimeError("Data processing error: CAS service error\nand more")

    monkeypatch.setattr(hub_module, "hf_hub_download", fails)  # what hf_xet raises; no server here speaks Xet
    with pytest.raises(Refused) as refused:
        open_source("org/tiny")
    assert str(refused.value) == (
        "the download of org/tiny broke off (RuntimeError: Data processing error: CAS service error): pack it again, "
        "the files that are whole are kept"
    )


def test_a_full_disk(hub, open_source, monkeypatch, tmp_path):
    def full(*_args: object, **_more: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(hub_module, "hf_hub_download", full)  # a disk that is full
    with pytest.raises(Refused, match=rf"no space is left for org/tiny in {tmp_path}/hub: .*HF_HOME"):
        open_source("org/tiny")


def test_the_environment_is_honoured_and_no_torch_is_imported(hub, tmp_path):
    program = (
        "import sys; from berth.pack.options import PackOptions; from berth.pack.pack import pack_checkpoint; "
        "from berth.errors import Refused\n"
        "try: pack_checkpoint('org/tiny', PackOptions())\n"
        "except Refused as error: print(error)\n"
        "print([name for name in ('torch', 'transformers', 'numpy') if name in sys.modules])"
    )
    environment = os.environ | {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home"), "HF_TOKEN": "hf_mine"}
    result = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert result.stdout.endswith("[]\n"), result.stderr
    assert result.stderr == ""
    assert list((tmp_path / "home" / "hub").glob(f"{SNAPSHOT}/*/model.safetensors"))


def test_a_digest_is_sha256_or_git_sha1(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"hello\n")
    assert has_digest(file, "ce013625030ba8dba906f756967f9e9ca394464a")  # git hash-object
    assert has_digest(file, "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03")  # sha256sum
    assert not has_digest(file, "0" * 40)
    assert not has_digest(file, "0" * 64)
