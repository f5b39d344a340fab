"""Models that can be timed: with a card, stage by stage; any other ONNX file, its inference."""

import os
import time
from typing import Any, Callable, Dict, NamedTuple, Tuple

import numpy as np

from edgenext_core.runtime.engines.backends import open_engine
from edgenext_core.runtime.engines.interface import Engine, TensorSpec
from edgenext_core.runtime.errors import EngineError
from edgenext_core.runtime.pipeline import Pipeline
from edgenext_core.runtime.preprocess import preprocess

STAGES = ('preprocess', 'infer', 'postprocess')


class Order(NamedTuple):
    """
    A model to be timed.

    ``backend`` is one of ``open_engine``'s; '' opens an ONNX file that needs no card, whose input
    is made up.
    """

    path: str
    backend: str
    threads: int


class TimedModel(NamedTuple):
    """
    An opened model.

    ``facts`` describe it as ``benchmark_run`` documents; ``stages`` are those of ``STAGES`` that
    it has, and ``time`` runs a picture (H, W, 3) uint8 BGR and gives their milliseconds, an
    image's share where the model takes several at once.
    """

    facts: Dict[str, Any]
    stages: Tuple[str, ...]
    time: Callable[[np.ndarray], Tuple[float, ...]]
    close: Callable[[], None]


def open_timed(order: Order) -> TimedModel:
    """
    Open a model for timing.

    :param order: which, and what runs it
    :return: the model
    :raises EngineError: when the file or the backend cannot be used
    :raises ModelCardError: when the card is missing, breaks a rule or disagrees with the graph
    """
    if not order.backend:
        return _open_other(order)
    engine = open_engine(order.path, backend=order.backend, threads=order.threads)
    if engine.card.input.batch != 1:
        return TimedModel(_facts(order, engine), ('infer',), _batch_timer(engine), engine.close)
    pipeline = Pipeline(engine)
    return TimedModel(_facts(order, engine), STAGES,
                      lambda picture: tuple(pipeline.run(picture).times), engine.close)


def _facts(order: Order, engine: Engine) -> Dict[str, Any]:
    card = engine.card
    return {
        'file': order.path, 'task': card.task,
        'architecture': card.architecture, 'input': [card.input.height, card.input.width],
        'batch': card.input.batch, 'target': card.export.target, 'precision': engine.precision,
        'backend': engine.backend, 'version': engine.version, 'device': engine.device,
        'threads': order.threads}


def _batch_timer(engine: Engine) -> Callable[[np.ndarray], Tuple[float, ...]]:
    batch = engine.card.input.batch

    def time_batch(picture: np.ndarray) -> Tuple[float, ...]:
        image, _ = preprocess(picture, engine.card)
        images = np.repeat(image, batch, axis=0)
        begun = time.perf_counter()
        engine.infer(images)
        return ((time.perf_counter() - begun) * 1e3 / batch,)
    return time_batch


def _open_other(order: Order) -> TimedModel:
    try:
        from edgenext_core.runtime.engines import onnxruntime as backend
    except ImportError as error:
        raise EngineError(f'ONNX Runtime cannot be imported ({error}); install it with: '
                          'pip install onnxruntime') from error
    if not os.path.isfile(order.path):
        raise EngineError(f'there is no model file {order.path}; check the path')
    session, inputs, _ = backend.open_session(order.path, threads=order.threads)
    feed = {spec.name: _made_up(spec, order.path) for spec in inputs}
    batch = _batch(inputs)
    try:
        session.run(None, feed)
    except Exception as error:  # a number that is no index, say
        raise EngineError(f'{order.path} cannot be run on made-up input; leave it out (ONNX '
                          f'Runtime says: {" ".join(str(error).split())})') from error

    def time_once(picture: np.ndarray) -> Tuple[float, ...]:
        begun = time.perf_counter()
        session.run(None, feed)
        return ((time.perf_counter() - begun) * 1e3 / batch,)
    facts = {
        'file': order.path, 'task': None, 'architecture': None,
        'input': [size for spec in inputs for size in feed[spec.name].shape[1:]], 'batch': batch,
        'target': None, 'precision': None, 'backend': backend.OnnxRuntimeEngine.backend,
        'version': backend.OnnxRuntimeEngine.version, 'device': backend.OnnxRuntimeEngine.device,
        'threads': order.threads}
    return TimedModel(facts, ('infer',), time_once, lambda: None)


def _made_up(spec: TensorSpec, path: str) -> np.ndarray:
    """Draw an input: bytes up to 255, other numbers up to 1; one image where that is open."""
    shape = (1, *spec.shape[1:]) if spec.shape[:1] == (None,) else spec.shape
    sizes = [size for size in shape if isinstance(size, int)]
    if len(sizes) < len(spec.shape):
        raise EngineError(f'{path} leaves sizes of its input open, {spec}; export it with fixed '
                          'sizes')
    draw = np.random.RandomState(0)
    if spec.dtype in ('float16', 'float32', 'float64'):
        return draw.uniform(0, 1, sizes).astype(spec.dtype)
    if spec.dtype in ('uint8', 'int8', 'int32', 'int64', 'bool'):
        return draw.randint(0, 256 if spec.dtype == 'uint8' else 2, sizes).astype(spec.dtype)
    raise EngineError(f'{path} takes {spec}, whose type cannot be made up; expected numbers')


def _batch(inputs: Tuple[TensorSpec, ...]) -> int:
    """Give the number of images that a call takes, by the shape of an image (N, ., ., .)."""
    sizes = [spec.shape[0] for spec in inputs if len(spec.shape) == 4]
    return sizes[0] if sizes and isinstance(sizes[0], int) and sizes[0] > 0 else 1
