"""
The detection node: it says which objects are where.

Publishes ``~/detections`` (vision_msgs/Detection2DArray), boxes in the camera's own pixels,
highest score first, and an empty array where nothing is found; the other topics, and the
parameters that all three nodes have, are in ``perception``.
"""

import sys
from typing import Any, Dict, List, Optional

import numpy as np
from vision_msgs.msg import Detection2DArray

from edgenext_core.runtime.engines.interface import Engine
from edgenext_core.runtime.model_card import require_task
from edgenext_core.runtime.pipeline import Answer, Pipeline
from edgenext_core.runtime.records import Detections
from edgenext_core.runtime.settings import DetectionSettings
from edgenext_ros.conversions import detections_to_ros
from edgenext_ros.parameters import FROM_CARD, ParameterSpec, value_or_default
from edgenext_ros.perception_node import run_perception


class DetectionTask:
    """Find the frame's objects."""

    name = 'detection'
    topic = 'detections'
    message_type = Detection2DArray
    parameters = (
        ParameterSpec('score_threshold', float(FROM_CARD), 'the least score that is published; '
                      '-1: from the model card', live=True, limits=(0, 1), from_card=True),
        ParameterSpec('nms_iou', float(FROM_CARD), 'overlap from which two boxes of a class count '
                      'as one object; -1: from the model card', live=True, limits=(0, 1),
                      from_card=True),
        ParameterSpec('max_detections', FROM_CARD, 'at most so many objects a frame; -1: from the '
                      'model card', live=True, limits=(1, 100000), from_card=True),
    )

    def __init__(self, engine: Engine, values: Dict[str, Any]) -> None:
        """
        Make the pipeline.

        :param engine: a detection model
        :param values: the node's parameters
        :raises ModelCardError: when the model is for another task
        """
        require_task(engine.card, self.name)
        self._pipeline = Pipeline(engine)
        self.configure(values)

    @property
    def threshold(self) -> float:
        """Return the least score that is published."""
        return float(getattr(self._pipeline.settings, 'score_threshold', 0.0))

    def configure(self, values: Dict[str, Any]) -> None:
        """
        Take the live parameters.

        :param values: the node's parameters
        """
        defaults = self._pipeline.card.defaults._asdict()
        self._pipeline.settings = DetectionSettings(**{
            name: value_or_default(values, name, defaults) for name in defaults})

    def run(self, frame_bgr: np.ndarray) -> Answer:
        """
        Detect one frame's objects.

        :param frame_bgr: (H, W, 3) uint8 BGR
        :return: the record and the stage times
        """
        return self._pipeline.run(frame_bgr)

    def to_ros(self, record: Detections, header: Any, class_id_format: str) -> Detection2DArray:
        """
        Make the result message.

        :param record: the frame's record
        :param header: the frame's header
        :param class_id_format: 'index' or 'name'
        :return: the message
        """
        return detections_to_ros(record, header, labels=self._pipeline.card.labels,
                                 class_id_format=class_id_format)

    def draw(self, frame_bgr: np.ndarray, record: Detections) -> np.ndarray:
        """
        Draw the overlay.

        :param frame_bgr: (H, W, 3) uint8 BGR
        :param record: the frame's record
        :return: (H, W, 3) uint8 BGR
        """
        return self._pipeline.draw(frame_bgr, record)


def main(args: Optional[List[str]] = None) -> int:
    """
    Run the node.

    :param args: the command line, sys.argv where None
    :return: the exit code
    """
    return run_perception(DetectionTask, args)


if __name__ == '__main__':
    sys.exit(main())
