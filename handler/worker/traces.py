"""Spans of requests for OpenTelemetry: queue, tokenise, forward and head, below what a client's traceparent names.

Only where an OTLP endpoint is set; without one nothing of OpenTelemetry is imported, and a batch costs no more. What a
batch does it does for all its requests, so each of them has the same times, and a span of its own.
"""

import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..errors import LoadError
from ..payload import Answered, DeepCheck, Item, Response
from .metrics import FORWARD_SECONDS, TOKENIZE_SECONDS, Metric, Stopwatch

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
STARTED = "x-request-start"
"""The front's header: `t=` and when it has read the request's head, in microseconds of Unix time."""
MICROS = re.compile("[0-9]{1,18}")  # int() raises from 4300 digits on
NAMES = {TOKENIZE_SECONDS: "tokenize", FORWARD_SECONDS: "forward"}
Headers = Mapping[str, object]


class NoTraces:
    """What a worker without an endpoint has."""

    def stopwatch(self) -> Stopwatch:
        """Return a batch's stopwatch."""
        return Stopwatch()

    def end(
        self, stopwatch: Stopwatch, headers: Sequence[Headers], items: Sequence[Item], responses: Sequence[Response]
    ) -> None:
        """Do nothing."""


class Timeline(Stopwatch):
    """A stopwatch that remembers from when to when each thing was done, in nanoseconds of Unix time."""

    def __init__(self) -> None:
        super().__init__()
        self.began_ns = time.time_ns()
        self.spans: dict[Metric, tuple[int, int]] = {}

    @contextmanager
    def measure(self, metric: Metric) -> Iterator[None]:
        """As ever; of what is done several times, the first beginning and the last end count."""
        first_ns, _ = self.spans.get(metric, (time.time_ns(), 0))
        try:
            with super().measure(metric):
                yield
        finally:
            self.spans[metric] = (first_ns, time.time_ns())


@dataclass(kw_only=True)
class Traces(NoTraces):
    """Makes a batch's spans, which a thread of OpenTelemetry's own sends."""

    tracer: Any
    attributes: Mapping[str, str]

    def stopwatch(self) -> Stopwatch:
        """Return a batch's stopwatch."""
        return Timeline()

    def end(
        self, stopwatch: Stopwatch, headers: Sequence[Headers], items: Sequence[Item], responses: Sequence[Response]
    ) -> None:
        """Make the spans of each user's request; health checks have none."""
        assert isinstance(stopwatch, Timeline)
        ended_ns = time.time_ns()
        for head, item, response in zip(headers, items, responses, strict=True):
            if not isinstance(item, DeepCheck) and not (isinstance(item, Answered) and not item.is_users):
                self._trace(stopwatch, head, response, ended_ns)

    def _trace(self, timeline: Timeline, headers: Headers, response: Response, ended_ns: int) -> None:
        from opentelemetry import propagate, trace  # noqa: PLC0415 - only where it is asked for

        named = {name.lower(): str(value) for name, value in headers.items()}
        came_ns = min(_came_ns(named) or timeline.began_ns, timeline.began_ns)
        attributes = {**self.attributes, "http.response.status_code": response.status}
        attributes |= {"http.request.header.x-request-id": named["x-request-id"]} if "x-request-id" in named else {}
        parent, kind = propagate.extract(named), trace.SpanKind.SERVER
        request = self.tracer.start_span("request", parent, kind=kind, attributes=attributes, start_time=came_ns)
        inside = trace.set_span_in_context(request, parent)
        for name, (began_ns, until_ns) in _parts(timeline, came_ns, ended_ns).items():
            self.tracer.start_span(name, inside, start_time=began_ns).end(until_ns)
        request.end(ended_ns)


def open_traces(name: str, version: str) -> NoTraces:
    """Return what traces a model's requests, as OpenTelemetry's own variables say; nothing without an endpoint.

    Raises LoadError where an endpoint is set and OpenTelemetry is not installed.
    """
    endpoint = next((variable for variable in ENDPOINTS if os.environ.get(variable)), None)
    if endpoint is None:
        return NoTraces()
    try:
        return Traces(tracer=_tracer(), attributes={"berth.model.name": name, "berth.model.version": version})
    except ImportError as error:
        raise LoadError(
            f"{endpoint} is set, and {error.name} is missing: pip install 'berth[otel]', or unset it"
        ) from None


def _tracer() -> Any:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    named = {} if os.environ.get("OTEL_SERVICE_NAME") else {SERVICE_NAME: "berth"}
    provider = TracerProvider(resource=Resource.create(named))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider.get_tracer("berth")


def _came_ns(headers: Mapping[str, str]) -> int | None:
    """When the front read a request; None where none did."""
    micros = headers.get(STARTED, "").removeprefix("t=")
    return int(micros) * 1000 if MICROS.fullmatch(micros) else None


def _parts(timeline: Timeline, came_ns: int, ended_ns: int) -> dict[str, tuple[int, int]]:
    """From when to when each part lasted; the head's begins where the last pass, or what else came last, has ended."""
    parts = {"queue": (came_ns, timeline.began_ns)}
    parts |= {name: timeline.spans[metric] for metric, name in NAMES.items() if metric in timeline.spans}
    return {**parts, "head": (max(until_ns for _, until_ns in parts.values()), ended_ns)}
