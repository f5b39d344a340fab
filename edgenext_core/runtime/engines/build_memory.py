"""The memory that building an engine takes, and what to do where there is less."""

from typing import Tuple

from edgenext_core.runtime.errors import EngineError

WORKSPACE_MIB = 256
"""What a layer may use while it computes, unless told otherwise."""
LIBRARIES_MIB = 1024
"""What CUDA, cuDNN and TensorRT take by themselves before they build anything."""
SWAP_ADVICE = ('add swap with: sudo fallocate -l 4G /swapfile && sudo chmod 600 /swapfile && '
               'sudo mkswap /swapfile && sudo swapon /swapfile')


def require_memory(needed_mib: int) -> None:
    """
    Check that memory and swap suffice.

    :param needed_mib: for the build, MiB
    :raises EngineError: when they do not
    """
    available, swap = free_mib()
    if available + swap < needed_mib:
        raise EngineError(f'{available} MiB of memory and {swap} MiB of swap are free, a build '
                          f'needs {needed_mib} MiB; close other programs and the desktop, or '
                          f'{SWAP_ADVICE}')


def free_mib() -> Tuple[int, int]:
    """
    Read what is free now.

    :return: of memory and of swap, MiB
    """
    with open('/proc/meminfo') as stream:
        sizes = {line.split(':')[0]: int(line.split()[1]) >> 10 for line in stream}
    return sizes['MemAvailable'], sizes['SwapFree']
