"""A run, gone through again: frames, results and truth as records, in the order of time."""

from typing import Container, Iterator, Sequence, Tuple

import numpy as np
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CompressedImage

from edgenext_core.runtime.records import Record
from edgenext_demo.bag_reader import BagReader, NewestMessage
from edgenext_demo.model_folder import DemoModel
from edgenext_demo.topics import FRAMES, decode_record, result_topic, truth_topic
from edgenext_ros.images import frame_from_compressed


class Replay:
    """What a bag holds; stamps are in nanoseconds."""

    def __init__(self, bag: BagReader) -> None:
        """
        Look into a bag.

        :param bag: what a Listener has filled
        """
        self._bag = bag
        self.stamps = bag.stamps(FRAMES)

    def duration_s(self) -> float:
        """Return how long the frames took, the last one included; 0.0 with fewer than two."""
        if len(self.stamps) < 2:
            return 0.0
        span_s = (self.stamps[-1] - self.stamps[0]) / 1e9
        return span_s * len(self.stamps) / (len(self.stamps) - 1)

    def first_frame(self) -> np.ndarray:
        """Return the first frame, of which there must be one, (H, W, 3) uint8 BGR."""
        return next(self.frames({self.stamps[0]}))[1]

    def frames(self, wanted: Container[int]) -> Iterator[Tuple[int, np.ndarray]]:
        """
        Decode frames.

        :param wanted: the stamps of those to decode
        :return: stamp and (H, W, 3) uint8 BGR
        """
        for stamp_ns, serialized in self._bag.messages(FRAMES):
            if stamp_ns in wanted:
                message = deserialize_message(serialized, CompressedImage)
                yield stamp_ns, frame_from_compressed(message)

    def result_stamps(self, model: DemoModel) -> Sequence[int]:
        """
        List the frames that a node has a result for.

        :param model: what the node runs
        :return: stamps, ascending
        """
        return self._bag.stamps(result_topic(model))

    def results(self, model: DemoModel) -> NewestMessage:
        """
        Follow a node's results; ``decode_record`` reads them.

        :param model: what the node runs
        :return: the newest one at a time
        """
        return NewestMessage(self._bag.messages(result_topic(model)))

    def pairs(self, model: DemoModel) -> Iterator[Tuple[Record, Record]]:
        """
        Decode the results whose truth is known.

        :param model: what the node runs
        :return: result and truth of a frame
        """
        truth = NewestMessage(self._bag.messages(truth_topic(model)))
        for stamp_ns, serialized in self._bag.messages(result_topic(model)):
            true = truth.at(stamp_ns)
            if true is not None and true[0] == stamp_ns:
                yield decode_record(model, serialized), decode_record(model, true[1])

    def has_truth(self, model: DemoModel) -> bool:
        """
        Say whether the camera told the truth for a model's task.

        :param model: the model
        :return: True where it told any
        """
        return len(self._bag.stamps(truth_topic(model))) > 0
