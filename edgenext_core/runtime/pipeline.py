"""Frame in, record and stage times out: one pipeline a task."""

import time
from typing import Optional, Tuple

import numpy as np

from edgenext_core.runtime.engines.interface import Engine
from edgenext_core.runtime.model_card import require_task
from edgenext_core.runtime.postprocess import (
    classification_from_outputs,
    detections_from_outputs,
    mask_from_outputs,
)
from edgenext_core.runtime.preprocess import preprocess
from edgenext_core.runtime.records import Classification, ClassMask, Detections, StageTimes


class Classifier:
    """
    Names what a frame shows; ``top_k`` may be changed between frames.

    :param engine: a classification model
    :param top_k: how many classes to return; None takes the card's default
    :raises ModelCardError: when the model is for another task
    """

    def __init__(self, engine: Engine, top_k: Optional[int] = None) -> None:
        """Take the engine and the setting."""
        require_task(engine.card, 'classification')
        self.engine = engine
        self.card = engine.card
        self.top_k = self.card.defaults['top_k'] if top_k is None else top_k

    def run(self, frame_bgr: np.ndarray) -> Tuple[Classification, StageTimes]:
        """
        Classify one frame.

        :param frame_bgr: (H, W, 3) uint8 BGR
        :return: the classes and the stage times
        :raises FrameError: when the frame is unusable
        :raises EngineError: when the model fails or gives numbers that are not finite
        """
        start = time.perf_counter()
        image, _ = preprocess(frame_bgr, self.card)
        ready = time.perf_counter()
        outputs = self.engine.infer(image)
        inferred = time.perf_counter()
        record = classification_from_outputs(outputs, top_k=self.top_k)
        return record, _stage_times(start, ready, inferred)


class Detector:
    """
    Finds objects in a frame; the settings may be changed between frames.

    :param engine: a detection model
    :param score_threshold: 0 to 1; None takes the card's default, here and below
    :param nms_iou: 0 to 1, the overlap from which two boxes of a class are one object
    :param max_detections: at most so many a frame
    :raises ModelCardError: when the model is for another task
    """

    def __init__(self, engine: Engine, score_threshold: Optional[float] = None,
                 nms_iou: Optional[float] = None, max_detections: Optional[int] = None) -> None:
        """Take the engine and the settings."""
        require_task(engine.card, 'detection')
        self.engine = engine
        self.card = engine.card
        defaults = self.card.defaults
        self.score_threshold = (defaults['score_threshold'] if score_threshold is None
                                else score_threshold)
        self.nms_iou = defaults['nms_iou'] if nms_iou is None else nms_iou
        self.max_detections = (defaults['max_detections'] if max_detections is None
                               else max_detections)

    def run(self, frame_bgr: np.ndarray) -> Tuple[Detections, StageTimes]:
        """
        Detect the objects of one frame.

        :param frame_bgr: (H, W, 3) uint8 BGR
        :return: the objects in the frame's pixels and the stage times
        :raises FrameError: when the frame is unusable
        :raises EngineError: when the model fails or gives numbers that are not finite
        """
        start = time.perf_counter()
        image, geometry = preprocess(frame_bgr, self.card)
        ready = time.perf_counter()
        outputs = self.engine.infer(image)
        inferred = time.perf_counter()
        record = detections_from_outputs(
            outputs, geometry, score_threshold=self.score_threshold, nms_iou=self.nms_iou,
            max_detections=self.max_detections)
        return record, _stage_times(start, ready, inferred)


class Segmenter:
    """
    Gives every pixel of a frame its class.

    :param engine: a segmentation model
    :raises ModelCardError: when the model is for another task
    """

    def __init__(self, engine: Engine) -> None:
        """Take the engine."""
        require_task(engine.card, 'segmentation')
        self.engine = engine
        self.card = engine.card

    def run(self, frame_bgr: np.ndarray) -> Tuple[ClassMask, StageTimes]:
        """
        Segment one frame.

        :param frame_bgr: (H, W, 3) uint8 BGR
        :return: the mask at the frame's size and the stage times
        :raises FrameError: when the frame is unusable
        :raises EngineError: when the model fails or gives a class that has no label
        """
        start = time.perf_counter()
        image, geometry = preprocess(frame_bgr, self.card)
        ready = time.perf_counter()
        outputs = self.engine.infer(image)
        inferred = time.perf_counter()
        record = mask_from_outputs(outputs, geometry, self.card)
        return record, _stage_times(start, ready, inferred)


def _stage_times(start: float, ready: float, inferred: float) -> StageTimes:
    end = time.perf_counter()
    return StageTimes(preprocess_ms=(ready - start) * 1e3, infer_ms=(inferred - ready) * 1e3,
                      postprocess_ms=(end - inferred) * 1e3)
