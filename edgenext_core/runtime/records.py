"""What the pipelines return: plain records of NumPy arrays, in the frame's own pixels."""

from typing import NamedTuple, Union

import numpy as np


class Classification(NamedTuple):
    """
    The k most probable classes of a frame, most probable first.

    ``class_ids`` (k,) int64, indices into the card's labels; ``scores`` (k,) float32 in [0, 1].
    """

    class_ids: np.ndarray
    scores: np.ndarray


class Detections(NamedTuple):
    """
    The objects in a frame, highest score first.

    ``boxes_xyxy`` (n, 4) float32: left, top, right, bottom edges in pixels of the frame, where
    pixel i covers [i, i + 1), inside [0, width] x [0, height]; ``class_ids`` (n,) int64, indices
    into the card's labels; ``scores`` (n,) float32 in [0, 1]. No object: n is 0.
    """

    boxes_xyxy: np.ndarray
    class_ids: np.ndarray
    scores: np.ndarray


class ClassMask(NamedTuple):
    """The class of every pixel: ``class_ids`` (height, width) uint8, of the frame's own size."""

    class_ids: np.ndarray


Record = Union[Classification, Detections, ClassMask]


class StageTimes(NamedTuple):
    """How long the stages of one frame took, in milliseconds."""

    preprocess_ms: float
    infer_ms: float
    postprocess_ms: float
