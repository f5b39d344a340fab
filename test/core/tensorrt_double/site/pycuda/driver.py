"""The module that a program imports as ``pycuda.driver``."""

from tensorrt_double import child

child.gpu_of_process()
from tensorrt_double.pycuda_driver import *  # noqa: E402, F403
from tensorrt_double.pycuda_driver import MemoryError, RuntimeError  # noqa: A004, E402, F401
