"""Checks of the Python packages: which are there, whether they can be imported, what they do."""

import re
import sys
from typing import Tuple

from edgenext_core.measure.health.finding import ERROR, OK, WARN, Finding, Surroundings
from edgenext_core.measure.health.probe import ProbeCrashError, ProbeError, try_in_child
from edgenext_core.runtime.engines.nvidia import (
    INSTALL,
    LIBRARIES,
    TENSORRT,
    how_to_install_pycuda,
)

_OLDEST_ONNXRUNTIME = (1, 10)
_ONNXRUNTIME_OF_OPSET_17 = (1, 12)


def check_python(surroundings: Surroundings) -> Finding:
    """
    Name the interpreter.

    :param surroundings: see ``Surroundings``
    :return: the finding, always good: an older Python does not get here
    """
    return Finding('Python', OK, f'{surroundings.machine.python} ({sys.executable})',
                   'runs nodes and models from 3.6, trains and exports from 3.10')


def check_numpy(surroundings: Surroundings) -> Finding:
    """
    Import NumPy.

    :param surroundings: see ``Surroundings``
    :return: an error where that fails
    """
    if 'numpy' not in surroundings.machine.versions:
        return Finding('NumPy', ERROR, 'not installed', 'pip install numpy')
    try:
        version = try_in_child('import', 'numpy')['version']
    except ProbeCrashError as error:
        remedy = 'pip install --force-reinstall numpy'
        if 'SIGILL' in str(error):
            remedy = ('export OPENBLAS_CORETYPE=ARMV8, without which NumPy 1.19.5 stops on the '
                      'CPU of a Jetson Nano')
        return Finding('NumPy', ERROR, f'cannot be imported ({error})', remedy)
    except ProbeError as error:
        return Finding('NumPy', ERROR, f'cannot be imported ({error})',
                       'pip install --force-reinstall numpy')
    return Finding('NumPy', OK, version, 'holds the pictures')


def check_opencv(surroundings: Surroundings) -> Finding:
    """
    Import OpenCV.

    :param surroundings: see ``Surroundings``
    :return: an error where that fails
    """
    remedy = ('sudo apt install python3-opencv' if surroundings.machine.jetson
              else "pip install 'opencv-python-headless>=4.1,<5'")
    if 'cv2' not in surroundings.machine.versions:
        return Finding('OpenCV', ERROR, 'not installed', remedy)
    try:
        version = try_in_child('import', 'cv2')['version']
    except ProbeError as error:
        if 'numpy' in str(error).lower() or '_ARRAY_API' in str(error):
            remedy = f"a NumPy that it was compiled for, pip install 'numpy<2', or: {remedy}"
        return Finding('OpenCV', ERROR, f'cannot be imported ({error})', remedy)
    if version.split('.')[0] != '4':
        return Finding('OpenCV', WARN, version, f'this project is tested with OpenCV 4: {remedy}')
    return Finding('OpenCV', OK, version, 'scales, decodes and draws pictures')


def check_onnxruntime(surroundings: Surroundings) -> Finding:
    """
    Import ONNX Runtime and ask for its providers.

    :param surroundings: see ``Surroundings``
    :return: a warning where it is missing, broken or old
    """
    name = 'ONNX Runtime'
    if 'onnxruntime' not in surroundings.machine.versions:
        return Finding(name, WARN, 'not installed', 'pip install onnxruntime')
    try:
        answer = try_in_child('onnxruntime')
    except ProbeError as error:
        return Finding(name, WARN, f'cannot be imported ({error})',
                       'pip install --force-reinstall onnxruntime')
    providers = ', '.join(provider.replace('ExecutionProvider', '')
                          for provider in answer['providers'])
    found = f'{answer["version"]} (providers: {providers})'
    version = _numbers(answer['version'])
    if version < _OLDEST_ONNXRUNTIME:
        return Finding(name, WARN, found, "too old for every model: pip install 'onnxruntime>="
                       "1.10'")
    if version < _ONNXRUNTIME_OF_OPSET_17:
        return Finding(name, OK, found, 'runs models of the target jetson-nano on the CPU; the '
                       'target cpu needs 1.12')
    return Finding(name, OK, found, 'runs models on the CPU')


def check_tensorrt(surroundings: Surroundings) -> Finding:
    """
    Import TensorRT, or else TensorRT-RTX.

    :param surroundings: see ``Surroundings``
    :return: a warning where there is a GPU for it and it is missing or broken
    """
    library = next((library for library in LIBRARIES
                    if library in surroundings.machine.versions), None)
    if library is None:
        return _missing_beside_a_gpu('TensorRT', f'install it with: {INSTALL[TENSORRT]}',
                                     surroundings)
    name = 'TensorRT' if library == TENSORRT else 'TensorRT-RTX'
    try:
        version = try_in_child('import', library)['version']
    except ProbeError as error:
        return Finding(name, WARN, f'cannot be imported ({error})',
                       f'install it again with: {INSTALL[library]}')
    return Finding(name, OK, version, 'builds and runs engines on the GPU' if library == TENSORRT
                   else 'builds engines for GeForce RTX, and runs them there')


def check_pycuda(surroundings: Surroundings) -> Finding:
    """
    Import PyCUDA's driver module.

    :param surroundings: see ``Surroundings``
    :return: a warning where there is a GPU for it and it is missing or broken
    """
    if 'pycuda' not in surroundings.machine.versions:
        return _missing_beside_a_gpu('PyCUDA', how_to_install_pycuda(), surroundings)
    try:
        try_in_child('import', 'pycuda.driver')
    except ProbeError as error:
        return Finding('PyCUDA', WARN, f'cannot be imported ({error})',
                       how_to_install_pycuda(again=True))
    return Finding('PyCUDA', OK, surroundings.machine.versions['pycuda'],
                   'gives TensorRT its memory')


def check_torch(surroundings: Surroundings) -> Finding:
    """
    Look for PyTorch, which takes seconds to import and is not needed on a robot.

    :param surroundings: see ``Surroundings``
    :return: the finding, always good
    """
    versions = surroundings.machine.versions
    if 'torch' not in versions:
        return Finding('PyTorch', OK, 'not installed', 'only training and export need it')
    onnx = f', onnx {versions["onnx"]}' if 'onnx' in versions else ''
    return Finding('PyTorch', OK, f'{versions["torch"]}{onnx}', 'trains and exports')


def _missing_beside_a_gpu(name: str, remedy: str, surroundings: Surroundings) -> Finding:
    if surroundings.gpus or surroundings.machine.jetson:
        return Finding(name, WARN, 'not installed', f'the GPU is of no use without it; {remedy}')
    return Finding(name, OK, 'not installed', 'of no use without an NVIDIA GPU')


def _numbers(version: str) -> Tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r'\d+', version)[:2])
