"""Many requests at once, each judged; good ones between them; at the end every worker is who it was."""

import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPException
from random import Random

from berth.clients.grpc_client import GrpcClient
from berth.errors import BerthError
from berth.progress import Advance, ignore
from tests.support.servers import Server

from .grpc_calls import make_infer, make_predictions
from .judge.judging import judge_grpc, judge_rest
from .judge.known import KnownAnswers
from .make.requests import GrpcRequest, RestRequest
from .models import Target
from .rest import JSON_DOORS, TEXT_DOORS, make_json_request, make_text_request
from .sending import ANSWER_TIMEOUT_S, send_grpc, send_rest

CHECK_EVERY = 20  # requests of one client
FITTING_RATIO = 0.9  # of the requests go to a model that has the door
Request = RestRequest | GrpcRequest
Maker = Callable[[Random, Target, str], Request]
DOORS: dict[str, Maker] = {
    **dict.fromkeys(JSON_DOORS, make_json_request),
    **dict.fromkeys(TEXT_DOORS, make_text_request),
    "gRPC": make_predictions,
    "gRPC stream": make_predictions,
    "gRPC v2": make_infer,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fuzzing:
    """What is sent to whom: the requests `first` to `first + number` of a seed."""

    server: Server
    targets: Sequence[Target]
    seed: int
    number: int
    first: int = 0
    clients: int = 8


@dataclass(frozen=True, slots=True)
class Violation:
    """What nobody should have got, and how to get it again."""

    what: str
    request: str


@dataclass(frozen=True, slots=True)
class Report:
    """Outcomes by door, and what is wrong."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    violations: list[Violation] = field(default_factory=list)

    def add(self, other: "Report") -> None:
        """Another client's."""
        self.outcomes.update(other.outcomes)
        self.violations.extend(other.violations)


def make_request(seed: int, number: int, targets: Sequence[Target]) -> Request:
    """The same for the same numbers."""
    rng = Random(f"{seed}:{number}")
    door = rng.choice(list(DOORS))
    fitting = [target for target in targets if door not in JSON_DOORS or JSON_DOORS[door].fits(target)]
    target = rng.choice(fitting if fitting and rng.random() < FITTING_RATIO else targets)
    return DOORS[door](rng, target, door)


def run(fuzzing: Fuzzing, advance: Advance = ignore) -> Report:
    """Every request, by several clients at once."""
    server, targets = fuzzing.server, fuzzing.targets
    before = {target.name: server.worker_pids(target.name) for target in targets}
    known = KnownAnswers(server, targets)
    report = Report()
    numbers = range(fuzzing.first, fuzzing.first + fuzzing.number)
    with ThreadPoolExecutor(fuzzing.clients) as pool:
        parts = [numbers[index :: fuzzing.clients] for index in range(fuzzing.clients)]
        for part in pool.map(lambda part: _send_all(fuzzing, part, known, advance), parts):
            report.add(part)
    known.close()
    for target in targets:
        _check_workers(server, target, before[target.name], report)
    return report


def _send_all(fuzzing: Fuzzing, numbers: Iterable[int], known: KnownAnswers, advance: Advance) -> Report:
    """One client's share, one after another."""
    report = Report()
    good = KnownAnswers(fuzzing.server, fuzzing.targets, known.known)
    with GrpcClient(f"127.0.0.1:{fuzzing.server.grpc_port}", timeout_s=ANSWER_TIMEOUT_S) as client:
        for count, number in enumerate(numbers, 1):
            request = make_request(fuzzing.seed, number, fuzzing.targets)
            again = f"python -m tests.fuzz --seed {fuzzing.seed} --first {number} --requests 1"
            _send_one(fuzzing.server, client, request, again, report)
            if count % CHECK_EVERY == 0:
                _guard(good.check, "a good request", "good requests between the others", report)
            advance(1)
    good.close()
    return report


def _send_one(server: Server, client: GrpcClient, request: Request, again: str, report: Report) -> None:
    def send() -> None:
        if isinstance(request, RestRequest):
            outcome = judge_rest(request, send_rest(server, request))
        else:
            outcome = judge_grpc(request, send_grpc(client, request))
        report.outcomes[request.door, outcome] += 1

    _guard(send, request.door, f"{again}\n{request}", report)


def _guard(work: Callable[[], None], door: str, shown: str, report: Report) -> None:
    """Whatever is wrong with an answer is a violation; the others are still asked."""
    try:
        work()
    except (AssertionError, ValueError, LookupError, TypeError, OSError, HTTPException, BerthError) as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        what = f"{type(error).__name__} ({place.name}): {str(error) or place.line}"
        report.outcomes[door, "VIOLATION"] += 1
        report.violations.append(Violation(what[:1000], shown))


def _check_workers(server: Server, target: Target, before: list[int], report: Report) -> None:
    def check() -> None:
        workers = server.describe(target.name)["workers"]
        assert [worker["pid"] for worker in workers] == before, f"{target.name}'s workers were {before}: {workers}"
        assert {worker["status"] for worker in workers} == {"READY"}, workers

    _guard(check, "workers", f"after all requests: {target.name}", report)
