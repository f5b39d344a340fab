"""How long the stages of a frame took, and percentiles over the newest frames."""

import collections
import threading
from typing import Deque, Dict, NamedTuple, Optional

from edgenext_core.measure.latency import Percentiles, percentiles


class FrameLatency(NamedTuple):
    """
    The stages of one frame in milliseconds, in the order in which they happen.

    ``queue_ms`` runs from the arrival to the worker's taking it; ``publish_ms`` covers making and
    publishing the result; ``age_ms`` is the ROS clock just after that minus the frame's stamp,
    None where the stamp is zero or the clock has not started.
    """

    queue_ms: float
    decode_ms: float
    preprocess_ms: float
    infer_ms: float
    postprocess_ms: float
    publish_ms: float
    age_ms: Optional[float]


class LatencyWindow:
    """
    Keep the newest frames' stages.

    The worker adds, the executor's thread reads; a lock keeps them apart.
    """

    def __init__(self, *, frames: int = 300, rate_window_s: float = 5.0) -> None:
        """
        Start empty.

        :param frames: how many frames the percentiles cover
        :param rate_window_s: how far back the rate looks, in seconds
        """
        self._lock = threading.Lock()
        self._latencies: Deque[FrameLatency] = collections.deque(maxlen=frames)
        self._finished_s: Deque[float] = collections.deque(maxlen=frames)
        self._rate_window_s = rate_window_s

    def add(self, latency: FrameLatency, *, finished_s: float) -> None:
        """
        Add a finished frame.

        :param latency: its stages
        :param finished_s: when it was finished, in seconds of ``time.monotonic``
        """
        with self._lock:
            self._latencies.append(latency)
            self._finished_s.append(finished_s)

    def percentiles(self) -> Dict[str, Percentiles]:
        """
        Compute p50, p95 and p99 of every stage.

        :return: by the stage's field name; stages without a value are left out
        """
        with self._lock:
            latencies = list(self._latencies)
        result = {}
        for stage in FrameLatency._fields:
            values = [getattr(latency, stage) for latency in latencies]
            known = [value for value in values if value is not None]
            if known:
                result[stage] = percentiles(known)
        return result

    def rate_hz(self, *, now_s: float) -> float:
        """
        Compute the frames per second over the last seconds.

        :param now_s: the time in seconds of ``time.monotonic``
        :return: the rate, 0.0 with fewer than two frames
        """
        with self._lock:
            recent = [at for at in self._finished_s if now_s - at <= self._rate_window_s]
        if len(recent) < 2 or recent[-1] <= recent[0]:
            return 0.0
        return (len(recent) - 1) / (recent[-1] - recent[0])
