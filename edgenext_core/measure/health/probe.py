"""
What may end a process, tried in a child: imports, CUDA's driver, a conversion, opening a model.

A package that was compiled for another NumPy or processor does not raise; it kills. The child,
``python -m edgenext_core.measure.health.probe NAME ARGUMENT``, writes its answer as one JSON line.
"""

import ctypes
import importlib
import json
import os
import signal
import subprocess
import sys
from typing import Any, Dict, List

from edgenext_core.runtime.errors import EdgeNextError

_ANSWER = 'answer: '
_TIMEOUT_S = 180
_PACKAGE_ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), '..', '..', '..'))
# CUDA's names of what is asked of a device.
_CAPABILITY_MAJOR, _CAPABILITY_MINOR = 75, 76


class ProbeError(EdgeNextError):
    """What was tried does not work: the message is what it said."""


class ProbeCrashError(ProbeError):
    """What was tried ended the process that tried it."""


def try_in_child(name: str, argument: str = '') -> Dict[str, Any]:
    """
    Try something in a process of its own.

    :param name: of the attempt, a key of ``PROBES``
    :param argument: for it
    :return: its answer
    :raises ProbeError: when it failed, or no process can be started
    :raises ProbeCrashError: when it ended the process, or took minutes
    """
    path = os.pathsep.join(filter(None, [_PACKAGE_ROOT, os.environ.get('PYTHONPATH', '')]))
    try:
        child = subprocess.run(
            [sys.executable, '-m', __name__, name, argument], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=_TIMEOUT_S, check=False,
            env=dict(os.environ, PYTHONPATH=path))
    except subprocess.TimeoutExpired as error:
        raise ProbeCrashError(f'it did not answer within {_TIMEOUT_S} s') from error
    except (OSError, ValueError) as error:
        raise ProbeError(f'no process could be started to try it ({error})') from error
    lines = child.stdout.decode('utf-8', 'replace').splitlines()
    answers = [line[len(_ANSWER):] for line in lines if line.startswith(_ANSWER)]
    if not answers:
        last = ' '.join(child.stderr.decode('utf-8', 'replace').splitlines()[-1:]).strip()
        raise ProbeCrashError(f'it ended the process with {_ending(child.returncode)}'
                              + (f': {last}' if last else ''))
    answer = json.loads(answers[-1])
    if 'error' in answer:
        raise ProbeError(answer['error'])
    return answer


def _ending(code: int) -> str:
    if code >= 0:
        return f'exit status {code}'
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f'signal {-code}'


def _import(module: str) -> Dict[str, Any]:
    return {'version': str(getattr(importlib.import_module(module), '__version__', ''))}


def _onnxruntime(_: str) -> Dict[str, Any]:
    onnxruntime = importlib.import_module('onnxruntime')
    return {'version': onnxruntime.__version__,
            'providers': onnxruntime.get_available_providers()}


def _gpus(_: str) -> Dict[str, Any]:
    """Ask the driver, which every program with CUDA has; no package is needed."""
    cuda = ctypes.CDLL('libcuda.so.1')

    def ask(function: str, *arguments: Any) -> None:
        status = getattr(cuda, function)(*arguments)
        if status != 0:
            text = ctypes.c_char_p()
            cuda.cuGetErrorString(status, ctypes.byref(text))
            raise ProbeError(f"CUDA's driver answers {function} with error {status}: "
                             f'{(text.value or b"").decode()}')

    number, minor, device = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
    size = ctypes.c_size_t()
    ask('cuInit', 0)
    ask('cuDriverGetVersion', ctypes.byref(number))
    version = f'{number.value // 1000}.{number.value % 1000 // 10}'
    ask('cuDeviceGetCount', ctypes.byref(number))
    gpus: List[List[Any]] = []
    for index in range(number.value):
        ask('cuDeviceGet', ctypes.byref(device), index)
        name = ctypes.create_string_buffer(256)
        ask('cuDeviceGetName', name, len(name), device)
        ask('cuDeviceGetAttribute', ctypes.byref(number), _CAPABILITY_MAJOR, device)
        ask('cuDeviceGetAttribute', ctypes.byref(minor), _CAPABILITY_MINOR, device)
        ask('cuDeviceTotalMem_v2', ctypes.byref(size), device)
        gpus.append([name.value.decode(), f'{number.value}.{minor.value}', size.value >> 20,
                     version])
    return {'gpus': gpus}


def _messages(_: str) -> Dict[str, Any]:
    """Load the middleware and the messages of the nodes, and write one out."""
    utilities = importlib.import_module('rclpy.utilities')
    answer: Dict[str, Any] = {'rmw': utilities.get_rmw_implementation_identifier(), 'missing': []}
    for package in ('sensor_msgs', 'std_msgs', 'geometry_msgs', 'diagnostic_msgs', 'vision_msgs'):
        try:
            importlib.import_module(f'{package}.msg')
        except ModuleNotFoundError:
            answer['missing'].append(package)
    if answer['missing']:
        return answer
    answer['has_labels'] = hasattr(sys.modules['vision_msgs.msg'], 'LabelInfo')
    # Its covariance is a NumPy array, which code reads that was compiled for a certain NumPy.
    message = sys.modules['geometry_msgs.msg'].PoseWithCovariance()
    importlib.import_module('rclpy.serialization').serialize_message(message)
    return answer


def _cv_bridge(_: str) -> Dict[str, Any]:
    """Let it convert a picture, for which it calls what it has compiled."""
    cv_bridge = importlib.import_module('cv_bridge')
    image = importlib.import_module('sensor_msgs.msg').Image(
        height=2, width=2, encoding='bgr8', step=6, data=bytes(12))
    cv_bridge.CvBridge().imgmsg_to_cv2(image, 'rgb8')
    return {}


def _model(path: str) -> Dict[str, Any]:
    from edgenext_core.runtime.engines.backends import open_engine
    engine = open_engine(path)
    try:
        return {'task': engine.card.task, 'choice': engine.choice}
    finally:
        engine.close()


PROBES = {'import': _import, 'onnxruntime': _onnxruntime, 'gpus': _gpus,
          'messages': _messages, 'cv_bridge': _cv_bridge, 'model': _model}


def _main(name: str, argument: str) -> None:
    try:
        answer = PROBES[name](argument)
    except Exception as error:  # what an import runs into can be anything
        kind = '' if isinstance(error, EdgeNextError) else f'{type(error).__name__}: '
        answer = {'error': ' '.join(f'{kind}{error}'.split())}
    sys.stdout.write(f'\n{_ANSWER}{json.dumps(answer)}\n')
    sys.stdout.flush()  # before anything dies while it is unloaded


if __name__ == '__main__':
    _main(sys.argv[1], sys.argv[2])
