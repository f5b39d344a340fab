"""
The task table of the ROS side: everything that differs between the tasks' topics, a row each.

The rows have the names of ``edgenext_core.runtime.tasks.TASKS``. A fourth task is a fourth row,
with its two functions in ``conversions``.
"""

from typing import Any, Callable, Dict, NamedTuple, Sequence

from sensor_msgs.msg import Image
from std_msgs.msg import Header
from vision_msgs.msg import Classification as ClassificationMessage
from vision_msgs.msg import Detection2DArray

from edgenext_core.runtime.records import ClassMask, Record
from edgenext_core.runtime.settings import DetectionSettings
from edgenext_ros.conversions import (
    classification_from_ros,
    classification_to_ros,
    detections_from_ros,
    detections_to_ros,
    mask_from_ros,
    mask_to_ros,
)

ToRos = Callable[[Any, Header, Sequence[str], str], Any]
"""The task's record, the frame's header, the labels and the format of class ids give a message."""
FromRos = Callable[[Any, Sequence[str]], Record]
"""The task's message and the labels give the record again."""


class RosTask(NamedTuple):
    """
    How one task appears in the graph.

    ``topic``, relative to the node, carries results of ``message_type``; ``to_ros`` makes such a
    message, ``from_ros`` reads it; ``threshold`` tells, from the task's settings, the least score
    that is published.
    """

    topic: str
    message_type: Any
    to_ros: ToRos
    from_ros: FromRos
    threshold: Callable[[Any], float]


def _mask_to_ros(record: ClassMask, header: Header, _labels: Sequence[str], _format: str) -> Image:
    return mask_to_ros(record, header)


def _mask_from_ros(message: Image, _labels: Sequence[str]) -> ClassMask:
    return mask_from_ros(message)


def _everything(_settings: Any) -> float:
    return 0.0


def _score_threshold(settings: DetectionSettings) -> float:
    return settings.score_threshold


ROS_TASKS: Dict[str, RosTask] = {
    'classification': RosTask(
        topic='labels',
        message_type=ClassificationMessage,
        to_ros=classification_to_ros,
        from_ros=classification_from_ros,
        threshold=_everything,
    ),
    'detection': RosTask(
        topic='detections',
        message_type=Detection2DArray,
        to_ros=detections_to_ros,
        from_ros=detections_from_ros,
        threshold=_score_threshold,
    ),
    'segmentation': RosTask(
        topic='mask',
        message_type=Image,
        to_ros=_mask_to_ros,
        from_ros=_mask_from_ros,
        threshold=_everything,
    ),
}
"""The tasks by name."""
