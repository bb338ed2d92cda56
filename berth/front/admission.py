"""Who is let in: what cannot be answered within its deadline is refused at once, by HAProxy's own arithmetic.

A queue is a model's requests of one class, and its cost the time that each request in it adds to a wait. Cost times the
requests under way is how long the next one takes. Each answer corrects the cost by what its own wait was more or less
than that (normalised least mean squares). So nothing has to be known of the model, its batches and its workers. Where a
model has answered nobody for longer than a request may take, that one is refused too.
"""

from collections.abc import Iterator

from .reports.histogram import STORED, histogram_lines

PATIENCE_MS = 30_000  # of a client that does not say how long it waits
LONGEST_MS = 300_000
MAX_WAITING = 1024  # of one model; each holds up to 64 KiB of its body
STEPS = 4  # an answer corrects the cost by this part of its error, shared by those under way
FEW = 16  # where fewer are, upwards by less: one that is slow alone does not show what it costs others
MORE = 3  # so many more could have been in the batch of one that came alone, and waited no longer
SPARE = 2  # times the estimate: answers come in batches, and a machine that others use slows down within a second
WRAP_MS = 1_000_000_000  # a table's numbers have 32 bits
HIGHEST_US = 60_000_000  # of a cost, whatever a clock that is set by less than LONGEST_MS may teach
TABLE = "admitted"
SILENCE = "answered"
COUNTS = "refused"
OVERLOADED = "overloaded"
ANY_MODEL = "model-*"
"""The queue of TorchServe's own gRPC calls, whose model only the message names."""
SLOT, SILENCE_SLOT = 1, 2  # of HAProxy's three: the entries of a request's queue, or of its refusal; of its model
IS_OPEN = "!{ var(txn.refusal) -m found }"
IS_ASKED = "{ var(txn.to) -m beg model- }"
IS_TAKEN = "{ var(txn.began_us) -m found }"
NOW_MS = f"date(0,ms),mod({WRAP_MS})"
OWN_COST = f"sc_get_gpt0({SLOT})"
IS_LONE = "{ var(txn.share) -m int 1 }"  # it shows what is true now, and keeps nobody waiting
IS_LOW = "{ req.fhdr(x-priority) -m str low }"


def deadline_lines(*, is_checked: bool) -> Iterator[str]:
    """Write how a request gets its deadline; `is_checked`: a header that is wrong is refused, not replaced."""
    said = "req.fhdr(x-timeout-ms)"
    is_number = f"{{ {said} -m reg ^[0-9]{{1,9}}$ }}"
    yield f"    http-request set-var(txn.timeout_ms) int({PATIENCE_MS})"
    yield f"    http-request set-var(txn.timeout_ms) {said},add(0) if {is_number}"
    if is_checked:
        yield f"    http-request set-var(txn.refusal) str(timeout) if {IS_OPEN} {{ {said} -m found }} !{is_number}"
        is_wrong = f"!{{ var(txn.timeout_ms) -m int 1:{LONGEST_MS} }}"
        yield f"    http-request set-var(txn.refusal) str(timeout) if {IS_OPEN} {is_wrong}"
        is_class = "!{ req.fhdr(x-priority) -m str low normal }"
        is_said = "{ req.fhdr(x-priority) -m found }"
        yield f"    http-request set-var(txn.refusal) str(priority) if {IS_OPEN} {is_said} {is_class}"
    is_too_long = f"{{ var(txn.timeout_ms) -m int gt {LONGEST_MS} }}"
    yield f"    http-request set-var(txn.timeout_ms) int({LONGEST_MS}) if {is_too_long}"
    yield "    http-request set-header x-deadline-ms %[date(0,ms),add(txn.timeout_ms)]"


def grpc_deadline_lines() -> Iterator[str]:
    """Write how a call gets its deadline: gRPC's own header is a number and a unit."""
    yield f"    http-request set-var(txn.timeout_ms) int({PATIENCE_MS})"
    for unit, scale in {
        "H": "mul(3600000)",
        "M": "mul(60000)",
        "S": "mul(1000)",
        "m": "add(0)",
        "u": "div(1000)",
    }.items():
        said = f"req.fhdr(grpc-timeout),regsub({unit},),{scale}"
        yield f"    http-request set-var(txn.timeout_ms) {said} if {{ req.fhdr(grpc-timeout) -m end {unit} }}"
    yield "    http-request set-var(txn.timeout_ms) int(1) if { req.fhdr(grpc-timeout) -m end n }"


def admission_lines(max_requests: int, max_waiting: int = MAX_WAITING) -> Iterator[str]:
    """Write who joins a queue; TorchServe has `max_requests` of it at once, which no priority overtakes."""
    yield from _measure_lines(max_requests)
    wait_ms = f"var(txn.cost),mul(txn.share),mul({SPARE}),div(1000)"
    yield f"    http-request set-var(txn.late_ms) {wait_ms},sub(txn.timeout_ms)"
    yield f"    http-request set-var(txn.heard_ms) var(txn.to),table_gpt0({SILENCE})"
    # Its threads' clocks differ by milliseconds, and HAProxy 2.6 takes from a number below zero what is far above it.
    yield "    http-request set-var(txn.patient_ms) var(txn.heard_ms),add(txn.timeout_ms)"
    yield f"    http-request set-var(txn.silent_ms) {NOW_MS},sub(txn.patient_ms)"
    is_late = f"{{ var(txn.late_ms) -m int gt 0 }} !{IS_LONE}"
    is_silent = f"{{ var(txn.silent_ms) -m int gt 0 }} {{ var(txn.heard_ms) -m int gt 0 }} !{IS_LONE}"
    is_full = f"{{ var(txn.share) -m int gt {max_requests + max_waiting} }}"
    for condition in (is_late, is_silent, is_full):
        yield f"    http-request set-var(txn.refusal) str({OVERLOADED}) if {IS_OPEN} {IS_ASKED} {condition}"
    yield "    http-request set-var(txn.retry_s) int(1)"
    yield "    http-request set-var(txn.retry_s) var(txn.late_ms),div(1000),add(1) if { var(txn.late_ms) -m int gt 0 }"
    yield f"    http-request set-var(txn.began_us) date(0,us) if {IS_OPEN} {IS_ASKED}"
    # Its silence begins before it counts: another thread never sees one of many that have waited since the last answer.
    yield f"    http-request track-sc{SILENCE_SLOT} var(txn.to) table {SILENCE} if {IS_TAKEN}"
    yield f"    http-request sc-set-gpt0({SILENCE_SLOT}) {NOW_MS} if {IS_TAKEN} {IS_LONE}"
    yield f"    http-request track-sc{SLOT} var(txn.queue) table {TABLE} if {IS_TAKEN}"
    yield f"    http-request set-priority-class int(1) if {IS_LOW}"


def _measure_lines(max_requests: int) -> Iterator[str]:
    """Write how many requests are ahead of one that comes, and what each costs it; low ones wait for all others."""
    yield f"    http-request set-var(txn.low) var(txn.to),concat(/low),table_conn_cur({TABLE})"
    too_many = f"{{ var(txn.low) -m int gt {max_requests} }}"
    yield f"    http-request set-var(txn.low) int({max_requests}) if !{IS_LOW} {too_many}"
    yield f"    http-request set-var(txn.share) var(txn.to),table_conn_cur({TABLE}),add(txn.low),add(1)"
    yield "    http-request set-var(txn.queue) var(txn.to)"
    yield f"    http-request set-var(txn.cost) var(txn.queue),table_gpt0({TABLE})"
    yield f"    http-request set-var(txn.queue) var(txn.to),concat(/low) if {IS_LOW}"
    yield f"    http-request set-var(txn.cost) var(txn.queue),table_gpt0({TABLE}),add(txn.cost) if {IS_LOW}"


def learning_lines() -> Iterator[str]:
    """Write what an answer teaches about its queue; one that TorchServe or the handler refused took no time."""
    in_time = f"{{ var(txn.error) -m int lt {LONGEST_MS * 1000} }}"  # else the clock was set meanwhile
    is_taught = f"{{ var(txn.began_us) -m found }} {in_time} !{{ status 503 }}"
    yield f"    http-response set-var(txn.own) {OWN_COST}"
    yield f"    http-response set-var(txn.sharing) var(txn.share),add({MORE})"
    yield f"    http-response set-var(txn.expected) {OWN_COST},mul(txn.sharing),add(txn.began_us)"
    yield "    http-response set-var(txn.error) date(0,us),sub(txn.expected)"
    yield f"    http-response set-var(txn.norm) int({FEW * FEW}),div(txn.share),add(txn.share),mul({STEPS})"
    yield f"    http-response set-var(txn.norm) var(txn.share),mul({STEPS}) if {{ var(txn.error) -m int lt 0 }}"
    yield f"    http-response set-var(txn.learnt) var(txn.error),div(txn.norm),add(txn.own) if {is_taught}"
    yield "    http-response set-var(txn.learnt) int(1) if { var(txn.learnt) -m int lt 1 }"
    yield f"    http-response set-var(txn.learnt) int({HIGHEST_US}) if {{ var(txn.learnt) -m int gt {HIGHEST_US} }}"
    yield f"    http-response sc-set-gpt0({SLOT}) var(txn.learnt) if {is_taught}"
    yield f"    http-response sc-set-gpt0({SILENCE_SLOT}) {NOW_MS} if {IS_TAKEN}"
    yield from histogram_lines(SILENCE_SLOT, "txn.began_us", IS_TAKEN)


def counting_lines() -> Iterator[str]:
    """Write how refusals are counted, by model and reason."""
    when = "{ var(txn.refusal) -m found }"
    yield f"    http-request set-var(txn.counted) var(txn.to),concat(:,txn.refusal) if {when}"
    yield f"    http-request set-var(txn.counted) str(:),concat(,txn.refusal) if {when} !{{ var(txn.to) -m found }}"
    yield f"    http-request track-sc{SLOT} var(txn.counted) table {COUNTS} if {when}"
    yield f"    http-request sc-inc-gpc0({SLOT}) if {when}"


def table_lines() -> Iterator[str]:
    """Write the tables: queues' requests under way and costs; when a model last answered, and how fast; refusals."""
    for name, stored in ((TABLE, "conn_cur,gpt0"), (SILENCE, STORED), (COUNTS, "gpc0")):
        yield f"backend {name}"
        yield f"    stick-table type string len 256 size 4k store {stored}"
