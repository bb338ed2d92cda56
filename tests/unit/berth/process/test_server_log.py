"""The reason of a failed load, read from the lines that TorchServe printed when it was seen."""

from berth.process.server_log import failure_reason, why_no_worker, why_not_registered, without_resets

WORKER = "2026-11-22T17:24:29,369 INFO  W-9000-bert_1.0-stdout "
TRACEBACK = ["Traceback (most recent call last):", '  File "a.py", line 1, in <module>', "    call()"]


def lines(*messages: str) -> list[str]:
    return [WORKER + message for message in messages]


def test_it_is_the_exception_of_the_traceback() -> None:
    log = lines("Backend worker process died.", *TRACEBACK, "ValueError: they differ", "Listening on port: 1")
    assert failure_reason(log) == "ValueError: they differ"


def test_a_cause_is_not_the_reason() -> None:
    chained = "The above exception was the direct cause of the following exception:"
    log = lines(*TRACEBACK, "OSError: no file", "", chained, "", *TRACEBACK, "handler.errors.LoadError: no weights")
    assert failure_reason(log) == "handler.errors.LoadError: no weights"


def test_torchserves_second_try_of_an_import_is_not_the_reason() -> None:
    chained = "During handling of the above exception, another exception occurred:"
    log = lines(
        *TRACEBACK, "ImportError: no torch", "", chained, "", *TRACEBACK, "ModuleNotFoundError: ts.torch_handler"
    )
    assert failure_reason(log) == "ImportError: no torch"


def test_torchserves_second_report_of_a_runtime_error_is_not_the_reason() -> None:
    first = ["Failed to load model bert, exception bad", *TRACEBACK, "RuntimeError: bad"]
    second = ["Backend worker process died.", *TRACEBACK, "RuntimeError: 500 - Unknown exception"]
    assert failure_reason(lines(*first, *second)) == "RuntimeError: bad"


def test_lines_of_other_threads_may_come_in_between() -> None:
    log = lines(*TRACEBACK)
    log.insert(1, "2026-11-22T17:24:29,371 WARN  W-9000-bert_1.0 Load model failed: bert, error: Worker died.")
    assert failure_reason([*log, WORKER + "ValueError: they differ"]) == "ValueError: they differ"


def test_half_a_traceback_is_none() -> None:
    assert failure_reason(lines("Backend worker process died.", *TRACEBACK)) is None
    assert failure_reason(["Model server started."]) is None


def test_why_a_model_was_not_registered_is_the_line_after() -> None:
    failed = "2026-11-22T17:24:29,369 WARN  main Failed to load model: 1"
    exception = "org.pytorch.serve.archive.model.ModelNotFoundException: Model not found at: 1"
    log = [failed, exception, "\tat org.pytorch.serve.archive.model.ModelArchive.downloadModel(ModelArchive.java:118)"]
    assert why_not_registered(log, "1") == "Model not found at: 1"
    assert why_not_registered(log, "0") is None
    assert why_not_registered([WORKER + "Failed to load model: 1", exception], "1") is None


def test_a_worker_that_cannot_be_started_is_no_worker_that_ended() -> None:
    cause = 'Caused by: java.io.IOException: Cannot run program "/bin/berth-python": Exec failed, error: 11 (again) \n'
    assert why_no_worker([*lines("Backend worker error"), cause]) == (
        'Cannot run program "/bin/berth-python": Exec failed, error: 11 (again)'
    )
    assert "memory ran out" in why_no_worker(lines("Backend worker process died."))


def test_a_client_that_hung_up_leaves_no_line() -> None:
    """As TorchServe writes it: the logger's message is empty, and the exception follows."""
    empty = "2026-11-28T18:24:17,985 ERROR epollEventLoopGroup-3-2 \n"
    reset = "io.netty.channel.unix.Errors$NativeIoException: readAddress(..) failed: Connection reset by peer\n"
    other = "java.lang.IllegalStateException: no\n"
    log = [empty, reset, empty, empty, reset, "a line\n", empty, other, reset, empty]
    assert list(without_resets(log)) == [empty, "a line\n", empty, other, reset, empty]
