"""What the spool holds, as frames and records again."""

from typing import Any, Iterator, List, Tuple, Union

import numpy as np
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CompressedImage

from edgenext_core.runtime.records import Classification, ClassMask, Detections
from edgenext_demo.model_folder import DemoModel
from edgenext_demo.recorder import FRAMES, RESULT_TYPES, result_topic, truth_topic
from edgenext_demo.spool import Spool
from edgenext_ros.conversions import classification_from_ros, detections_from_ros, mask_from_ros
from edgenext_ros.images import frame_from_compressed

Record = Union[Classification, Detections, ClassMask]


class Recording:
    """A run, to be looked at after it: frames, results and truth by stamp in nanoseconds."""

    def __init__(self, spool: Spool) -> None:
        """
        Look into a spool.

        :param spool: what a Recorder has filled
        """
        self._spool = spool
        self.stamps = spool.stamps(FRAMES)

    def duration_s(self) -> float:
        """Return how long the frames took, the last one included; 0.0 with fewer than two."""
        if len(self.stamps) < 2:
            return 0.0
        span_s = (self.stamps[-1] - self.stamps[0]) / 1e9
        return span_s * len(self.stamps) / (len(self.stamps) - 1)

    def frame(self, stamp_ns: int) -> np.ndarray:
        """
        Decode a frame.

        :param stamp_ns: one of ``stamps``
        :return: (H, W, 3) uint8 BGR
        """
        return frame_from_compressed(
            deserialize_message(self._spool.read(FRAMES, stamp_ns), CompressedImage))

    def result_stamps(self, model: DemoModel) -> List[int]:
        """
        List the frames that a node has a result for.

        :param model: what the node runs
        :return: stamps, ascending
        """
        return self._spool.stamps(result_topic(model))

    def result(self, model: DemoModel, stamp_ns: int) -> Record:
        """
        Decode a node's result.

        :param model: what the node runs
        :param stamp_ns: one of ``result_stamps``
        :return: the record
        """
        return decode_result(model, self._spool.read(result_topic(model), stamp_ns))

    def pairs(self, model: DemoModel) -> Iterator[Tuple[Any, Any]]:
        """
        Decode the results whose truth is known, one after another.

        :param model: what the node runs
        :return: result and truth, both records
        """
        topic = truth_topic(model.card.task)
        for stamp_ns in sorted(set(self.result_stamps(model)) & set(self._spool.stamps(topic))):
            truth = decode_result(model, self._spool.read(topic, stamp_ns))
            yield self.result(model, stamp_ns), truth

    def has_truth(self, model: DemoModel) -> bool:
        """
        Say whether the camera told the truth for a model's task.

        :param model: the model
        :return: True where it told any
        """
        return bool(self._spool.stamps(truth_topic(model.card.task)))


def decode_result(model: DemoModel, serialized: bytes) -> Record:
    """
    Decode a result message.

    :param model: says its type and its labels
    :param serialized: the message
    :return: the record
    """
    task, labels = model.card.task, model.card.labels
    message = deserialize_message(serialized, RESULT_TYPES[task])
    if task == 'classification':
        return classification_from_ros(message, labels=labels)
    if task == 'detection':
        return detections_from_ros(message, labels=labels)
    return mask_from_ros(message)
