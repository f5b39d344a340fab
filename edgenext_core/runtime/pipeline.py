"""Frame in, record and stage times out."""

import time
from typing import Any, NamedTuple, Optional

import numpy as np

from edgenext_core.runtime.engines.backends import open_engine
from edgenext_core.runtime.engines.interface import Engine
from edgenext_core.runtime.errors import EngineError, SettingError
from edgenext_core.runtime.preprocess import preprocess
from edgenext_core.runtime.records import Record, StageTimes
from edgenext_core.runtime.settings import Settings, change_settings
from edgenext_core.runtime.tasks import TASKS


class Answer(NamedTuple):
    """What a frame gave: its record, and how long the stages took."""

    record: Record
    times: StageTimes


class Pipeline:
    """
    A model at work: preprocess, infer, postprocess, every stage timed.

    ``settings`` may be replaced between frames, from any thread; a frame keeps those that it
    began with. Use as a ``with`` block, or call ``close``.
    """

    def __init__(self, engine: Engine, settings: Optional[Settings] = None) -> None:
        """
        Take an engine.

        :param engine: an opened model; the pipeline closes it
        :param settings: of the model's task; None takes the card's
        :raises EngineError: when the model takes several frames at once
        :raises SettingError: when the settings ask for more than the model gives
        """
        batch = engine.card.input.batch
        if batch != 1:
            engine.close()
            raise EngineError(f'the model takes {batch} frames at once, a pipeline runs one after '
                              'the other; export it without --batch')
        self.engine = engine
        self.card = engine.card
        self.task = TASKS[self.card.task]
        try:
            self.settings = self.card.defaults if settings is None else settings
        except SettingError:
            self.close()
            raise

    def __enter__(self) -> 'Pipeline':
        """Enter the block that the model is open in."""
        return self

    def __exit__(self, *_: Any) -> None:
        """Release the model."""
        self.close()

    @property
    def settings(self) -> Settings:
        """The settings of the next frame; SettingError refuses those that ask for too much."""
        return self._settings

    @settings.setter
    def settings(self, settings: Settings) -> None:
        self.task.check_settings(settings, self.card, self.engine.outputs)
        self._settings = settings

    def run(self, frame_bgr: np.ndarray) -> Answer:
        """
        Answer one frame.

        :param frame_bgr: (H, W, 3) uint8 BGR
        :return: the record, in the frame's pixels, and the stage times
        :raises FrameError: when the frame is unusable
        :raises EngineError: when the model fails or gives numbers that make no sense
        """
        settings = self.settings
        begun = time.perf_counter()
        image, geometry = preprocess(frame_bgr, self.card)
        ready = time.perf_counter()
        outputs = self.engine.infer(image)
        inferred = time.perf_counter()
        record = self.task.make_record(outputs, geometry, self.card, settings)
        ended = time.perf_counter()
        return Answer(record, StageTimes(preprocess_ms=(ready - begun) * 1e3,
                                         infer_ms=(inferred - ready) * 1e3,
                                         postprocess_ms=(ended - inferred) * 1e3))

    def draw(self, frame_bgr: np.ndarray, record: Record) -> np.ndarray:
        """
        Draw a record over its frame.

        :param frame_bgr: (H, W, 3) uint8 BGR
        :param record: what ``run`` gave for it
        :return: a new picture of the frame's size
        """
        return self.task.draw(frame_bgr, record, self.card)

    def describe(self, record: Record) -> str:
        """
        Put a record into a few words.

        :param record: what ``run`` gave
        :return: such as '3 car, 1 stop sign'
        """
        return self.task.describe(record, self.card)

    def close(self) -> None:
        """Release the model; ``run`` then raises."""
        self.engine.close()


def open_pipeline(path: str, *, backend: str = 'auto', threads: int = 1,
                  **settings: Any) -> Pipeline:
    """
    Open a model file.

    :param path: an ONNX file with a model card
    :param backend: see ``open_engine``
    :param threads: of the CPU, at least 1
    :param settings: such as ``score_threshold=0.5``; what is not given is the card's
    :return: the pipeline
    :raises EngineError: when the file or the backend cannot be used
    :raises ModelCardError: when the card is missing, breaks a rule or disagrees with the graph
    :raises SettingError: when a setting is unknown, out of range or more than the model gives
    """
    pipeline = Pipeline(open_engine(path, backend=backend, threads=threads))
    try:
        pipeline.settings = change_settings(pipeline.settings, pipeline.task.settings, settings)
    except SettingError:
        pipeline.close()
        raise
    return pipeline
