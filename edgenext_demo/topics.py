"""The topics of the demo's graph, and what their messages say."""

from typing import Any

from rclpy.serialization import deserialize_message

from edgenext_core.runtime.records import Record
from edgenext_demo.model_folder import DemoModel
from edgenext_ros.tasks import ROS_TASKS

CAMERA = 'camera'
"""The camera node's name."""
FRAMES = '/image/compressed'


def result_topic(model: DemoModel) -> str:
    """
    Say where a model's results are published.

    :param model: the model
    :return: the topic
    """
    return f'/{model.node}/{ROS_TASKS[model.card.task].topic}'


def truth_topic(model: DemoModel) -> str:
    """
    Say where the camera publishes the truth for a model's task.

    :param model: the model
    :return: the topic
    """
    return f'/{CAMERA}/truth/{ROS_TASKS[model.card.task].topic}'


def message_type(model: DemoModel) -> Any:
    """
    Say of which type the messages on both topics are.

    :param model: the model
    :return: the message's class
    """
    return ROS_TASKS[model.card.task].message_type


def decode_record(model: DemoModel, serialized: bytes) -> Record:
    """
    Read a message of either topic.

    :param model: says its type and its labels
    :param serialized: the message in CDR
    :return: the record
    """
    return ROS_TASKS[model.card.task].from_ros(
        deserialize_message(serialized, message_type(model)), model.card.labels)
