"""
Records to result messages and back: pure functions, tested by round trip.

Class ids in messages are strings; ``class_id_format`` says whether such a string is the index
('3') or the name ('truck'). The functions that stand in the task table take their arguments by
position, so that mypy can hold the rows together.
"""

from typing import Any, Sequence, Tuple

import numpy as np
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from vision_msgs.msg import Classification as ClassificationMessage
from vision_msgs.msg import (
    Detection2D,
    Detection2DArray,
    LabelInfo,
    ObjectHypothesis,
    ObjectHypothesisWithPose,
    VisionClass,
    VisionInfo,
)

from edgenext_core.runtime.errors import SettingError
from edgenext_core.runtime.model_card import ModelCard
from edgenext_core.runtime.records import Classification, ClassMask, Detections
from edgenext_ros.images import image_from_frame

CLASS_ID_FORMATS = ('index', 'name')


def class_id_to_ros(index: int, *, labels: Sequence[str], class_id_format: str) -> str:
    """
    Write a class as a message's string.

    :param index: the class's index into ``labels``
    :param labels: the card's labels
    :param class_id_format: one of ``CLASS_ID_FORMATS``
    :return: the index in digits, or the name
    """
    return labels[index] if class_id_format == 'name' else str(int(index))


def class_id_from_ros(class_id: str, *, labels: Sequence[str]) -> int:
    """
    Read a class from a message's string, whichever format it has.

    :param class_id: a name among ``labels``, or an index in digits
    :param labels: the card's labels
    :return: the index
    :raises SettingError: when it is neither
    """
    if class_id in labels:
        return labels.index(class_id)
    if class_id.isdecimal():
        return int(class_id)
    raise SettingError(f'class id {class_id!r} is neither a name of the model nor an index; read '
                       'the messages with the model that made them')


def classification_to_ros(record: Classification, header: Header, labels: Sequence[str],
                          class_id_format: str) -> ClassificationMessage:
    """
    Make a Classification message.

    :param record: the classes, most probable first
    :param header: the input image's header
    :param labels: the card's labels
    :param class_id_format: one of ``CLASS_ID_FORMATS``
    :return: the message, in the same order
    """
    return ClassificationMessage(header=header, results=[
        ObjectHypothesis(
            class_id=class_id_to_ros(index, labels=labels, class_id_format=class_id_format),
            score=float(score))
        for index, score in zip(record.class_ids, record.scores)])


def classification_from_ros(message: ClassificationMessage, labels: Sequence[str]
                            ) -> Classification:
    """
    Read a Classification message.

    :param message: the message
    :param labels: the card's labels
    :return: the record, in the same order
    """
    return Classification(
        class_ids=np.array([class_id_from_ros(result.class_id, labels=labels)
                            for result in message.results], dtype=np.int64),
        scores=np.array([result.score for result in message.results], dtype=np.float32))


def detections_to_ros(record: Detections, header: Header, labels: Sequence[str],
                      class_id_format: str) -> Detection2DArray:
    """
    Make a Detection2DArray message; every detection carries the header too.

    :param record: the objects, boxes in pixels of the frame
    :param header: the input image's header
    :param labels: the card's labels
    :param class_id_format: one of ``CLASS_ID_FORMATS``
    :return: the message, in the same order; no objects give an empty array
    """
    message = Detection2DArray(header=header)
    for box, index, score in zip(record.boxes_xyxy, record.class_ids, record.scores):
        hypothesis = ObjectHypothesisWithPose()
        hypothesis.hypothesis.class_id = class_id_to_ros(
            index, labels=labels, class_id_format=class_id_format)
        hypothesis.hypothesis.score = float(score)
        detection = Detection2D(header=header, results=[hypothesis])
        left, top, right, bottom = (float(edge) for edge in box)
        detection.bbox.center.position.x = (left + right) / 2
        detection.bbox.center.position.y = (top + bottom) / 2
        detection.bbox.size_x = right - left
        detection.bbox.size_y = bottom - top
        message.detections.append(detection)
    return message


def detections_from_ros(message: Detection2DArray, labels: Sequence[str]) -> Detections:
    """
    Read a Detection2DArray message.

    :param message: the message, one hypothesis for each detection
    :param labels: the card's labels
    :return: the record, in the same order
    """
    boxes = [_box_from_ros(detection.bbox) for detection in message.detections]
    hypotheses = [detection.results[0].hypothesis for detection in message.detections]
    return Detections(
        boxes_xyxy=np.array(boxes, dtype=np.float32).reshape(-1, 4),
        class_ids=np.array([class_id_from_ros(hypothesis.class_id, labels=labels)
                            for hypothesis in hypotheses], dtype=np.int64),
        scores=np.array([hypothesis.score for hypothesis in hypotheses], dtype=np.float32))


def _box_from_ros(bbox: Any) -> Tuple[float, float, float, float]:
    center, half_x, half_y = bbox.center.position, bbox.size_x / 2, bbox.size_y / 2
    return center.x - half_x, center.y - half_y, center.x + half_x, center.y + half_y


def mask_to_ros(record: ClassMask, header: Header) -> Image:
    """
    Make a mono8 image whose values are class indices.

    :param record: the mask, at the frame's size
    :param header: the input image's header
    :return: the message
    """
    return image_from_frame(record.class_ids, header, 'mono8')


def mask_from_ros(message: Image) -> ClassMask:
    """
    Read a mono8 mask.

    :param message: the mask
    :return: the record, its own copy
    """
    rows = np.array(message.data, dtype=np.uint8).reshape(message.height, message.step)
    return ClassMask(class_ids=np.ascontiguousarray(rows[:, :message.width]))


def label_info_to_ros(card: ModelCard, header: Header, *, threshold: float) -> LabelInfo:
    """
    Make the message that says which index is which class.

    :param card: the model's card
    :param header: stamp of publication
    :param threshold: the least score that is published
    :return: the message
    """
    return LabelInfo(header=header, threshold=float(threshold), class_map=[
        VisionClass(class_id=index, class_name=name) for index, name in enumerate(card.labels)])


def vision_info_to_ros(card: ModelCard, header: Header, *, database_location: str,
                       database_version: int) -> VisionInfo:
    """
    Make the message that says which method speaks.

    :param card: the model's card
    :param header: stamp of publication
    :param database_location: the full name of the node's parameter that lists the class names
    :param database_version: the model file's number, as ``model_number`` gives it
    :return: the message
    """
    return VisionInfo(header=header, method=f'{card.architecture} {card.task}',
                      database_location=database_location,
                      database_version=database_version)
