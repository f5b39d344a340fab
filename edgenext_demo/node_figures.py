"""What a perception node has said so far: counters, stage times, its newest result."""

import array
import collections
import time
from typing import Deque, Dict, NamedTuple

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.serialization import deserialize_message
from rclpy.time import Time

from edgenext_demo.model_folder import DemoModel

STAGES = ('queue', 'decode', 'preprocess', 'infer', 'postprocess', 'publish', 'age')
RATE_WINDOW_S = 3.0


class Counters(NamedTuple):
    """What a node says of its frames in ``/diagnostics``."""

    received: int
    processed: int
    dropped: int
    failed: int
    published: int

    @property
    def settled(self) -> bool:
        """Return whether every received frame has been accounted for."""
        return self.received == self.processed + self.dropped + self.failed


class NodeFigures:
    """One node's figures as they come in."""

    def __init__(self, model: DemoModel) -> None:
        """
        Start empty.

        :param model: what the node runs
        """
        self.model = model
        self.counters = Counters(0, 0, 0, 0, 0)
        self.counters_heard = 0
        self.backend = ''
        self.newest = b''
        self.stages_ms = {stage: array.array('d') for stage in STAGES}
        self.age_ms: Dict[int, float] = {}
        self._arrivals_s: Deque[float] = collections.deque(maxlen=300)

    def add_result(self, serialized: bytes) -> None:
        """
        Take a result.

        :param serialized: the message in CDR
        """
        self.newest = serialized
        self._arrivals_s.append(time.monotonic())

    def add_latency(self, serialized: bytes) -> None:
        """
        Take a frame's stage times.

        :param serialized: a DiagnosticArray in CDR, as on ``~/latency``
        """
        message = deserialize_message(serialized, DiagnosticArray)
        stamp_ns = Time.from_msg(message.header.stamp).nanoseconds
        for pair in message.status[0].values:
            stage = pair.key[:-len('_ms')]
            if stage in self.stages_ms:
                self.stages_ms[stage].append(float(pair.value))
                if stage == 'age':
                    self.age_ms[stamp_ns] = float(pair.value)

    def add_status(self, status: DiagnosticStatus) -> None:
        """
        Take what the node says of itself every second.

        :param status: from ``/diagnostics``
        """
        values = {pair.key: pair.value for pair in status.values}
        self.counters = Counters(*(int(values[key]) for key in Counters._fields))
        self.counters_heard += 1
        self.backend = status.hardware_id

    def rate_hz(self) -> float:
        """Return the results per second over the last seconds."""
        now_s = time.monotonic()
        while self._arrivals_s and now_s - self._arrivals_s[0] > RATE_WINDOW_S:
            self._arrivals_s.popleft()
        return len(self._arrivals_s) / RATE_WINDOW_S
