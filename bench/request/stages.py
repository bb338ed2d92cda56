"""The stages of a batch in the worker, each timed by the seconds that its thread spent on a core."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from handler.config import Task
from handler.doors.route import open_call
from handler.payload import ModelIdentity, Rejected, Request
from handler.pipeline import Pipeline
from handler.tasks import TASKS
from handler.worker.metrics import FORWARD_SECONDS, TOKENIZE_SECONDS, Metric, Stopwatch

from ..texts import mixed_texts, whole_words

HEADERS = {"Content-Type": "application/json", "explain": "False", "url_path": ""}
CANDIDATES = {"candidate_labels": ["news", "sport", "music", "food"]}
RANKED = 16  # texts for each query
SAMPLE_TEXTS = 2000  # at least, in one timing: small batches are answered as often as that takes
ALONE, PARSE, PREPARE, ANSWER, WRITE, BEYOND = STAGES = (
    "tokenising alone",
    "parse",
    "plan, tokenise, cut",
    "share, pack, heads",
    "write",
    "beyond tokenising",
)


@dataclass(frozen=True, slots=True)
class Case:
    """A batch: so many requests, each with a list of so many inputs (or one input and no list)."""

    task: Task
    num_requests: int
    num_inputs: int
    encoding_format: str | None = None
    """Of vectors; None for lists of numbers."""

    @property
    def name(self) -> str:
        """`embeddings, base64 8 x 64`."""
        task = f"{self.task}, {self.encoding_format}" if self.encoding_format else self.task
        return f"{task} {self.num_requests} x {self.num_inputs}"

    def bodies(self, words: Sequence[str]) -> list[bytes]:
        """The requests' bodies; texts are those of `make bench`, no two alike."""
        count = self.num_requests * self.num_inputs
        texts = iter(mixed_texts(words, count * (1 + RANKED if self.task is Task.TEXT_RANKING else 1)))
        return [json.dumps(self._body(texts)).encode() for _ in range(self.num_requests)]

    def _body(self, texts: Iterator[str]) -> dict[str, Any]:
        inputs: list[Any] = [next(texts) for _ in range(self.num_inputs)]
        if self.task is Task.TEXT_RANKING:
            inputs = [{"query": query, "texts": [next(texts) for _ in range(RANKED)]} for query in inputs]
        parameters: dict[str, Any] = CANDIDATES if self.task is Task.ZERO_SHOT_CLASSIFICATION else {}
        if self.encoding_format:
            parameters = {"encoding_format": self.encoding_format}
        return {"inputs": inputs if self.num_inputs > 1 else inputs[0], "parameters": parameters}


class CoreStopwatch(Stopwatch):
    """A stopwatch that does not run while the thread waits."""

    @contextmanager
    def measure(self, metric: Metric) -> Iterator[None]:
        started_s = time.thread_time()
        yield
        self.seconds[metric] = self.seconds.get(metric, 0.0) + time.thread_time() - started_s


class Batch:
    """One batch of a case, and what the handler does with it."""

    def __init__(self, case: Case, folder: Path, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._model = ModelIdentity(name="bench", version="1.0", contract=TASKS[case.task])
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._bodies = case.bodies(whole_words(sorted(self._tokenizer.get_vocab())))  # else in another order each time
        self._calls = self._parse()
        requests = [call.item for call in self._calls]
        self._requests = [request for request in requests if isinstance(request, Request)]
        assert len(self._requests) == case.num_requests, requests[0]
        self._texts = self._distinct_texts()
        self.num_texts = sum(self._count(request) for request in self._requests)
        """Texts and pairs that the model reads."""

    def measure(self) -> dict[str, float]:
        """Return microseconds of a core for each text, by stage; `beyond tokenising` is all of ours but ALONE."""
        repeats = max(1, SAMPLE_TEXTS // self.num_texts)
        stopwatch = CoreStopwatch()
        alone = self._timed(repeats, partial(self._tokenizer.encode_batch_fast, self._texts, add_special_tokens=False))
        parse = self._timed(repeats, self._parse)
        answer = self._timed(repeats, partial(self._pipeline.answer, self._requests, stopwatch=stopwatch))
        prepare, forward = (
            1e6 * stopwatch.seconds[metric] / repeats / self.num_texts for metric in (TOKENIZE_SECONDS, FORWARD_SECONDS)
        )
        write = self._timed(repeats, partial(self._write, self._pipeline.answer(self._requests)))
        beyond = parse + answer - forward + write - alone
        return dict(zip(STAGES, (alone, parse, prepare, answer - prepare - forward, write, beyond), strict=True))

    def _timed(self, repeats: int, function: Callable[[], object]) -> float:
        started_s = time.thread_time()
        for _ in range(repeats):
            function()
        return 1e6 * (time.thread_time() - started_s) / repeats / self.num_texts

    def _parse(self) -> list[Any]:
        return [open_call({"body": body}, HEADERS, self._model) for body in self._bodies]

    def _write(self, answers: Sequence[Any]) -> list[Any]:
        assert not any(isinstance(answer, Rejected) for answer in answers), answers[0]
        return [call.reply.format_predictions(answer) for call, answer in zip(self._calls, answers, strict=True)]

    def _plan(self, request: Request) -> list[Any]:
        plan, config = TASKS[self._pipeline.config.task].plan, self._pipeline.config
        return [pair for source in request.inputs for pair in plan(source, request.parameters, config).pairs]

    def _count(self, request: Request) -> int:
        return len(self._plan(request))

    def _distinct_texts(self) -> list[str]:
        pairs = [pair for request in self._requests for pair in self._plan(request)]
        return list(dict.fromkeys(text for pair in pairs for text in (pair.text, pair.text_pair) if text is not None))
