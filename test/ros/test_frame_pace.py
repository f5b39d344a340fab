"""When a source's frames are due."""

import threading

from edgenext_core.runtime.frame_sources import FrameSource, SourceFrame
from edgenext_ros.frame_pace import paced_frames

ONE_IN_AN_HOUR_HZ = 1 / 3600


def _source(count, *, is_live=False):
    return FrameSource((SourceFrame(number, None) for number in range(count)), 15.0, is_live)


def _numbers(frames):
    return [frame.number for frame in frames]


def test_without_a_rate_every_frame_is_due_at_once():
    assert _numbers(paced_frames(_source(5), 0.0, stop=threading.Event())) == [0, 1, 2, 3, 4]


def test_every_frame_of_a_file_comes_in_order():
    assert _numbers(paced_frames(_source(5), 200.0, stop=threading.Event())) == [0, 1, 2, 3, 4]


def test_frames_of_a_live_source_that_come_too_early_are_left_out():
    frames = paced_frames(_source(5, is_live=True), ONE_IN_AN_HOUR_HZ, stop=threading.Event())
    assert _numbers(frames) == [0]


def test_a_live_source_without_a_rate_keeps_its_own():
    frames = paced_frames(_source(5, is_live=True), 0.0, stop=threading.Event())
    assert _numbers(frames) == [0, 1, 2, 3, 4]


def test_a_wait_for_the_next_frame_can_be_stopped():
    stop = threading.Event()
    frames = paced_frames(_source(5), ONE_IN_AN_HOUR_HZ, stop=stop)
    assert next(frames).number == 0
    timer = threading.Timer(0.05, stop.set)
    timer.start()
    assert _numbers(frames) == []
    timer.join()


def test_no_frame_is_given_once_told_to_stop():
    stop = threading.Event()
    stop.set()
    for is_live in (False, True):
        assert _numbers(paced_frames(_source(5, is_live=is_live), 0.0, stop=stop)) == []


def test_a_source_goes_on_where_it_was_stopped():
    source, stop = _source(5), threading.Event()
    frames = paced_frames(source, 0.0, stop=stop)
    assert [next(frames).number, next(frames).number] == [0, 1]
    frames.close()
    assert _numbers(paced_frames(source, 0.0, stop=stop)) == [2, 3, 4]
