"""
Two models on the same pictures: how far numbers and answers lie apart, and how fast both are.

Each frame goes through both, one right after the other, the order changing each time.
"""

import math
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Tuple

import numpy as np

from edgenext_core.measure.compare import COMPARISONS, Difference, Tally, compare_numbers
from edgenext_core.measure.gates import GATES, lower_precision
from edgenext_core.measure.latency import Percentiles, percentiles
from edgenext_core.measure.pictures import Picture
from edgenext_core.runtime.engines.backends import ENGINE_SUFFIX, open_engine, read_model_card
from edgenext_core.runtime.engines.cache import hash_file, read_sidecar
from edgenext_core.runtime.engines.interface import Engine
from edgenext_core.runtime.engines.onnx_metadata import stores_float16
from edgenext_core.runtime.errors import EdgeNextError
from edgenext_core.runtime.model_card import ModelCard
from edgenext_core.runtime.pipeline import Pipeline
from edgenext_core.runtime.records import Record
from edgenext_core.runtime.tasks import TASKS


class VerificationError(EdgeNextError):
    """Two models cannot be held against each other: give others, or other pictures."""


class Side(NamedTuple):
    """
    One of the two models, opened.

    ``model`` is the sha256 of the ONNX file, of an engine that of the file it was built from;
    ``stored`` the precision of the weights in it, 'float32' where nobody can tell.
    """

    path: str
    engine: Engine
    model: Optional[str]
    stored: str


class Finding(NamedTuple):
    """
    One thing that was measured, over all frames.

    ``value`` is None where there was nothing to measure, and infinite where numbers were not
    finite, which never holds; ``limit`` is None where any other value does, else the value must be
    ``at_least`` or at most that. ``frame`` names the one that is worst, '' where all are alike.
    """

    name: str
    value: Optional[float]
    limit: Optional[float] = None
    at_least: bool = False
    frame: str = ''

    @property
    def holds(self) -> bool:
        """Tell whether the limit is kept."""
        if self.value is None:
            return True
        if self.limit is None:
            return math.isfinite(self.value)
        return self.value >= self.limit if self.at_least else self.value <= self.limit


class Verification(NamedTuple):
    """
    What two models have in common.

    ``precision`` is the one whose gates apply. ``findings`` are told in their order;
    ``are_numbers_compared`` is False where the graphs' outputs have different forms, so that only
    records were. ``latencies`` are those of both from frame to record in milliseconds, ``ratio``
    the median of the frames' own ratios, second by first.
    """

    precision: str
    findings: Tuple[Finding, ...]
    are_numbers_compared: bool
    frames: int
    unreadable: int
    latencies: Tuple[Percentiles, Percentiles]
    ratio: float

    @property
    def holds(self) -> bool:
        """Tell whether all limits are kept."""
        return all(finding.holds for finding in self.findings)


def require_same_kind(first: str, second: str) -> None:
    """
    Check that two models can be held against each other, before either is opened.

    :param first: an ONNX file or an engine
    :param second: another, or the same
    :raises VerificationError: when their task, input size, resize rule or labels differ
    :raises EngineError: when a file is missing or damaged
    :raises ModelCardError: when a file has no card, or the card breaks a rule
    """
    one, other = _kind(read_model_card(first)), _kind(read_model_card(second))
    for name, value in one.items():
        if value != other[name]:
            raise VerificationError(f'{first} and {second} differ in {name}: '
                                    f'{_shown(value, other[name])}; give two files of one model')


def open_side(path: str, *, backend: str) -> Side:
    """
    Open one of the two models.

    :param path: an ONNX file or an engine
    :param backend: see ``open_engine``
    :return: the opened model
    :raises EngineError: when the file or the backend cannot be used
    :raises ModelCardError: when the card disagrees with the graph
    """
    engine = open_engine(path, backend=backend)
    if path.endswith(ENGINE_SUFFIX):
        return Side(path, engine, read_sidecar(path).key.model, 'float32')
    return Side(path, engine, hash_file(path), 'float16' if stores_float16(path) else 'float32')


def verify(first: Side, second: Side, pictures: Iterable[Picture]) -> Verification:
    """
    Hold two models against each other.

    :param first: the one that counts as right
    :param second: the other
    :param pictures: what both answer
    :return: what they have in common
    :raises VerificationError: when there is no frame
    :raises EngineError: when a model fails, or gives numbers that make no sense
    """
    sides = [_Answerer(side) for side in (first, second)]
    ledger = _Ledger(first.engine.card, second.engine.card)
    unreadable = 0
    for picture in pictures:
        if picture.image_bgr is None:
            unreadable += 1
            continue
        for side in sides if ledger.frames % 2 == 0 else sides[::-1]:
            side.answer(picture.name, picture.image_bgr)
        ledger.add(picture.name, sides[0], sides[1])
    if not ledger.frames:
        raise VerificationError(f'there is no picture to compare on, {unreadable} could not be '
                                'decoded; name another folder')
    precision = lower_precision([first.engine.precision, second.engine.precision,
                                 *_stored(first, second)])
    times = [side.times_ms for side in sides]
    return Verification(
        precision, ledger.findings(precision), bool(ledger.differences), ledger.frames, unreadable,
        (percentiles(times[0]), percentiles(times[1])),
        float(np.median(np.divide(times[1], times[0]))))


def _stored(first: Side, second: Side) -> List[str]:
    """Give the precision of the weights, which counts where they were not rounded alike."""
    return [] if first.model == second.model else [first.stored, second.stored]


def _kind(card: ModelCard) -> Dict[str, Any]:
    return {'the task': card.task,
            'the input (height, width)': (card.input.height, card.input.width),
            'the resize rule': card.input.resize,
            'the number of labels': len(card.labels),
            'the labels': card.labels}


def _shown(value: Any, other: Any) -> str:
    if isinstance(value, tuple) and isinstance(value[0], str):
        index = next(i for i, names in enumerate(zip(value, other)) if names[0] != names[1])
        return f'number {index} is {value[index]!r} and {other[index]!r}'
    return f'{value} and {other}'


class _OutputTap(Engine):
    """An engine that keeps the outputs of its last run."""

    def __init__(self, engine: Engine) -> None:
        """Take an engine."""
        self.card, self.inputs, self.outputs = engine.card, engine.inputs, engine.outputs
        self.backend, self.version = engine.backend, engine.version
        self.precision, self.device, self.choice = (engine.precision, engine.device,
                                                    engine.choice)
        self.last: Dict[str, np.ndarray] = {}
        self._engine = engine

    def infer(self, image: np.ndarray) -> Dict[str, np.ndarray]:
        """Run the network, see ``Engine.infer``."""
        self.last = self._engine.infer(image)
        return self.last

    def close(self) -> None:
        """Release the engine."""
        self._engine.close()


class _Answerer:
    """A model that answers frames; keeps its last answer and all times."""

    def __init__(self, side: Side) -> None:
        """Take an opened model."""
        self._path = side.path
        self._tap = _OutputTap(side.engine)
        self._pipeline = Pipeline(self._tap, TASKS[side.engine.card.task].accuracy_settings)
        self.record: Record
        self.times_ms: List[float] = []

    @property
    def outputs(self) -> Dict[str, np.ndarray]:
        """Return what the graph gave for the last frame."""
        return self._tap.last

    def answer(self, name: str, frame_bgr: np.ndarray) -> None:
        """Run a frame."""
        try:
            answer = self._pipeline.run(frame_bgr)
        except EdgeNextError as error:
            raise VerificationError(f'{self._path} on {name}: {error}') from error
        self.record = answer.record
        self.times_ms.append(sum(answer.times))


class _Ledger:
    """What was compared so far."""

    def __init__(self, first: ModelCard, second: ModelCard) -> None:
        """Start with no frame."""
        self._card = first
        self._comparison = COMPARISONS[first.task]
        # A score that a node would publish; tasks without a threshold count everything.
        self._threshold = min(getattr(card.defaults, 'score_threshold', 0.0)
                              for card in (first, second))
        self._names: List[str] = []
        self._tallies: List[Tally] = []
        self.differences: Dict[str, List[Difference]] = {}

    @property
    def frames(self) -> int:
        """Return the number of frames so far."""
        return len(self._names)

    def add(self, name: str, first: _Answerer, second: _Answerer) -> None:
        """Compare both answers to a frame."""
        self._names.append(name)
        self._tallies.append(self._comparison.tally(first.record, second.record, self._threshold))
        pairs = self._comparison.pair(first.outputs, second.outputs, self._card)
        for output, (one, other) in pairs.items():
            self.differences.setdefault(output, []).append(compare_numbers(one, other))

    def findings(self, precision: str) -> Tuple[Finding, ...]:
        """Sum up, with the gates of a precision."""
        gates = GATES[precision]
        found: List[Finding] = []
        for output, differences in self.differences.items():
            for field, limit in (('largest', None), ('relative', gates.relative)):
                found.append(self._at_most(f'{output}, {field} difference', limit,
                                           [getattr(one, field) for one in differences]))
            cosines = [one.cosine for one in differences]
            found.append(Finding(f'{output}, cosine', min(cosines), gates.cosine, True,
                                 self._worst([-value for value in cosines])))
        counted = sum(tally.counted for tally in self._tallies)
        found.append(Finding(
            f'{self._comparison.counted}, of {counted}',
            sum(tally.same for tally in self._tallies) / counted if counted else None,
            gates.shares[self._card.task], True,
            self._worst([tally.counted - tally.same for tally in self._tallies])))
        scores = [tally.score_difference for tally in self._tallies]
        if any(score is not None for score in scores):
            found.append(self._at_most('their scores, largest difference', gates.score_difference,
                                       [score or 0.0 for score in scores]))
        return tuple(found)

    def _at_most(self, name: str, limit: Optional[float], values: List[float]) -> Finding:
        return Finding(name, max(values), limit, False, self._worst(values))

    def _worst(self, badness: List[float]) -> str:
        worst = int(np.argmax(badness))
        return self._names[worst] if badness[worst] > min(badness) else ''
