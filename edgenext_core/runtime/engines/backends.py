"""How a model file becomes an engine: read its card, choose a backend, check, try out."""

import logging
import os
from typing import Optional

import numpy as np

from edgenext_core.runtime.card_file import read_card
from edgenext_core.runtime.engines.cache import (
    EngineKey,
    check_engine,
    engine_path,
    hash_file,
    input_shape,
    read_sidecar,
)
from edgenext_core.runtime.engines.graph_check import check_inputs, check_outputs
from edgenext_core.runtime.engines.interface import Engine, TensorSpec
from edgenext_core.runtime.engines.nvidia import (
    TENSORRT,
    find_gpu,
    import_tensorrt,
    named,
    require_tensorrt,
)
from edgenext_core.runtime.errors import EdgeNextError, EngineError, ModelCardError
from edgenext_core.runtime.model_card import ModelCard

BACKENDS = ('auto', 'tensorrt', 'onnxruntime')
ENGINE_SUFFIX = '.engine'
_GREY = 127
_log = logging.getLogger(__name__)


def open_engine(path: str, *, backend: str = 'auto', threads: int = 1) -> Engine:
    """
    Open a model file, check it against its card and run it once.

    The first run allocates memory, so the first frame is not slower than the others.

    :param path: an ONNX file with a model card, or an engine with its sidecar
    :param backend: one of ``BACKENDS``; ``auto`` takes TensorRT where there is a GPU and an
        engine for it, else ONNX Runtime
    :param threads: of the CPU, at least 1
    :return: the engine; its ``choice``, which is logged, too, says why it is this one
    :raises EngineError: when the file or the backend cannot be used
    :raises ModelCardError: when the card is missing, breaks a rule or disagrees with the graph
    """
    path = os.fspath(path)
    if backend not in BACKENDS:
        raise EngineError(f'there is no backend {backend!r}, expected one of: '
                          f'{", ".join(BACKENDS)}')
    if threads < 1:
        raise EngineError(f'threads is {threads}, expected at least 1')
    if path.endswith(ENGINE_SUFFIX):
        engine = _open_built(path, backend=backend)
    else:
        engine = _open_onnx(path, backend=backend, threads=threads)
    _log.info('%s', engine.choice)
    return engine


def read_model_card(path: str) -> ModelCard:
    """
    Read the card of an ONNX file or of an engine.

    :param path: the file
    :return: the validated card
    :raises EngineError: when the file is missing or damaged
    :raises ModelCardError: when it has no card, or the card breaks a rule
    """
    return read_sidecar(path).card if path.endswith(ENGINE_SUFFIX) else read_card(path)


def _open_built(path: str, *, backend: str) -> Engine:
    if backend == 'onnxruntime':
        raise EngineError(f'{path} is a TensorRT engine, which ONNX Runtime cannot run; give the '
                          'ONNX file that it was built from')
    engine = _open_tensorrt(path)
    engine.choice = f'{_title(engine)}, since {path} is an engine for it'
    return engine


def _open_onnx(path: str, *, backend: str, threads: int) -> Engine:
    card = read_card(path)
    reason = 'as asked for'
    if backend != 'onnxruntime':
        built = engine_path(path)
        try:
            engine = _open_tensorrt(built, model=path, card=card)
            engine.choice = f'{_title(engine)}, since {built} fits this machine'
            return engine
        except (EdgeNextError, OSError) as error:
            if backend == 'tensorrt':
                raise
            reason = f'since {error}'
    engine = _open_onnxruntime(path, card, threads=threads)
    engine.choice = f'{_title(engine)}, {reason}'
    return engine


def _open_onnxruntime(path: str, card: ModelCard, *, threads: int) -> Engine:
    try:
        from edgenext_core.runtime.engines.onnxruntime import OnnxRuntimeEngine
    except ImportError as error:
        raise EngineError(f'ONNX Runtime cannot be imported ({error}); install it with: '
                          'pip install onnxruntime') from error
    return _checked(OnnxRuntimeEngine(path, card, threads=threads), path)


def _open_tensorrt(path: str, *, model: Optional[str] = None, card: Optional[ModelCard] = None
                   ) -> Engine:
    """
    Open an engine, if it can be had: the cheapest question first, TensorRT's import last.

    :param path: the engine file
    :param model: the ONNX file that it must be of, None for whatever it is of
    :param card: the model's card, None for the sidecar's
    :return: the engine, checked and tried out
    :raises EngineError: when there is no GPU or TensorRT, or no engine for them
    """
    gpu = find_gpu()
    if not os.path.exists(path):
        require_tensorrt(TENSORRT)
    sidecar = read_sidecar(path, model=model or 'MODEL.onnx')
    trt = import_tensorrt(sidecar.library)
    card = card or sidecar.card
    wanted = EngineKey(
        model=model and hash_file(model), tensorrt=named(trt), device=gpu.name,
        compute_capability=gpu.compute_capability, precision=None, input_shape=input_shape(card))
    check_engine(path, sidecar, wanted, model=model or 'MODEL.onnx')
    from edgenext_core.runtime.engines.tensorrt import TensorRTEngine
    return _checked(TensorRTEngine(path, card, trt), path)


def _checked(engine: Engine, path: str) -> Engine:
    try:
        check_inputs(engine.card, engine.inputs)
        check_outputs(engine.card, engine.outputs)
        _try_out(engine)
    except Exception as error:
        engine.close()
        if isinstance(error, ModelCardError):
            raise ModelCardError(f'{path}: {error}') from error
        raise
    return engine


def _try_out(engine: Engine) -> None:
    """Run once, which tells the sizes that the graph leaves open."""
    outputs = engine.infer(np.full(input_shape(engine.card), _GREY, np.uint8))
    check_outputs(engine.card, tuple(TensorSpec(name, value.dtype.name, value.shape)
                                     for name, value in outputs.items()))


def _title(engine: Engine) -> str:
    if engine.backend == 'tensorrt':
        return f'TensorRT {engine.version} on {engine.device}'
    return f'ONNX Runtime {engine.version}'
