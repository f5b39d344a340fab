"""Signals during a run are noted, told when asked for, and given back."""

import os
import signal

import pytest

from edgenext_demo.stop_signals import StopSignals


def test_the_first_interrupt_ends_the_clip_and_the_second_gives_up():
    with StopSignals() as stop:
        stop.check()
        assert not stop.is_clip_over()
        os.kill(os.getpid(), signal.SIGINT)
        stop.check()
        assert stop.is_clip_over()
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            stop.check()


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGHUP])
def test_an_order_to_end_exits_with_the_code_that_shells_give(number):
    with StopSignals() as stop:
        os.kill(os.getpid(), number)
        with pytest.raises(SystemExit) as exit_info:
            stop.check()
    assert exit_info.value.code == 128 + number


def test_the_signals_are_given_back():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with StopSignals():
        pass
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
