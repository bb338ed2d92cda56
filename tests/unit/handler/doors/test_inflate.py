"""Compressed bodies: read where they say so, bounded in what they may become, named where they are something else."""

import gzip
import json
import zlib
from functools import partial

import pytest

from handler.config import Task
from handler.doors.route import open_call
from handler.payload import ModelIdentity, Rejected, Request
from handler.tasks import TASKS
from tests.support.calls import OPENAI_HEADERS, REST, infer, tensor

compress = partial(gzip.compress, mtime=0)  # tests have the same names in every run
BODY = json.dumps({"inputs": "a text"}).encode()
NATIVE = {**REST, "url_path": ""}
MODEL = ModelIdentity(name="m", version="1.0", contract=TASKS[Task.EMBEDDINGS])
LIMIT = 2**20


def bare(body: bytes) -> bytes:
    """Deflate without zlib's head and tail, as some clients understand it."""
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(body) + stream.flush()


def opened(body: bytes, encoding: str, headers: dict[str, str] = NATIVE) -> object:
    return open_call({"body": body}, {**headers, "Content-Encoding": encoding}, MODEL, LIMIT).item


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", compress),
        ("GZIP", compress),
        ("x-gzip", compress),
        ("deflate", zlib.compress),
        ("deflate", bare),
        ("identity", bytes),
        ("", bytes),
    ],
)
def test_what_a_body_is_said_to_be_is_read(encoding: str, pack: object) -> None:
    assert callable(pack)
    for body, headers in (
        (BODY, NATIVE),
        (json.dumps({"instances": ["a text"]}).encode(), REST),
        (json.dumps(infer(tensor("text", "a text"))).encode(), REST),
        (json.dumps({"input": "a text"}).encode(), OPENAI_HEADERS),
        (b"a text", {**NATIVE, "Content-Type": "text/plain"}),
    ):
        item = opened(pack(body), encoding, headers)
        assert isinstance(item, Request), item
        assert [source.text for source in item.inputs] == ["a text"]


@pytest.mark.parametrize(
    ("encoding", "body", "status", "part"),
    [
        ("br", b"\x8b\x02\x80", 415, "content-encoding 'br' is not read here: send one of gzip, deflate, or none"),
        ("zstd", b"\x28\xb5\x2f\xfd", 415, "'zstd' is not read here"),
        ("gzip, gzip", compress(compress(BODY)), 415, "'gzip, gzip' is not read here"),
        ("gzip", BODY, 400, "the body is not 'gzip', as content-encoding says"),
        ("deflate", b"\xff" + BODY, 400, "the body is not 'deflate'"),
        ("gzip", compress(BODY)[:-1], 400, "it ends too early"),
        ("gzip", compress(BODY)[:20], 400, "it ends too early"),
        ("gzip", compress(BODY) + b"more", 400, "4 bytes behind the end of its 'gzip'"),
        ("gzip", compress(BODY) * 2, 400, "behind the end"),  # thousands of small ones would take seconds
        ("gzip", b"", 400, "the body is empty"),
        ("gzip", compress(b""), 400, "the body is empty"),
        ("gzip", compress(b"{"), 400, "not JSON"),
        ("gzip", compress(b" " * LIMIT + b"{}"), 413, "more than 1048576 bytes once it is unpacked"),
    ],
)
def test_what_is_wrong_with_it_is_said(encoding: str, body: bytes, status: int, part: str) -> None:
    item = opened(body, encoding)
    assert isinstance(item, Rejected)
    assert (item.error.status, part in item.error.message) == (status, True), item.error.message


def test_a_body_of_exactly_the_limit_is_read() -> None:
    assert isinstance(opened(compress(BODY.ljust(LIMIT)), "gzip"), Request)
