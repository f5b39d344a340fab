"""
Build a TensorRT engine on this device, in a child process whose memory goes with it.

The file is whole or not there: it is written beside its place and moved there at the end.
"""

import json
import os
import signal
import subprocess
import sys
import time
from typing import Any, Callable, Dict, NamedTuple, Optional, Tuple

from edgenext_core.runtime.engines.build_process import Job
from edgenext_core.runtime.engines.precision import Precision
from edgenext_core.runtime.errors import EngineError

_LIBRARIES_MIB = 1024
"""What CUDA, cuDNN and TensorRT take by themselves before they build anything."""
_TICK_S = 1.0
_SWAP_ADVICE = ('add swap with: sudo fallocate -l 4G /swapfile && sudo chmod 600 /swapfile && '
                'sudo mkswap /swapfile && sudo swapon /swapfile')
_PACKAGE_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))


class Built(NamedTuple):
    """
    What was built.

    ``tensorrt`` is the version; ``precision`` was read from the engine; ``sensitive_layers``
    counts the layers that were held in float32; ``warnings`` are TensorRT's.
    """

    tensorrt: str
    precision: Precision
    sensitive_layers: int
    warnings: Tuple[str, ...]
    took_s: float


def build_engine(model: str, engine: str, *, precision: str = 'float16', workspace_mib: int = 256,
                 timing_cache: Optional[str] = None,
                 on_progress: Callable[[float], None] = lambda elapsed_s: None) -> Built:
    """
    Build an engine for this device.

    :param model: the ONNX file
    :param engine: the file to write
    :param precision: 'float16' or 'float32'
    :param workspace_mib: memory that a layer may use while it computes, MiB
    :param timing_cache: a file that makes the next build faster; made if it is not there
    :param on_progress: called about once a second with the seconds since the start
    :return: what was built
    :raises EngineError: when memory is short, or TensorRT fails, crashes or is killed
    """
    require_memory(workspace_mib + _LIBRARIES_MIB)
    return _build(Job(model, engine, precision, workspace_mib, timing_cache), on_progress)


def build_rtx_engine(model: str, engine: str, *, targets: Tuple[str, ...],
                     on_progress: Callable[[float], None] = lambda elapsed_s: None) -> Built:
    """
    Build an engine for GeForce RTX devices with TensorRT-RTX, which needs none of them for it.

    :param model: the ONNX file, in the precision that it shall run in
    :param engine: the file to write
    :param targets: names of compute capabilities such as 'SM86'
    :param on_progress: called about once a second with the seconds since the start
    :return: what was built; what its layers compute in is not known before it runs
    :raises EngineError: when TensorRT-RTX is not there, fails, crashes or is killed
    """
    return _build(Job(model, engine, 'model', 256, None, 'tensorrt_rtx', targets), on_progress)


def require_memory(needed_mib: int) -> None:
    """
    Check that memory and swap suffice.

    :param needed_mib: for the build, MiB
    :raises EngineError: when they do not
    """
    available, swap = _free_mib()
    if available + swap < needed_mib:
        raise EngineError(f'{available} MiB of memory and {swap} MiB of swap are free, a build '
                          f'needs {needed_mib} MiB; close other programs and the desktop, or '
                          f'{_SWAP_ADVICE}')


def _free_mib() -> Tuple[int, int]:
    with open('/proc/meminfo') as stream:
        sizes = {line.split(':')[0]: int(line.split()[1]) >> 10 for line in stream}
    return sizes['MemAvailable'], sizes['SwapFree']


def _build(job: Job, on_progress: Callable[[float], None]) -> Built:
    start = time.monotonic()
    part = f'{job.engine}.{os.getpid()}.part'
    try:
        os.makedirs(os.path.dirname(os.path.abspath(job.engine)), exist_ok=True)
        result = _run(job._replace(engine=part), lambda: on_progress(time.monotonic() - start))
        os.replace(part, job.engine)
    except OSError as error:
        raise EngineError(f'{job.engine} cannot be written ({error.strerror}); free some space or '
                          'choose another folder') from error
    finally:
        if os.path.exists(part):
            os.remove(part)
    return Built(result['tensorrt'], Precision(result['float16_layers'], result['layers']),
                 result['sensitive_layers'], tuple(result['warnings']),
                 time.monotonic() - start)


def _run(job: Job, on_tick: Callable[[], None]) -> Dict[str, Any]:
    path = os.pathsep.join(filter(None, [_PACKAGE_ROOT, os.environ.get('PYTHONPATH', '')]))
    child = subprocess.Popen(
        [sys.executable, '-m', 'edgenext_core.runtime.engines.build_process',
         json.dumps(job._asdict())],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
        env=dict(os.environ, PYTHONPATH=path))
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
        available, swap = _free_mib()
        raise EngineError(f'the build of {job.model} was killed, most likely since memory ran out '
                          f'(now {available} MiB and {swap} MiB of swap are free); close other '
                          f'programs and the desktop, or {_SWAP_ADVICE}')
    lines = output.strip().splitlines()
    if code != 0 or not lines:
        reason = ' '.join(messages.strip().splitlines()[-1:]) or 'nothing'
        raise EngineError(f'the build of {job.model} crashed (exit status {code}); try it once '
                          f'more with: --precision float32 (it says: {reason})')
    result = json.loads(lines[-1])
    if 'error' in result:
        raise EngineError(result['error'])
    return result
