"""Checks of the machine itself: GPU, memory, power."""

import os
import re
from typing import Optional, Tuple

from edgenext_core.measure.health.finding import OK, WARN, Finding, Gpu, Surroundings
from edgenext_core.measure.health.probe import ProbeError, try_in_child
from edgenext_core.measure.machine import read_power_modes, read_text
from edgenext_core.runtime.engines.build_memory import (
    LIBRARIES_MIB,
    SWAP_ADVICE,
    WORKSPACE_MIB,
)

_BUILD_MIB = LIBRARIES_MIB + WORKSPACE_MIB
_RUN_MIB = 300
_SMALL_MIB = 8192
"""Machines with less need swap to build."""
_SWAP_MIB = 2048


def find_gpus() -> Tuple[Tuple[Gpu, ...], str]:
    """
    Ask CUDA's driver for the GPUs.

    :return: the GPUs, and why there is none
    """
    try:
        gpus = tuple(Gpu(*values) for values in try_in_child('gpus')['gpus'])
    except ProbeError as error:
        return (), str(error)
    return gpus, '' if gpus else "CUDA's driver knows of none"


def check_machine(surroundings: Surroundings) -> Finding:
    """
    Name the board or processor and the system.

    :param surroundings: see ``Surroundings``
    :return: the finding, always good
    """
    machine = surroundings.machine
    names = ', '.join(filter(None, [machine.board, machine.cpu]))
    return Finding('Machine', OK, f'{names}, {machine.cores} cores', machine.os)


def check_gpu(surroundings: Surroundings) -> Finding:
    """
    Name the GPU.

    :param surroundings: see ``Surroundings``
    :return: a warning where there should be one and CUDA does not find it
    """
    if surroundings.gpus:
        gpu = surroundings.gpus[0]
        more = f', and {len(surroundings.gpus) - 1} more' if len(surroundings.gpus) > 1 else ''
        return Finding('GPU', OK, f'{gpu.name}, compute capability {gpu.compute_capability}, '
                       f'{gpu.memory_mib} MiB, driver for CUDA {gpu.cuda}{more}',
                       'runs TensorRT engines')
    nodes = ('dev/nvidia0', 'dev/nvhost-gpu', 'proc/driver/nvidia/version')
    there = surroundings.machine.jetson or any(
        os.path.exists(os.path.join(surroundings.root, node)) for node in nodes)
    if there:
        return Finding('GPU', WARN, f'there is one, and it cannot be used ({surroundings.no_gpu})',
                       'install the driver; a container needs docker run --runtime nvidia, or '
                       '--gpus all')
    return Finding('GPU', OK, 'no NVIDIA GPU', 'models run on the CPU')


def check_memory(surroundings: Surroundings) -> Optional[Finding]:
    """
    Compare memory and swap with what a model, and the building of an engine, takes.

    :param surroundings: see ``Surroundings``
    :return: a warning where it does not suffice
    """
    machine = surroundings.machine
    if not machine.memory_mib:
        return None
    on_disk = _swap_on_disk_mib(surroundings.root)
    swap = f'{machine.swap_mib} MiB of swap'
    if machine.swap_mib > on_disk:
        swap += f', {machine.swap_mib - on_disk} MiB of it compressed in memory'
    found = f'{machine.free_memory_mib} of {machine.memory_mib} MiB are free, {swap}'
    if machine.free_memory_mib < _RUN_MIB:
        return Finding('Memory', WARN, found, f'a model needs {_RUN_MIB} MiB: close other '
                       f'programs and the desktop, or {SWAP_ADVICE}')
    builds = bool(surroundings.gpus or machine.jetson)
    if builds and machine.memory_mib < _SMALL_MIB and on_disk < _SWAP_MIB:
        return Finding('Memory', WARN, found, 'enough to run; to build engines '
                       f'{SWAP_ADVICE}')
    if builds and machine.free_memory_mib + on_disk < _BUILD_MIB:
        return Finding('Memory', WARN, found, f'enough to run; building an engine takes '
                       f'{_BUILD_MIB} MiB: close other programs and the desktop')
    return Finding('Memory', OK, found, 'enough to run and to build' if builds
                   else 'enough to run')


def check_power(surroundings: Surroundings) -> Optional[Finding]:
    """
    Tell a Jetson's release, power mode and clocks; of other machines the clocks.

    :param surroundings: see ``Surroundings``
    :return: a warning where the power mode is not the fastest
    """
    machine = surroundings.machine
    clocks = ', '.join(
        f'{name} at {machine.clocks_mhz[name]}'
        + (f' of {machine.clocks_mhz[f"{name} max"]}' if f'{name} max' in machine.clocks_mhz
           else '') + ' MHz' for name in ('CPU', 'GPU') if name in machine.clocks_mhz)
    if machine.jetson is None:
        return Finding('Clocks', OK, clocks) if clocks else None
    mode = f'power mode {machine.power_mode}' if machine.power_mode else ''
    found = ', '.join(filter(None, [machine.jetson, mode, clocks]))
    if not machine.power_mode:
        return Finding('Jetson', OK, found, 'the power mode is shown by: sudo nvpmodel -q (on the '
                       'machine, not in a container)')
    fastest = next((number for number, name in read_power_modes(surroundings.root).items()
                    if name.startswith('MAXN')), None)
    if fastest is not None and not machine.power_mode.startswith('MAXN'):
        return Finding('Jetson', WARN, found, f'for full speed: sudo nvpmodel -m {fastest} && '
                       'sudo jetson_clocks')
    return Finding('Jetson', OK, found, 'sudo jetson_clocks holds the clocks at their highest')


def _swap_on_disk_mib(root: str) -> int:
    """Sum up /proc/swaps; memory that is compressed does not help against too little of it."""
    rows = re.findall(r'^(/\S+)\s+\w+\s+(\d+)', read_text(root, 'proc/swaps'), re.MULTILINE)
    return sum(int(kib) for path, kib in rows if 'zram' not in path) // 1024
