"""`python -m bench.front.gateway`: what does the gateway cost, beside v2 over REST, which needs none?

The same text is asked of the sample model in turn, in every round: v2 over REST with binary tensors, v2 over gRPC with
raw contents, and OpenAI's embeddings, at the model's address and through the gateway; and of the native door with a
body so long that the gateway reads it, beside the same body at TorchServe's own address. A lone client's p50 includes
what the client's own library takes; the gateway's core seconds are its process's.
"""

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import aiohttp
import grpc.aio
import psutil
import typer

from berth.gateway.over_grpc.services import V2_SERVICE, message_of
from berth.gateway.over_grpc.tensors import HEADER, to_rest
from berth.settings import Settings, find_config

from ..machine import describe_run
from ..server import served
from ..stats import Spread, percentile
from .measure import Figures, core_seconds, find_behind, find_haproxy, rss

COMMAND = "python -m bench.front.gateway"
SCHEMA_VERSION = 1
TEXT = "how does a short text fare between a client and its model"
CLIENTS = 16
PADDING = " " * 1024  # so long a body goes through the gateway
LONG = " " * 128 * 1024
MANY = 2048
Ask = Callable[[], Awaitable[object]]


def main(
    archive: Annotated[Path, typer.Argument(help="An archive of the sample model.")] = Path("model_store/bert.mar"),
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; each asks every address once.")] = 5,
    seconds: Annotated[float, typer.Option(min=0.5, help="How long each is asked, lone and by 16 clients.")] = 3.0,
) -> None:
    """Measure the gateway beside v2 over REST: about two minutes."""
    facts = describe_run(" ".join((COMMAND, *sys.argv[1:])))
    with tempfile.TemporaryDirectory(prefix="bg-") as folder, served(archive, Path(folder, "cache")) as url:
        figures = asyncio.run(_measure(url, rounds, seconds))
    for name, values in figures.items():
        print(f"{name:44}{Spread.of(values).to_text(2 if 'ms' in name else 0):>24}")
    print(json.dumps({"schema_version": SCHEMA_VERSION, "benchmark": "gateway", **facts, "figures": figures}))


async def _measure(url: str, rounds: int, seconds: float) -> Figures:
    gateway = _find_gateway()
    figures: Figures = {"gateway: MiB at the start": [rss(gateway) / 2**20]}
    address = Settings.load(find_config(None), os.environ).grpc_inference.url.removeprefix("http://")
    async with aiohttp.ClientSession() as session, grpc.aio.insecure_channel(address) as channel:
        asked = _addresses(url, session, channel) | _long(url, session)
        for _ in range(rounds):
            for name, ask in asked.items():
                for key, value in (await _ask(gateway, ask, seconds)).items():
                    figures.setdefault(f"{name}: {key}", []).append(value)
            figures.setdefault(f"{MANY} inputs: s", []).append(await _many(url, session))
    figures["gateway: MiB at the end"] = [rss(gateway) / 2**20]
    return figures


def _find_gateway() -> psutil.Process:
    below = psutil.Process().children(recursive=True)
    (gateway,) = [process for process in below if "berth.gateway" in process.cmdline()]
    return gateway


def _addresses(url: str, session: aiohttp.ClientSession, channel: grpc.aio.Channel) -> dict[str, Ask]:
    """What is asked, by its name."""
    base, model = f"http://{urlsplit(url).netloc}", url.rsplit("/", 1)[1]
    request = _infer_request(model)
    head, rest = to_rest(request)
    infer = channel.unary_unary(f"/{V2_SERVICE}/ModelInfer")
    embed = json.dumps({"input": TEXT})
    return {
        "v2 over REST": _post(session, f"{base}/v2/models/{model}/infer", head + rest, {HEADER: str(len(head))}),
        "v2 over gRPC": lambda: infer(request.SerializeToString()),
        "OpenAI at the model": _post(session, f"{base}/predictions/{model}/1.0/v1/embeddings", embed.encode(), {}),
        "OpenAI by the gateway": _post(session, f"{base}/v1/embeddings", (embed + PADDING).encode(), {}),
    }


def _long(url: str, session: aiohttp.ClientSession) -> dict[str, Ask]:
    body = (json.dumps({"inputs": TEXT}) + LONG).encode()
    addresses = {"128 KiB at TorchServe": find_behind(url, find_haproxy()), "128 KiB by the gateway": url}
    return {name: _post(session, address, body, {}) for name, address in addresses.items()}


def _infer_request(model: str) -> Any:
    request = message_of("ModelInferRequest")(model_name=model)
    request.inputs.add(name="text", datatype="BYTES", shape=[1])
    request.raw_input_contents.append(len(TEXT).to_bytes(4, "little") + TEXT.encode())
    return request


def _post(session: aiohttp.ClientSession, url: str, body: bytes, headers: dict[str, str]) -> Ask:
    async def ask() -> None:
        sent = {"content-type": "application/octet-stream" if headers else "application/json", **headers}
        async with session.post(url, data=body, headers=sent) as answer:
            answer.raise_for_status()
            await answer.read()

    return ask


async def _ask(gateway: psutil.Process, ask: Ask, seconds: float) -> dict[str, float]:
    lone_ms = await _repeat(ask, seconds)
    before_s = core_seconds(gateway)
    answered = await asyncio.gather(*(_repeat(ask, seconds) for _ in range(CLIENTS)))
    count = sum(map(len, answered))
    used_us = 1e6 * (core_seconds(gateway) - before_s) / count
    return {"p50 ms": percentile(lone_ms, 50), "requests/s": count / seconds, "gateway's us a request": used_us}


async def _repeat(ask: Ask, seconds: float) -> list[float]:
    """Ask again and again; how long each answer took, in ms."""
    taken_ms: list[float] = []
    end_s = time.perf_counter() + seconds
    while (sent_s := time.perf_counter()) < end_s:
        await ask()
        taken_ms.append(1e3 * (time.perf_counter() - sent_s))
    return taken_ms


async def _many(url: str, session: aiohttp.ClientSession) -> float:
    """Seconds for as many inputs as one request may have."""
    body = json.dumps({"input": [f"{number} {TEXT}" for number in range(MANY)]}).encode()
    started_s = time.perf_counter()
    await _post(session, f"http://{urlsplit(url).netloc}/v1/embeddings", body, {})()
    return time.perf_counter() - started_s


if __name__ == "__main__":
    typer.run(main)
