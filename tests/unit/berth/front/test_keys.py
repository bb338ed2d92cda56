"""API keys: what a line means, and what of it is kept."""

import hashlib
from pathlib import Path

import pytest

from berth.errors import UsageError
from berth.front.keys import ApiKey, KeySource, render_map

DIGEST = hashlib.sha256(b"open-sesame").hexdigest()
LINES = f"""# who may ask
ada open-sesame   # the first
bob sha256:{hashlib.sha256(b"bobs").hexdigest()} 20

bob bobs-next 20
"""


def source(text: str) -> KeySource:
    return KeySource(file=None, text=text)


def test_of_a_key_only_its_digest_is_kept() -> None:
    keys = source(LINES).parse(LINES)
    assert keys[0] == ApiKey(name="ada", sha256=DIGEST.upper(), per_second=None)
    assert [(key.name, key.per_second) for key in keys[1:]] == [("bob", 20), ("bob", 20)]
    assert "open-sesame" not in repr(keys) + render_map(keys)
    assert render_map(keys).splitlines()[0] == f"{DIGEST.upper()} ada"
    assert render_map(keys).splitlines()[2].endswith(" bob:20")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "BERTH_API_KEYS holds no API key: a line is NAME KEY"),
        ("# nobody", "holds no API key"),
        ("only-a-word", "line 1: a line is NAME KEY"),
        ("ada secret-1 20 more", "line 1: a line is NAME KEY"),
        ("\nada sécret", "line 2: a line is NAME KEY"),
        ("a/d/a secret-1", "line 1: .* a name has up to 64 letters"),
        ("ada secret-1 0", "line 1: the requests per second of ada"),
        ("ada secret-1 many", "line 1: the requests per second of ada"),
        ("ada sha256:secret-1", "line 1: after sha256: stand the 64 hexadecimal digits"),
        ("ada secret-1\nbob secret-1", "holds the same key twice"),
    ],
)
def test_what_is_wrong_is_named_and_not_quoted(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        source(text).parse(text)
    assert "secret-1" not in str(caught.value)


def test_keys_are_taken_out_of_the_environment_so_that_no_child_has_them() -> None:
    environ = {"BERTH_API_KEYS": "ada one;bob two", "HOME": "/"}
    keys = KeySource.take(environ)
    assert keys is not None
    assert [key.name for key in keys.parse(keys.read())] == ["ada", "bob"]
    assert environ == {"HOME": "/"}
    assert KeySource.take(environ) is None


def test_a_variable_that_is_empty_is_no_open_door() -> None:
    keys = KeySource.take({"BERTH_API_KEYS": ""})
    assert keys is not None
    with pytest.raises(UsageError, match="holds no API key"):
        keys.parse(keys.read())


def test_a_file_is_read_anew_each_time(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    keys = KeySource.take({"BERTH_API_KEYS_FILE": str(file)})
    assert keys is not None
    with pytest.raises(UsageError, match=r"keys \(BERTH_API_KEYS_FILE\) cannot be read: No such file"):
        keys.read()
    for name in ("ada", "bob"):
        file.write_text(f"{name} secret\n")
        assert keys.parse(keys.read())[0].name == name
    file.write_bytes(b"ada \xe9\n")
    with pytest.raises(UsageError, match="it is not UTF-8"):
        keys.read()


def test_keys_are_in_one_place() -> None:
    with pytest.raises(UsageError, match="are both set"):
        KeySource.take({"BERTH_API_KEYS": "ada one", "BERTH_API_KEYS_FILE": "keys"})
