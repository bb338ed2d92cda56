"""What a signal does before java runs, and after."""

import os
import signal

import pytest

from berth.process.signals import stop_signals


def test_before_java_a_signal_ends_berth_and_what_its_threads_do() -> None:
    with stop_signals() as signals:
        signals.check()
        with pytest.raises(SystemExit) as ended:
            os.kill(os.getpid(), signal.SIGTERM)
        assert ended.value.code == 0
        with pytest.raises(SystemExit):
            signals.check(1)


def test_later_it_is_noted_and_the_second_interrupt_forces() -> None:
    with stop_signals() as signals:
        signals.hold()
        for is_forced in (False, True):
            os.kill(os.getpid(), signal.SIGINT)
            assert (signals.requested, signals.forced) == (True, is_forced)
