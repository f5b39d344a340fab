"""The newest-frame slot and the frame that waits in it."""

import threading
import time

import numpy as np
import pytest

from edgenext_core.runtime.errors import FrameError
from edgenext_ros.frame_slot import CameraFrame, FrameCounts, FrameSlot


def _slot():
    return FrameSlot(threading.Condition())


def _frame(message='a'):
    return CameraFrame(message, decode_message=lambda _: np.zeros((1, 1, 3), np.uint8))


def test_the_newest_frame_replaces_the_waiting_one_and_counts_it_as_dropped():
    slot = _slot()
    for message in 'abc':
        slot.put(_frame(message))
    assert slot.take().message == 'c'
    assert slot.take() is None
    assert slot.counts() == FrameCounts(received=3, processed=0, dropped=2, failed=0, unfinished=1)


def test_a_frame_that_arrives_during_work_waits_and_is_not_dropped():
    slot = _slot()
    slot.put(_frame('a'))
    slot.take()
    slot.put(_frame('b'))
    slot.mark_processed()
    assert slot.take().message == 'b'
    slot.mark_failed()
    assert slot.counts() == FrameCounts(received=2, processed=1, dropped=0, failed=1, unfinished=0)


def test_closing_drops_the_waiting_frame_and_later_ones():
    slot = _slot()
    slot.put(_frame('a'))
    slot.close()
    slot.put(_frame('b'))
    assert slot.take() is None
    assert slot.counts() == FrameCounts(received=2, processed=0, dropped=2, failed=0, unfinished=0)


def test_a_slot_that_is_opened_again_counts_on():
    slot = _slot()
    slot.put(_frame('a'))
    slot.close()
    slot.open()
    assert slot.take() is None
    slot.put(_frame('b'))
    assert slot.take().message == 'b'
    assert slot.counts() == FrameCounts(received=2, processed=0, dropped=1, failed=0, unfinished=1)


def test_the_counters_add_up_while_two_threads_race():
    changed = threading.Condition()
    slot = FrameSlot(changed)
    gaps, closed = set(), threading.Event()

    def look():
        counts = slot.counts()
        gaps.add(counts.received - sum(counts[1:]))

    def work():
        while not closed.is_set():
            if slot.take() is None:
                with changed:
                    changed.wait(0.01)
                continue
            look()
            slot.mark_processed()

    worker = threading.Thread(target=work)
    worker.start()
    for number in range(500):
        slot.put(_frame(number))
        look()
        time.sleep(0)
    slot.close()
    closed.set()
    worker.join(timeout=60)
    counts = slot.counts()
    assert gaps == {0}
    assert counts.unfinished == 0
    assert counts.received == 500 == counts.processed + counts.dropped


def test_a_frame_is_decoded_once_for_all_who_ask():
    calls = []

    def decode(message):
        calls.append(message)
        return np.full((2, 3, 3), 7, np.uint8)

    frame = CameraFrame('image', decode)
    assert not calls
    assert frame.decode() is frame.decode()
    assert calls == ['image']


def test_every_task_is_told_that_a_frame_is_bad():
    def decode(_):
        raise FrameError('no picture')

    frame = CameraFrame('image', decode)
    for _ in range(2):
        with pytest.raises(FrameError, match='no picture'):
            frame.decode()
