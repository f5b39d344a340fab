"""
What a machine has of NVIDIA's: driver, PyCUDA, TensorRT; each imported late, the cheapest first.

Most machines have none of it and shall not wait for the answer; some have it broken, and the error
of somebody else's import can be anything.
"""

import ctypes
import importlib
import importlib.util
import shutil
import sys
from typing import Any

from edgenext_core.runtime.errors import EngineError

LIBRARIES = TENSORRT, TENSORRT_RTX = 'tensorrt', 'tensorrt_rtx'
"""The modules that build and run engines."""
_NAMES = {TENSORRT: 'TensorRT', TENSORRT_RTX: 'TensorRT-RTX'}
INSTALL = {TENSORRT: 'pip install tensorrt, on a Jetson with: sudo apt install '
                     'python3-libnvinfer',
           TENSORRT_RTX: 'pip install tensorrt-rtx'}
"""How each is installed."""
_DRIVER = 'libcuda.so.1'


def find_gpu() -> Any:
    """
    Find the GPU that engines run on.

    :return: a ``cuda_buffers.Gpu``
    :raises EngineError: when there is none, or PyCUDA is not there or does not work
    """
    try:
        ctypes.CDLL(_DRIVER)
    except OSError as error:
        raise EngineError(f'no NVIDIA GPU was found (its driver would bring {_DRIVER}; a '
                          'container must be given it)') from error
    if not _is_installed('pycuda'):
        raise EngineError(f'PyCUDA is not installed; {how_to_install_pycuda()}')
    try:
        from edgenext_core.runtime.engines.cuda_buffers import describe_gpu
    except Exception as error:
        raise EngineError(f'PyCUDA cannot be imported ({_shown(error)}); '
                          f'{how_to_install_pycuda(again=True)}') from error
    return describe_gpu()


def require_tensorrt(library: str = TENSORRT) -> None:
    """
    Check that TensorRT is installed, without the seconds that its import takes.

    :param library: ``TENSORRT`` or ``TENSORRT_RTX``
    :raises EngineError: when it is not
    """
    if not _is_installed(library):
        raise EngineError(f'{_NAMES[library]} is not installed; install it with: '
                          f'{INSTALL[library]}')


def import_tensorrt(library: str = TENSORRT) -> Any:
    """
    Import TensorRT.

    :param library: ``TENSORRT`` or ``TENSORRT_RTX``
    :return: the module
    :raises EngineError: when it is not there or broken
    """
    require_tensorrt(library)
    try:
        trt = importlib.import_module(library)
        named(trt)
    except Exception as error:
        raise EngineError(f'{_NAMES[library]} cannot be imported ({_shown(error)}); install it '
                          f'again with: {INSTALL[library]}') from error
    return trt


def named(trt: Any) -> str:
    """
    Name a TensorRT with its version.

    :param trt: the module
    :return: such as 'TensorRT 8.2.1.8'
    """
    return f'{_NAMES[trt.__name__]} {trt.__version__}'


def how_to_install_pycuda(*, again: bool = False) -> str:
    """
    Say how PyCUDA is installed.

    :param again: whether it is there and broken
    :return: a sentence's end
    """
    nvcc = '' if shutil.which('nvcc') else (
        ', after: export PATH=/usr/local/cuda/bin:$PATH (it is compiled, and nvcc is not on PATH)')
    return ('install it again with: pip install --force-reinstall --no-cache-dir pycuda' if again
            else 'install it with: pip install pycuda') + nvcc


def _is_installed(package: str) -> bool:
    # A module that is loaded need not have a spec.
    return bool(sys.modules.get(package) or importlib.util.find_spec(package))


def _shown(error: Exception) -> str:
    return ' '.join(f'{type(error).__name__}: {error}'.split())
