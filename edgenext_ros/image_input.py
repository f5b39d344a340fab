"""A node's image subscription, which follows the publishers and explains their silence."""

import time
from typing import Any, Callable, List, Optional

from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image

from edgenext_ros.node_process import create_timer
from edgenext_ros.qos import choose_reliability, describe_publisher, image_qos, offers_reliable

try:
    from rclpy.event_handler import SubscriptionEventCallbacks
except ImportError:  # ROS 2 Humble
    from rclpy.qos_event import SubscriptionEventCallbacks

TRANSPORTS = ('raw', 'compressed')
CHECK_PERIOD_S = 0.5
SILENCE_S = 3.0


class ImageInput:
    """
    Subscribe to ``image``, or to ``image/compressed`` beside it.

    Everything here runs in the executor's thread.
    """

    def __init__(self, node: Node, on_image: Callable[[Any], None], *, transport: str,
                 reliability_setting: str) -> None:
        """
        Subscribe and start to follow the publishers.

        :param node: the node
        :param on_image: is called with every message and must return at once
        :param transport: one of ``TRANSPORTS``
        :param reliability_setting: one of ``qos.RELIABILITY_SETTINGS``
        """
        self._node = node
        self._on_image = on_image
        self._type = CompressedImage if transport == 'compressed' else Image
        self._setting = reliability_setting
        self._last_arrival_s = time.monotonic()
        self._silence_told = False
        self.topic = node.resolve_topic_name('image')
        if transport == 'compressed':
            # As image_transport does: beside the raw topic, wherever that is remapped to.
            self.topic += '/compressed'
        self._subscription: Optional[Any] = None
        self.reliability = ''
        self._follow_publishers()
        self._timer = create_timer(node, CHECK_PERIOD_S, self._follow_publishers)

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

    def close(self) -> None:
        """Stop receiving."""
        self._node.destroy_timer(self._timer)
        self._node.destroy_subscription(self._subscription)

    def _publishers(self) -> List[Any]:
        return self._node.get_publishers_info_by_topic(self.topic)

    def _type_name(self) -> str:
        return f'sensor_msgs/msg/{self._type.__name__}'

    def _receive(self, message: Any) -> None:
        self._last_arrival_s = time.monotonic()
        self._silence_told = False
        self._on_image(message)

    def _follow_publishers(self) -> None:
        reliability = choose_reliability(self._setting, self._publishers())
        if reliability != self.reliability:
            self._subscribe(reliability)
        if not self._silence_told:
            silence = self.find_silence()
            if silence is not None:
                self._silence_told = True
                self._node.get_logger().warning(silence)

    def _subscribe(self, reliability: str) -> None:
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._node.get_logger().info(
                f'the publishers of {self.topic} changed: now subscribed {reliability}')
        self.reliability = reliability
        self._subscription = self._node.create_subscription(
            self._type, self.topic, self._receive, image_qos(reliability),
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
