"""
Test doubles for ``tensorrt`` and ``pycuda.driver``: real numbers, no GPU, and no forgiveness.

``installed`` puts them where ``import tensorrt`` and ``import pycuda.driver`` find them, in this
process and in those that it starts. What is left over at its end, or was done wrong in between,
is an AssertionError.
"""

import atexit
import contextlib
import ctypes
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tensorrt_double.api_table import VERSIONS
from tensorrt_double.fake_gpu import Gpu, StrictError, gpu, install

__all__ = ['DEVICES', 'VERSIONS', 'StrictError', 'gpu', 'installed']

DEVICES = {
    '8.2': ('NVIDIA Tegra X1', (5, 3)), '8.5': ('Orin', (8, 7)), '8.6': ('Orin', (8, 7)),
    '10.3': ('Orin', (8, 7)), '10.13': ('NVIDIA Thor', (11, 0)),
    '11': ('NVIDIA GeForce RTX 4090', (8, 9))}
"""A device that each version is found on, with its compute capability."""

_SITE = Path(__file__).parent / 'site'
_MODULES = ('tensorrt', 'pycuda', 'edgenext_core.runtime.engines.tensorrt',
            'edgenext_core.runtime.engines.gpu_thread',
            'edgenext_core.runtime.engines.cuda_buffers')


@contextlib.contextmanager
def installed(version, folder, *, device=None, compute_capability=None, memory_mib=4096):
    """
    Stand for one TensorRT on one device.

    :param version: one of ``VERSIONS``
    :param folder: where child processes may report their faults
    :param device: its name
    :param compute_capability: two numbers
    :param memory_mib: of the device; 0 is a machine without one
    :yield: the GPU
    :raises StrictError: for every fault and every leak
    """
    name, capability = DEVICES[version]
    settings = {'version': version, 'device': device or name,
                'compute_capability': compute_capability or capability, 'memory_mib': memory_mib,
                'reports': str(folder)}
    environment = {'TENSORRT_DOUBLE': json.dumps(settings),
                   'LD_LIBRARY_PATH': os.pathsep.join(filter(None, [
                       _driver_folder(), os.environ.get('LD_LIBRARY_PATH')])),
                   'PYTHONPATH': os.pathsep.join([str(_SITE), str(_SITE.parent.parent)]
                                                 + sys.path)}
    before = {key: os.environ.get(key) for key in environment}
    os.environ.update(environment)
    sys.path.insert(0, str(_SITE))
    _forget()
    start(settings)
    try:
        yield gpu()
    finally:
        sys.path.remove(str(_SITE))
        for key, value in before.items():
            os.environ.pop(key) if value is None else os.environ.update({key: value})
        _forget()
    faults = gpu().close()
    for report in Path(folder).glob('faults-*.json'):
        faults += json.loads(report.read_text())
        report.unlink()
    if faults:
        raise StrictError('; '.join(faults))


@functools.lru_cache(maxsize=None)
def _driver_folder():
    """
    Make an empty libcuda.so.1, which a program asks for to see whether there is a driver.

    Loaded here under that name, it is found by its name from now on in this process; those that
    it starts find it on LD_LIBRARY_PATH.
    """
    folder = tempfile.mkdtemp(prefix='tensorrt_double_')
    atexit.register(shutil.rmtree, folder)
    library = os.path.join(folder, 'libcuda.so.1')
    subprocess.run(['cc', '-shared', '-o', library, '-Wl,-soname,libcuda.so.1', '-x', 'c',
                    os.devnull], check=True)
    ctypes.CDLL(library)
    return folder


def start(settings):
    """Install the GPU that the settings describe."""
    install(Gpu(settings['device'], settings['compute_capability'], settings['memory_mib']))


def _forget():
    for name in list(sys.modules):
        if name in _MODULES or name.startswith('pycuda.'):
            del sys.modules[name]
            parent, _, child = name.rpartition('.')
            if parent in sys.modules and hasattr(sys.modules[parent], child):
                delattr(sys.modules[parent], child)
