"""Percentiles and rate over the newest frames."""

import pytest

from edgenext_ros.latency import FrameLatency, LatencyWindow


def _latency(infer_ms, age_ms=None):
    return FrameLatency(queue_ms=1., decode_ms=2., preprocess_ms=3., infer_ms=infer_ms,
                        postprocess_ms=5., publish_ms=6., age_ms=age_ms)


def test_percentiles_interpolate_between_the_frames():
    window = LatencyWindow()
    for number in range(101):
        window.add(_latency(float(number)), finished_s=number)
    assert window.percentiles()['infer_ms'] == (50.0, 95.0, 99.0)
    assert window.percentiles()['queue_ms'] == (1.0, 1.0, 1.0)


def test_only_the_newest_frames_count():
    window = LatencyWindow(frames=2)
    for infer_ms in (100., 1., 1.):
        window.add(_latency(infer_ms), finished_s=0)
    assert window.percentiles()['infer_ms'] == (1.0, 1.0, 1.0)


def test_an_unknown_age_is_left_out():
    window = LatencyWindow()
    window.add(_latency(1.), finished_s=0)
    assert 'age_ms' not in window.percentiles()
    window.add(_latency(1., age_ms=7.), finished_s=0)
    assert window.percentiles()['age_ms'] == (7.0, 7.0, 7.0)


def test_an_empty_window_has_no_percentiles_and_no_rate():
    window = LatencyWindow()
    assert window.percentiles() == {}
    assert window.rate_hz(now_s=0) == 0.0


def test_the_rate_is_that_of_the_last_seconds_and_ends_with_the_stream():
    window = LatencyWindow(rate_window_s=2.0)
    for number in range(100):
        window.add(_latency(1.), finished_s=number * 0.1)
    assert window.rate_hz(now_s=9.9) == pytest.approx(10.0)
    assert window.rate_hz(now_s=20.0) == 0.0
