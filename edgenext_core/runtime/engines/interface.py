"""What a backend offers, and how a model file becomes one."""

import abc
import os
from typing import Dict, NamedTuple, Optional, Tuple

import numpy as np

from edgenext_core.runtime.errors import EngineError, ModelCardError
from edgenext_core.runtime.model_card import RE_EXPORT, ModelCard, read_card

BACKENDS = ('auto', 'onnxruntime')


class TensorSpec(NamedTuple):
    """An input or output of a graph: NumPy's name of its dtype, and its shape; None is open."""

    name: str
    dtype: str
    shape: Tuple[Optional[int], ...]


class Engine(abc.ABC):
    """
    A model that is ready to run; used by one thread at a time.

    ``card`` is the model's card, ``backend`` the backend's name, ``version`` its version.
    """

    card: ModelCard
    backend: str
    version: str

    @abc.abstractmethod
    def infer(self, image: np.ndarray) -> Dict[str, np.ndarray]:
        """
        Run the network.

        :param image: (1, height, width, 3) uint8 BGR, contiguous, of the card's size
        :return: the outputs by name, as ``expected_outputs`` lists them
        :raises EngineError: when the backend fails
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Give back what the backend holds; the engine cannot be used afterwards."""


def open_engine(path: str, *, backend: str = 'auto', threads: int = 1) -> Engine:
    """
    Open a model file, check it against its card and run it once.

    The first run allocates memory, so the first frame is not slower than the others.

    :param path: an ONNX file with a model card
    :param backend: one of ``BACKENDS``; ``auto`` takes the one that fits the file
    :param threads: of the CPU, at least 1
    :return: the engine
    :raises EngineError: when the file or the backend cannot be used
    :raises ModelCardError: when the card is missing, breaks a rule or disagrees with the graph
    """
    path = os.fspath(path)
    if backend not in BACKENDS:
        raise EngineError('there is no backend {!r}, expected one of: {}'.format(
            backend, ', '.join(BACKENDS)))
    if threads < 1:
        raise EngineError(f'threads is {threads}, expected at least 1')
    if path.endswith('.engine'):
        raise EngineError(f'{path} is a TensorRT engine and this version runs ONNX files only; '
                          'give the ONNX file it was built from')
    card = read_card(path)
    try:
        from edgenext_core.runtime.engines.onnxruntime import OnnxRuntimeEngine
    except ImportError as error:
        raise EngineError(f'ONNX Runtime cannot be imported ({error}); install it with: '
                          'pip install onnxruntime') from error
    engine = OnnxRuntimeEngine(path, card, threads=threads)
    _try_out(engine, path)
    return engine


def expected_outputs(card: ModelCard) -> Tuple[TensorSpec, ...]:
    """
    List what a model must give by its card.

    :param card: the card
    :return: classification: ``probabilities`` (1, K), after softmax; detection: ``boxes``
        (1, A, 4), xyxy in [0, 1] of the network input, and ``scores`` (1, A, K) without a
        background; segmentation: ``class_ids`` (1, height, width). A, the anchors, is open
    """
    classes = len(card.labels)
    return {
        'classification': (TensorSpec('probabilities', 'float32', (1, classes)),),
        'detection': (TensorSpec('boxes', 'float32', (1, None, 4)),
                      TensorSpec('scores', 'float32', (1, None, classes))),
        'segmentation': (TensorSpec('class_ids', 'int32',
                                    (1, card.input.height, card.input.width)),),
    }[card.task]


def check_inputs(card: ModelCard, specs: Tuple[TensorSpec, ...]) -> None:
    """
    Check a graph's inputs against the card.

    :param card: the card
    :param specs: what the graph takes
    :raises ModelCardError: when they disagree
    """
    expected = TensorSpec(card.input.name, 'uint8', (1, card.input.height, card.input.width, 3))
    if len(specs) != 1 or specs[0] != expected:
        raise _disagree('input', expected, ' and '.join(_shown(spec) for spec in specs))


def check_outputs(card: ModelCard, specs: Tuple[TensorSpec, ...]) -> None:
    """
    Check a graph's outputs against the card.

    :param card: the card
    :param specs: what the graph gives; more outputs than expected do no harm
    :raises ModelCardError: when they disagree
    """
    given = {spec.name: spec for spec in specs}
    for expected in expected_outputs(card):
        spec = given.get(expected.name)
        if spec is None:
            raise _disagree('output', expected, ', '.join(given))
        if spec.dtype != expected.dtype or not _fits(spec.shape, expected.shape):
            raise _disagree('output', expected, _shown(spec))


def _try_out(engine: Engine, path: str) -> None:
    card = engine.card
    outputs = engine.infer(np.full((1, card.input.height, card.input.width, 3), 127, np.uint8))
    specs = tuple(TensorSpec(name, value.dtype.name, value.shape)
                  for name, value in outputs.items())
    try:
        check_outputs(card, specs)
    except ModelCardError as error:
        raise ModelCardError(f'{path}: {error}') from error
    if card.task == 'detection' and outputs['boxes'].shape[1] != outputs['scores'].shape[1]:
        raise ModelCardError('{} gives {} boxes and scores for {}; {}'.format(
            path, outputs['boxes'].shape[1], outputs['scores'].shape[1], RE_EXPORT))


def _fits(shape: Tuple[Optional[int], ...], expected: Tuple[Optional[int], ...]) -> bool:
    return len(shape) == len(expected) and all(
        None in pair or pair[0] == pair[1] for pair in zip(shape, expected))


def _disagree(kind: str, expected: TensorSpec, given: str) -> ModelCardError:
    return ModelCardError(f'the card and the graph disagree: by the card the {kind} is '
                          f'{_shown(expected)}, the graph has {given}; {RE_EXPORT}')


def _shown(spec: TensorSpec) -> str:
    return '{} {} ({})'.format(spec.name, spec.dtype, ', '.join(
        '?' if size is None else str(size) for size in spec.shape))
