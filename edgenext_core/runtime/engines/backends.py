"""How a model file becomes an engine: read its card, choose a backend, check, try out."""

import os

import numpy as np

from edgenext_core.runtime.card_file import read_card
from edgenext_core.runtime.engines.graph_check import check_inputs, check_outputs
from edgenext_core.runtime.engines.interface import Engine, TensorSpec
from edgenext_core.runtime.errors import EngineError, ModelCardError

BACKENDS = ('auto', 'onnxruntime')
_GREY = 127


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
        raise EngineError(f'there is no backend {backend!r}, expected one of: '
                          f'{", ".join(BACKENDS)}')
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
    try:
        check_inputs(card, engine.inputs)
        check_outputs(card, engine.outputs)
        _try_out(engine)
    except ModelCardError as error:
        engine.close()
        raise ModelCardError(f'{path}: {error}') from error
    return engine


def _try_out(engine: Engine) -> None:
    """Run once, which tells the sizes that the graph leaves open."""
    size = engine.card.input
    outputs = engine.infer(np.full((1, size.height, size.width, 3), _GREY, np.uint8))
    check_outputs(engine.card, tuple(TensorSpec(name, value.dtype.name, value.shape)
                                     for name, value in outputs.items()))
