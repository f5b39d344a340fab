"""What the demo hears: every result, every stage time, every counter, the frames and the truth."""

import array
import collections
import time
from typing import Any, Deque, Dict, NamedTuple, Optional, Sequence

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node
from rclpy.qos import QoSHistoryPolicy, QoSProfile, QoSReliabilityPolicy
from rclpy.time import Time
from sensor_msgs.msg import CompressedImage, Image
from vision_msgs.msg import Classification, Detection2DArray

from edgenext_demo.model_folder import DemoModel
from edgenext_demo.spool import Spool

CAMERA = 'camera'
FRAMES = 'image/compressed'
RESULT_TYPES = {'classification': Classification, 'detection': Detection2DArray,
                'segmentation': Image}
RESULT_TOPICS = {'classification': 'labels', 'detection': 'detections', 'segmentation': 'mask'}
STAGES = ('queue', 'decode', 'preprocess', 'infer', 'postprocess', 'publish', 'age')
RATE_WINDOW_S = 3.0
_QOS = QoSProfile(depth=100, history=QoSHistoryPolicy.KEEP_LAST,
                  reliability=QoSReliabilityPolicy.RELIABLE)


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


class NodeRecord:
    """One node's results as they come in: counters, stage times, the newest result."""

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

        :param serialized: the message
        """
        self.newest = serialized
        self._arrivals_s.append(time.monotonic())

    def rate_hz(self) -> float:
        """Return the results per second over the last seconds."""
        now_s = time.monotonic()
        while self._arrivals_s and now_s - self._arrivals_s[0] > RATE_WINDOW_S:
            self._arrivals_s.popleft()
        return len(self._arrivals_s) / RATE_WINDOW_S


class Recorder:
    """
    Subscribe to everything that the camera and the nodes publish, and do as little as possible.

    Large messages are not even deserialised: they go to the spool as they come. All callbacks run
    in the thread that spins the node.
    """

    def __init__(self, node: Node, models: Sequence[DemoModel], spool: Spool) -> None:
        """
        Subscribe.

        :param node: an rclpy node without callbacks
        :param models: one per perception node
        :param spool: where messages go
        """
        self.records = {model.node: NodeRecord(model) for model in models}
        self.sent = self.frames = 0
        self.camera_state = 'starting'
        self._node = node
        self._spool = spool
        for model in models:
            task = model.card.task
            self._keep(RESULT_TYPES[task], result_topic(model), self.records[model.node])
            self._keep(RESULT_TYPES[task], truth_topic(task))
            node.create_subscription(DiagnosticArray, model.node + '/latency',
                                     self._on_latency(self.records[model.node]), _QOS)
        node.create_subscription(DiagnosticArray, '/diagnostics', self._on_diagnostics, _QOS)
        # Last, as the camera waits for it before its first frame.
        node.create_subscription(CompressedImage, FRAMES, self._on_frame, _QOS, raw=True)

    def _on_frame(self, serialized: bytes) -> None:
        self._spool.append(FRAMES, serialized, compress=False)
        self.frames += 1

    def _keep(self, kind: Any, topic: str, record: Optional[NodeRecord] = None) -> None:
        def on_message(serialized: bytes) -> None:
            self._spool.append(topic, serialized, compress=True)
            if record is not None:
                record.add_result(serialized)

        self._node.create_subscription(kind, topic, on_message, _QOS, raw=True)

    def _on_latency(self, record: NodeRecord) -> Any:
        def on_message(message: DiagnosticArray) -> None:
            stamp_ns = Time.from_msg(message.header.stamp).nanoseconds
            for pair in message.status[0].values:
                stage = pair.key[:-len('_ms')]
                if stage in record.stages_ms:
                    record.stages_ms[stage].append(float(pair.value))
                    if stage == 'age':
                        record.age_ms[stamp_ns] = float(pair.value)

        return on_message

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            values = {pair.key: pair.value for pair in status.values}
            name = status.name.split(':')[0]
            if name in self.records:
                record = self.records[name]
                record.counters = Counters(*(int(values[key]) for key in Counters._fields))
                record.counters_heard += 1
                record.backend = status.hardware_id
            elif name == CAMERA:
                self.sent = int(values['sent'])
                self.camera_state = status.message


def result_topic(model: DemoModel) -> str:
    """
    Return where a model's results are published.

    :param model: the model
    :return: the topic
    """
    return f'{model.node}/{RESULT_TOPICS[model.card.task]}'


def truth_topic(task: str) -> str:
    """
    Return where the camera publishes the truth.

    :param task: of the model
    :return: the topic
    """
    return f'{CAMERA}/truth/{RESULT_TOPICS[task]}'
