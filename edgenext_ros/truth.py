"""What is true of a camera's frames, published beside them where it is known."""

from typing import Mapping

from rclpy.node import Node
from std_msgs.msg import Header

from edgenext_core.runtime.records import Record
from edgenext_ros.qos import RESULT_QOS
from edgenext_ros.tasks import ROS_TASKS


class TruthPublishers:
    """
    Publish ``~/truth/<topic>`` for each task, only while somebody listens.

    Class ids are indices: a truth has no model card with names.
    """

    def __init__(self, node: Node) -> None:
        """
        Make the publishers.

        :param node: the node
        """
        self._node = node
        self._by_task = {name: node.create_publisher(task.message_type, f'~/truth/{task.topic}',
                                                     RESULT_QOS)
                         for name, task in ROS_TASKS.items()}
        self.publishers = tuple(self._by_task.values())

    def publish(self, truth: Mapping[str, Record], header: Header) -> None:
        """
        Publish what is known of a frame.

        :param truth: by task
        :param header: the image's
        """
        for name, record in truth.items():
            if self._by_task[name].get_subscription_count():
                self._by_task[name].publish(ROS_TASKS[name].to_ros(record, header, (), 'index'))

    def destroy(self) -> None:
        """Destroy the publishers."""
        for publisher in self.publishers:
            self._node.destroy_publisher(publisher)
