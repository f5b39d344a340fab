"""The newest-frame slot."""

import threading
import time

from edgenext_ros.frame_slot import FrameCounts, FrameSlot


def test_the_newest_frame_replaces_the_waiting_one_and_counts_it_as_dropped():
    slot = FrameSlot()
    for message in 'abc':
        slot.put(message)
    assert slot.take().message == 'c'
    assert slot.counts() == FrameCounts(received=3, processed=0, dropped=2, failed=0, unfinished=1)


def test_a_frame_that_arrives_during_work_waits_and_is_not_dropped():
    slot = FrameSlot()
    slot.put('a')
    slot.take()
    slot.put('b')
    slot.mark_processed()
    assert slot.take().message == 'b'
    slot.mark_failed()
    assert slot.counts() == FrameCounts(received=2, processed=1, dropped=0, failed=1, unfinished=0)


def test_closing_drops_the_waiting_frame_and_later_ones():
    slot = FrameSlot()
    slot.put('a')
    slot.close()
    slot.put('b')
    assert slot.take() is None
    assert slot.counts() == FrameCounts(received=2, processed=0, dropped=2, failed=0, unfinished=0)


def test_closing_wakes_a_worker_that_waits():
    slot = FrameSlot()
    taken = []
    worker = threading.Thread(target=lambda: taken.append(slot.take()))
    worker.start()
    slot.close()
    worker.join(timeout=10)
    assert taken == [None]


def test_the_counters_add_up_while_two_threads_race():
    slot = FrameSlot()
    gaps = set()

    def look():
        counts = slot.counts()
        gaps.add(counts.received - sum(counts[1:]))

    def work():
        while slot.take() is not None:
            look()
            slot.mark_processed()

    worker = threading.Thread(target=work)
    worker.start()
    for number in range(500):
        slot.put(number)
        look()
        time.sleep(0)
    slot.close()
    worker.join(timeout=60)
    counts = slot.counts()
    assert gaps == {0}
    assert counts.unfinished == 0
    assert counts.received == 500 == counts.processed + counts.dropped
