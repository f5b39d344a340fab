"""
Build a TensorRT engine for this device, in a child process whose memory goes with it.

The file is whole or not there: it is written beside its place and moved there at the end.
"""

import json
import os
import signal
import subprocess
import sys
import time
from typing import Any, Callable, Dict, NamedTuple, Optional, Tuple

from edgenext_core.runtime.card_file import read_card
from edgenext_core.runtime.engines.build_memory import (
    LIBRARIES_MIB,
    SWAP_ADVICE,
    WORKSPACE_MIB,
    free_mib,
    require_memory,
)
from edgenext_core.runtime.engines.build_process import Job, cannot_be_written
from edgenext_core.runtime.engines.cache import (
    EngineKey,
    Sidecar,
    check_engine,
    install_engine,
    key_for,
    read_sidecar,
)
from edgenext_core.runtime.engines.nvidia import (
    TENSORRT,
    TENSORRT_RTX,
    find_gpu,
    import_tensorrt,
    named,
    require_tensorrt,
)
from edgenext_core.runtime.engines.precision import Precision
from edgenext_core.runtime.errors import EngineError

_TICK_S = 1.0
_PACKAGE_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))


class Order(NamedTuple):
    """
    What to build.

    ``model`` is the ONNX file, ``engine`` the file to write, ``precision`` 'float16' or
    'float32'; ``workspace_mib`` the memory that a layer may use while it computes. With
    ``rtx_targets``, such as ('SM86', 'SM89'), TensorRT-RTX builds for those devices, which needs
    none of them; else TensorRT builds for this one.
    """

    model: str
    engine: str
    precision: str = 'float16'
    workspace_mib: int = WORKSPACE_MIB
    rtx_targets: Tuple[str, ...] = ()


class Built(NamedTuple):
    """
    What was built.

    ``tensorrt`` is the library with its version; ``device`` the GPU's name, or the compute
    capabilities; ``precision`` was read from the engine, where there is a GPU to open it;
    ``sensitive_layers`` counts the layers that were held in float32; ``warnings`` are TensorRT's.
    """

    tensorrt: str
    device: str
    precision: Precision
    sensitive_layers: int
    warnings: Tuple[str, ...]
    took_s: float


def is_built(order: Order) -> bool:
    """
    Tell whether the engine is there already: whole, of this model, for this machine.

    :param order: what to build
    :return: whether a build would only repeat it
    :raises EngineError: when the model cannot be used, or TensorRT or the GPU is not there
    """
    key = _key(order)
    try:
        sidecar = read_sidecar(order.engine)
    except EngineError:
        return False
    if sidecar.library != _library(order):
        return False
    wanted = key._replace(tensorrt=named(import_tensorrt(sidecar.library)))
    try:
        check_engine(order.engine, sidecar, wanted)
    except EngineError:
        return False
    return True


def build_engine(order: Order, *, on_progress: Callable[[float], None] = lambda elapsed_s: None
                 ) -> Built:
    """
    Build an engine and write it and its sidecar.

    :param order: what to build
    :param on_progress: called about once a second with the seconds since the start
    :return: what was built
    :raises EngineError: when TensorRT, the GPU or memory is missing, the model does not fit, or
        TensorRT fails, crashes or is killed
    :raises ModelCardError: when the model has no card
    """
    start = time.monotonic()
    key = _key(order)  # before the child reads the model, which may change meanwhile
    require_tensorrt(_library(order))
    # Asking TensorRT-RTX for a timing cache makes it ask for a GPU.
    timings = None if order.rtx_targets else os.path.dirname(os.path.abspath(order.engine))
    if not order.rtx_targets:
        require_memory(order.workspace_mib + LIBRARIES_MIB)
    job = Job(order.model, '', order.precision, order.workspace_mib, timings, _library(order),
              order.rtx_targets)
    result = _build(order, job, key, lambda: on_progress(time.monotonic() - start))
    return Built(result['tensorrt'], key.device or ' '.join(order.rtx_targets),
                 Precision(**result['precision']), result['sensitive_layers'],
                 tuple(result['warnings']), time.monotonic() - start)


def _library(order: Order) -> str:
    return TENSORRT_RTX if order.rtx_targets else TENSORRT


def _key(order: Order) -> EngineKey:
    """Give the key of the engine, its TensorRT left open."""
    card = read_card(order.model)
    device: Optional[str] = None
    capability = ' '.join(f'{target[2:-1]}.{target[-1:]}' for target in order.rtx_targets)
    if not order.rtx_targets:
        device, capability = find_gpu()
    return key_for(order.model, card, tensorrt='', device=device, compute_capability=capability,
                   precision=order.precision)


def _build(order: Order, job: Job, key: EngineKey, on_tick: Callable[[], None]
           ) -> Dict[str, Any]:
    part = f'{order.engine}.{os.getpid()}.part'
    try:
        os.makedirs(os.path.dirname(os.path.abspath(order.engine)), exist_ok=True)
        with open(part, 'wb'):  # not after minutes in vain
            pass
        result = _run(job._replace(engine=part), on_tick)
        built = dict(result['precision'], sensitive_layers=result['sensitive_layers'],
                     source=os.path.basename(order.model))
        install_engine(part, order.engine, Sidecar(
            job.library, '', key._replace(tensorrt=result['tensorrt']), read_card(order.model),
            built))
    except OSError as error:
        raise cannot_be_written(order.engine, error) from error
    finally:
        for left_over in (part, f'{part}.timings'):
            if os.path.exists(left_over):
                os.remove(left_over)
    return result


def _run(job: Job, on_tick: Callable[[], None]) -> Dict[str, Any]:
    path = os.pathsep.join(filter(None, [_PACKAGE_ROOT, os.environ.get('PYTHONPATH', '')]))
    child = subprocess.Popen(
        [sys.executable, '-m', 'edgenext_core.runtime.engines.build_process',
         json.dumps(job._asdict())],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        universal_newlines=True, env=dict(os.environ, PYTHONPATH=path))
    try:
        while True:
            try:
                output, messages = child.communicate(timeout=_TICK_S)
                break
            except subprocess.TimeoutExpired:
                on_tick()
    finally:
        if child.poll() is None:
            child.kill()
            child.communicate()
    return _result(job, child.returncode, output, messages)


def _result(job: Job, code: int, output: str, messages: str) -> Dict[str, Any]:
    if code == -signal.SIGKILL:
        available, swap = free_mib()
        raise EngineError(f'the build of {job.model} was killed, most likely since memory ran out '
                          f'(now {available} MiB and {swap} MiB of swap are free); close other '
                          f'programs and the desktop, or {SWAP_ADVICE}')
    answers = [line for line in output.splitlines() if line.startswith('{')]
    if code != 0 or not answers:
        reason = ' '.join(messages.strip().splitlines()[-1:]) or 'nothing'
        raise EngineError(f'the build of {job.model} crashed (exit status {code}); try it once '
                          f'more with: --precision float32 (it says: {reason})')
    result = json.loads(answers[-1])
    if 'error' in result:
        raise EngineError(result['error'])
    return result
