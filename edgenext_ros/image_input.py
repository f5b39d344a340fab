"""
A camera as a node sees it: the image subscription, which follows the publishers.

Threads: everything here runs in the executor's thread, or in the one that starts and stops the
node while the executor does not run. A message is not decoded here: it goes into the slots of the
tasks that want it, as one frame, which the worker decodes when the first of them asks.
"""

import time
from typing import Any, Callable, List, NamedTuple, Optional, Sequence

import numpy as np
from rclpy.node import Node
from rclpy.timer import Timer
from sensor_msgs.msg import CompressedImage, Image

from edgenext_ros.frame_slot import CameraFrame, FrameSlot
from edgenext_ros.images import frame_from_compressed, frame_from_image
from edgenext_ros.node_process import create_timer
from edgenext_ros.qos import choose_reliability, describe_publisher, image_qos, offers_reliable

try:
    from rclpy.event_handler import SubscriptionEventCallbacks
except ImportError:  # ROS 2 Humble
    from rclpy.qos_event import SubscriptionEventCallbacks


class Transport(NamedTuple):
    """One form in which images travel: behind the raw topic's name, the message, its decoder."""

    suffix: str
    message_type: Any
    decode: Callable[[Any], np.ndarray]


# As image_transport has them: beside the raw topic, wherever that is remapped to.
TRANSPORTS = {
    'raw': Transport('', Image, frame_from_image),
    'compressed': Transport('/compressed', CompressedImage, frame_from_compressed),
}
CHECK_PERIOD_S = 0.5
SILENCE_S = 3.0


class ImageInput:
    """Receive a camera's images, and explain why none come."""

    def __init__(self, node: Node, topic: str, *, transport: str, reliability_setting: str
                 ) -> None:
        """
        Note what to subscribe to.

        :param node: the node
        :param topic: of raw images, relative to the node's namespace, before remapping
        :param transport: one of ``TRANSPORTS``
        :param reliability_setting: one of ``qos.RELIABILITY_SETTINGS``
        """
        self._node = node
        self._transport = TRANSPORTS[transport]
        self._setting = reliability_setting
        self._slots: Sequence[FrameSlot] = ()
        self._newest: Optional[CameraFrame] = None
        self._last_arrival_s = time.monotonic()
        self._silence_told = False
        self._subscription: Optional[Any] = None
        self._timer: Optional[Timer] = None
        self.topic = node.resolve_topic_name(topic) + self._transport.suffix
        self.reliability = ''

    def start(self, slots: Sequence[FrameSlot]) -> None:
        """
        Subscribe, and follow the publishers from now on.

        :param slots: where each frame goes, one for each task
        """
        self._slots = tuple(slots)
        self._last_arrival_s = time.monotonic()
        self._silence_told = False
        self._follow_publishers()
        self._timer = create_timer(self._node, CHECK_PERIOD_S, self._follow_publishers)

    def stop(self) -> None:
        """Unsubscribe."""
        self._node.destroy_timer(self._timer)
        self._node.destroy_subscription(self._subscription)
        self._subscription = self._newest = None

    def find_silence(self) -> Optional[str]:
        """
        Explain why no frame comes.

        :return: how long, which publishers, and what to do; None while frames come
        """
        silent_s = time.monotonic() - self._last_arrival_s
        if silent_s < SILENCE_S:
            return None
        publishers = self._publishers()
        return (f'no frame on {self.topic} for {silent_s:.0f} s; this node asks for '
                f'{self._type_name()}, {self.reliability}; {_describe(publishers)}; '
                f'{self._advise(publishers)}')

    def _publishers(self) -> List[Any]:
        return self._node.get_publishers_info_by_topic(self.topic)

    def _type_name(self) -> str:
        return f'sensor_msgs/msg/{self._transport.message_type.__name__}'

    def _receive(self, message: Any) -> None:
        self._last_arrival_s = time.monotonic()
        self._silence_told = False
        frame = CameraFrame(message, self._transport.decode)
        for slot in self._slots:
            slot.put(frame)
        # Kept until the next one is there: freed as soon as it is answered, an image's memory goes
        # back to the system and comes again page by page, 1.2 ms more for each of 640x480 pixels.
        self._newest = frame

    def _follow_publishers(self) -> None:
        reliability = choose_reliability(self._setting, self._publishers())
        if self._subscription is None:
            self._subscribe(reliability)
        elif reliability != self.reliability:
            self._node.destroy_subscription(self._subscription)
            self._subscribe(reliability)
            self._node.get_logger().info(
                f'the publishers of {self.topic} changed: now subscribed {reliability}')
        if not self._silence_told:
            silence = self.find_silence()
            if silence is not None:
                self._silence_told = True
                self._node.get_logger().warning(silence)

    def _subscribe(self, reliability: str) -> None:
        self.reliability = reliability
        self._subscription = self._node.create_subscription(
            self._transport.message_type, self.topic, self._receive, image_qos(reliability),
            event_callbacks=SubscriptionEventCallbacks(incompatible_qos=self._on_incompatible_qos))

    def _on_incompatible_qos(self, _event: Any) -> None:
        if self._setting == 'auto':
            self._follow_publishers()
            return
        publishers = self._publishers()
        self._node.get_logger().warning(
            f'a publisher of {self.topic} offers a quality of service that does not match this '
            f"node's {self.reliability} subscription; {_describe(publishers)}; "
            f'{self._advise(publishers)}')

    def _advise(self, publishers: List[Any]) -> str:
        if not publishers:
            return ('start a camera, or name its topic: '
                    '--ros-args -r image:=/the/camera/image_topic')
        if all(info.topic_type != self._type_name() for info in publishers):
            return 'set image_transport to the type that is published, or remap image'
        if self.reliability == 'reliable' and not all(map(offers_reliable, publishers)):
            return 'set image_reliability to auto or best_effort'
        return 'the camera has announced itself but sends nothing this node can get: look there'


def _describe(publishers: List[Any]) -> str:
    if not publishers:
        return '0 publishers'
    names = ', '.join(describe_publisher(info) for info in publishers)
    return f'{len(publishers)} publisher{"s" if len(publishers) > 1 else ""}: {names}'
