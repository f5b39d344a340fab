"""
The segmentation node: it says what every pixel is.

Publishes ``~/mask`` (sensor_msgs/Image mono8), class indices at the camera's resolution; the
other topics, and the parameters that all three nodes have, are in ``perception``.
"""

import sys
from typing import Any, Dict, List, Optional, Tuple

import numpy as np
from sensor_msgs.msg import Image

from edgenext_core.runtime.engines.interface import Engine
from edgenext_core.runtime.model_card import require_task
from edgenext_core.runtime.pipeline import Answer, Pipeline
from edgenext_core.runtime.records import ClassMask
from edgenext_ros.conversions import mask_to_ros
from edgenext_ros.parameters import ParameterSpec
from edgenext_ros.perception_node import run_perception


class SegmentationTask:
    """Give every pixel its class."""

    name = 'segmentation'
    topic = 'mask'
    message_type = Image
    parameters: Tuple[ParameterSpec, ...] = ()
    threshold = 0.0

    def __init__(self, engine: Engine, values: Dict[str, Any]) -> None:
        """
        Make the pipeline.

        :param engine: a segmentation model
        :param values: the node's parameters
        :raises ModelCardError: when the model is for another task
        """
        require_task(engine.card, self.name)
        self._pipeline = Pipeline(engine)

    def configure(self, values: Dict[str, Any]) -> None:
        """
        Take the live parameters, of which a segmenter has none.

        :param values: the node's parameters
        """

    def run(self, frame_bgr: np.ndarray) -> Answer:
        """
        Segment one frame.

        :param frame_bgr: (H, W, 3) uint8 BGR
        :return: the record and the stage times
        """
        return self._pipeline.run(frame_bgr)

    def to_ros(self, record: ClassMask, header: Any, class_id_format: str) -> Image:
        """
        Make the result message.

        :param record: the frame's record
        :param header: the frame's header
        :param class_id_format: has no effect, a mask holds indices
        :return: the message
        """
        return mask_to_ros(record, header)

    def draw(self, frame_bgr: np.ndarray, record: ClassMask) -> np.ndarray:
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
    return run_perception(SegmentationTask, args)


if __name__ == '__main__':
    sys.exit(main())
