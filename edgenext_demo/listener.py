"""What the demo hears: every result, every stage time, every counter, the frames and the truth."""

from typing import Any, Callable, List, Optional, Sequence

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node
from rclpy.qos import QoSHistoryPolicy, QoSProfile, QoSReliabilityPolicy
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CompressedImage
from vision_msgs.msg import LabelInfo, VisionInfo

from edgenext_demo.bag_writer import BagWriter
from edgenext_demo.model_folder import DemoModel
from edgenext_demo.node_figures import NodeFigures
from edgenext_demo.topics import CAMERA, FRAMES, message_type, result_topic, truth_topic
from edgenext_ros.diagnostics import DIAGNOSTICS_TOPIC
from edgenext_ros.qos import LATCHED_QOS

try:
    from rclpy.event_handler import SubscriptionEventCallbacks
except ImportError:  # ROS 2 Humble
    from rclpy.qos_event import SubscriptionEventCallbacks

_QOS = QoSProfile(depth=100, history=QoSHistoryPolicy.KEEP_LAST,
                  reliability=QoSReliabilityPolicy.RELIABLE)
_NO_EVENTS = SubscriptionEventCallbacks(use_default_callbacks=False)
"""Else rclpy waits, with every message, for each topic's foreign types and qualities, too."""


class Listener:
    """
    Subscribe to everything that the camera and the nodes publish, and do as little as possible.

    Every message goes into the bag as it comes; only the small ones are deserialised, for the live
    table. All callbacks run in the thread that spins the node.
    """

    def __init__(self, node: Node, models: Sequence[DemoModel], *, bag: BagWriter) -> None:
        """
        Subscribe to everything but the frames.

        :param node: an rclpy node without callbacks
        :param models: one per perception node
        :param bag: where messages go, without topics
        """
        self.nodes = {model.node: NodeFigures(model) for model in models}
        self.sent = self.frames = 0
        self.camera_state = 'starting'
        self._node = node
        self._bag = bag
        self._topics: List[str] = []
        for model in models:
            figures = self.nodes[model.node]
            self._keep(result_topic(model), message_type(model), then=figures.add_result)
            self._keep(truth_topic(model), message_type(model))
            self._keep(f'/{model.node}/latency', DiagnosticArray, then=figures.add_latency)
            self._keep(f'/{model.node}/label_info', LabelInfo, qos=LATCHED_QOS)
            self._keep(f'/{model.node}/vision_info', VisionInfo, qos=LATCHED_QOS)
        self._keep(DIAGNOSTICS_TOPIC, DiagnosticArray, then=self._on_diagnostics)

    def ask_for_frames(self) -> None:
        """
        Subscribe to the frames once whoever publishes anything else has been found.

        The camera waits for that before its first frame, so that no answer to it and no truth of
        it is missed. To be called again and again while no frame comes.
        """
        if FRAMES not in self._topics and all(map(self._node.count_publishers, self._topics)):
            self._keep(FRAMES, CompressedImage, then=self._on_frame)

    def _keep(self, topic: str, kind: Any, *, qos: QoSProfile = _QOS,
              then: Optional[Callable[[bytes], None]] = None) -> None:
        """Put a topic's messages into the bag; hand them on in CDR, too."""
        def on_message(serialized: bytes) -> None:
            self._bag.write(topic, serialized,
                            received_ns=self._node.get_clock().now().nanoseconds)
            if then is not None:
                then(serialized)

        self._topics.append(topic)
        self._bag.add_topic(topic, kind, qos=qos)
        self._node.create_subscription(kind, topic, on_message, qos, raw=True,
                                       event_callbacks=_NO_EVENTS)

    def _on_frame(self, _serialized: bytes) -> None:
        self.frames += 1

    def _on_diagnostics(self, serialized: bytes) -> None:
        for status in deserialize_message(serialized, DiagnosticArray).status:
            name = status.name.split(':')[0]
            if name in self.nodes:
                self.nodes[name].add_status(status)
            elif name == CAMERA:
                self.sent = next(int(pair.value) for pair in status.values if pair.key == 'sent')
                self.camera_state = status.message
