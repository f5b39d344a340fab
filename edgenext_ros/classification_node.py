"""
The classification node: it says what a frame shows.

Publishes ``~/labels`` (vision_msgs/Classification), the top k classes, most probable first; the
other topics, and the parameters that all three nodes have, are in ``perception``.
"""

import sys
from typing import Any, Dict, List, Optional

import numpy as np
from vision_msgs.msg import Classification as ClassificationMessage

from edgenext_core.runtime.engines.interface import Engine
from edgenext_core.runtime.model_card import require_task
from edgenext_core.runtime.pipeline import Answer, Pipeline
from edgenext_core.runtime.records import Classification
from edgenext_core.runtime.settings import ClassificationSettings
from edgenext_ros.conversions import classification_to_ros
from edgenext_ros.parameters import FROM_CARD, ParameterSpec, value_or_default
from edgenext_ros.perception_node import run_perception


class ClassificationTask:
    """Name the frame's classes."""

    name = 'classification'
    topic = 'labels'
    message_type = ClassificationMessage
    parameters = (
        ParameterSpec('top_k', FROM_CARD, 'how many classes are published; -1: from the model '
                      'card', live=True, limits=(1, 100000), from_card=True),
    )
    threshold = 0.0

    def __init__(self, engine: Engine, values: Dict[str, Any]) -> None:
        """
        Make the pipeline.

        :param engine: a classification model
        :param values: the node's parameters
        :raises ModelCardError: when the model is for another task
        """
        require_task(engine.card, self.name)
        self._pipeline = Pipeline(engine)
        self.configure(values)

    def configure(self, values: Dict[str, Any]) -> None:
        """
        Take the live parameters.

        :param values: the node's parameters
        """
        defaults = self._pipeline.card.defaults._asdict()
        self._pipeline.settings = ClassificationSettings(**{
            name: value_or_default(values, name, defaults) for name in defaults})

    def run(self, frame_bgr: np.ndarray) -> Answer:
        """
        Classify one frame.

        :param frame_bgr: (H, W, 3) uint8 BGR
        :return: the record and the stage times
        """
        return self._pipeline.run(frame_bgr)

    def to_ros(self, record: Classification, header: Any, class_id_format: str
               ) -> ClassificationMessage:
        """
        Make the result message.

        :param record: the frame's record
        :param header: the frame's header
        :param class_id_format: 'index' or 'name'
        :return: the message
        """
        return classification_to_ros(record, header, labels=self._pipeline.card.labels,
                                     class_id_format=class_id_format)

    def draw(self, frame_bgr: np.ndarray, record: Classification) -> np.ndarray:
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
    return run_perception(ClassificationTask, args)


if __name__ == '__main__':
    sys.exit(main())
