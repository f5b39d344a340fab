"""What a process does that imports a double: its GPU, its module, its report at the end."""

import atexit
import json
import os
from pathlib import Path

from tensorrt_double import start
from tensorrt_double.fake_gpu import gpu, is_installed
from tensorrt_double.trt_module import tensorrt_module


def settings():
    """Read what ``installed`` has left in the environment."""
    return json.loads(os.environ['TENSORRT_DOUBLE'])


def gpu_of_process():
    """Install a GPU where there is none: in a process that was started by another."""
    if not is_installed():
        start(settings())
        atexit.register(_report)


def tensorrt():
    """Make the module of the version in use."""
    gpu_of_process()
    return tensorrt_module(settings()['version'])


def _report():
    faults = gpu().close()
    if faults:
        path = Path(settings()['reports']) / f'faults-{os.getpid()}.json'
        path.write_text(json.dumps(faults))
