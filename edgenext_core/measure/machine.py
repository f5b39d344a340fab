"""
What a machine is: processor, memory, system, versions, and of a Jetson its release and power mode.

Read from the files of the kernel and of the packages: nothing is imported and no program runs, so
that it takes milliseconds and cannot fail where one of the packages is broken.
"""

import importlib.util
import os
import platform
import re
import sys
from typing import Dict, List, NamedTuple, Optional


class Machine(NamedTuple):
    """
    Facts that a measurement depends on; what cannot be found out is '', 0, None or left out.

    ``cores`` are those that this process may use; ``versions`` maps the modules of ``PACKAGES``
    that are installed to their versions; ``board`` is what a device tree says, such as
    'NVIDIA Jetson Nano Developer Kit'; ``jetson`` its release, such as
    'L4T 32.7.1 (JetPack 4.6.1)'; ``power_mode`` that of nvpmodel, such as 'MAXN'; ``clocks_mhz``
    has 'CPU' and 'GPU', as fast as they run now, and 'CPU max' and 'GPU max'.
    """

    cpu: str
    cores: int
    memory_mib: int
    free_memory_mib: int
    swap_mib: int
    os: str
    python: str
    versions: Dict[str, str]
    board: Optional[str]
    jetson: Optional[str]
    power_mode: Optional[str]
    clocks_mhz: Dict[str, int]


PACKAGES = {
    'numpy': 'numpy',
    'cv2': r'opencv(_contrib)?_python(_headless)?',
    'onnxruntime': r'onnxruntime(_\w+)?',
    'tensorrt': r'tensorrt(_cu\d+)?',
    'tensorrt_rtx': r'tensorrt_rtx(_cu\d+)?',
    'pycuda': 'pycuda',
    'torch': 'torch',
    'onnx': 'onnx',
    'rclpy': 'rclpy',
}
"""Modules that a measurement depends on, and how the distributions that bring them are called."""
_JETPACKS = {
    '32.4.3': '4.4', '32.4.4': '4.4.1', '32.5': '4.5', '32.5.1': '4.5.1', '32.6.1': '4.6',
    '32.7.1': '4.6.1', '32.7.2': '4.6.2', '32.7.3': '4.6.3', '32.7.4': '4.6.4', '32.7.5': '4.6.5',
    '32.7.6': '4.6.6', '35.1': '5.0.2', '35.2.1': '5.1', '35.3.1': '5.1.1', '35.4.1': '5.1.2',
    '35.5': '5.1.3', '35.6': '5.1.4', '35.6.1': '5.1.5', '36.3': '6.0', '36.4': '6.1',
    '36.4.3': '6.2', '36.4.4': '6.2.1', '38.2': '7.0',
}
_GPU = re.compile(r'\d+\.(gpu|gm20b|gp10b|gv11b|ga10b)$')
_VERSION = re.compile(r'^(?:__version__|version|opencv_version)\s*=\s*[\'"]([^\'"]+)',
                      re.MULTILINE)


def describe_machine(root: str = '/') -> Machine:
    """
    Look at this machine.

    :param root: folder that has proc, sys, etc and var
    :return: what was found
    """
    cpuinfo = read_text(root, 'proc/cpuinfo')
    memory = _memory_mib(root)
    board = read_text(root, 'proc/device-tree/model').strip('\0 \n') or None
    return Machine(
        cpu=_find(r'^(?:model name|Model)\s*:\s*(.+)$', cpuinfo) or platform.machine(),
        cores=_count_cores(root),
        memory_mib=memory.get('MemTotal', 0),
        free_memory_mib=memory.get('MemAvailable', memory.get('MemFree', 0)),
        swap_mib=memory.get('SwapTotal', 0),
        os=_describe_system(root),
        python=platform.python_version(),
        versions=installed_versions(),
        board=board,
        jetson=_jetson_release(root, board),
        power_mode=_power_mode(root),
        clocks_mhz=_clocks_mhz(root, cpuinfo),
    )


def installed_versions() -> Dict[str, str]:
    """
    Look for the packages that matter, without importing them.

    :return: version by module; '?' where a module is there and does not tell
    """
    folders = {module: _package_folder(module) for module in PACKAGES}
    return {module: _version_of(module, folder) for module, folder in folders.items()
            if folder is not None}


def read_power_modes(root: str) -> Dict[int, str]:
    """
    Read which power modes a Jetson has.

    :param root: folder that has proc, sys, etc and var
    :return: name by number, which ``nvpmodel -m`` takes; nothing where it is no Jetson
    """
    rows = re.findall(r'^<\s*POWER_MODEL\s+ID=(\d+)\s+NAME=(\S+)',
                      read_text(root, 'etc/nvpmodel.conf'), re.MULTILINE)
    return {int(number): name for number, name in rows}


def read_text(root: str, path: str) -> str:
    """
    Read a file of the system.

    :param root: folder that has proc, sys, etc and var
    :param path: below it
    :return: its text, '' where it is missing or may not be read
    """
    try:
        with open(os.path.join(root, path), encoding='utf-8', errors='replace') as stream:
            return stream.read()
    except OSError:
        return ''


def _find(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    return found.group(1).strip() if found else ''


def _count_cores(root: str) -> int:
    allowed = _find(r'^Cpus_allowed_list:\s*(\d[\d,-]*)$', read_text(root, 'proc/self/status'))
    count = 0
    for span in filter(None, allowed.split(',')):
        first, _, last = span.partition('-')
        count += int(last or first) - int(first) + 1
    return count or os.cpu_count() or 1


def _memory_mib(root: str) -> Dict[str, int]:
    lines = re.findall(r'^(\w+):\s+(\d+) kB$', read_text(root, 'proc/meminfo'), re.MULTILINE)
    return {name: int(kib) // 1024 for name, kib in lines}


def _describe_system(root: str) -> str:
    name = _find(r'^PRETTY_NAME="?([^"\n]+)', read_text(root, 'etc/os-release'))
    kernel = read_text(root, 'proc/sys/kernel/osrelease').strip()
    return ', '.join(filter(None, [name, kernel and f'Linux {kernel}']))


def _jetson_release(root: str, board: Optional[str]) -> Optional[str]:
    found = re.search(r'R(\d+) \(release\), REVISION: ([\d.]+)',
                      read_text(root, 'etc/nv_tegra_release'))
    if found is None:
        # A container sees neither file, unless it is given them.
        tegra = 'tegra' in read_text(root, 'proc/sys/kernel/osrelease')
        return 'L4T of an unknown release' if tegra or 'Jetson' in (board or '') else None
    release = re.sub(r'\.0$', '', f'{found.group(1)}.{found.group(2)}')
    jetpack = _JETPACKS.get(release)
    return f'L4T {release}' + (f' (JetPack {jetpack})' if jetpack else '')


def _power_mode(root: str) -> Optional[str]:
    number = (_find(r'^pmode:(\d+)', read_text(root, 'var/lib/nvpmodel/status'))
              or _find(r'^<\s*PM_CONFIG\s+DEFAULT=(\d+)', read_text(root, 'etc/nvpmodel.conf')))
    if not number:
        return None
    return read_power_modes(root).get(int(number), f'mode {int(number)}')


def _clocks_mhz(root: str, cpuinfo: str) -> Dict[str, int]:
    cpu = 'sys/devices/system/cpu/cpu0/cpufreq'
    clocks = {'CPU': _numbers(root, f'{cpu}/scaling_cur_freq', per_mhz=1000),
              'CPU max': _numbers(root, f'{cpu}/cpuinfo_max_freq', per_mhz=1000)}
    if not clocks['CPU']:
        clocks['CPU'] = [round(float(_find(r'^cpu MHz\s*:\s*(\d+\.?\d*)$', cpuinfo) or 0))]
    devices = 'sys/class/devfreq'
    for name in _list(os.path.join(root, devices)):
        if _GPU.search(name):
            clocks['GPU'] = _numbers(root, f'{devices}/{name}/cur_freq', per_mhz=10**6)
            # max_freq is what the power mode allows.
            clocks['GPU max'] = (
                _numbers(root, f'{devices}/{name}/available_frequencies', per_mhz=10**6)
                or _numbers(root, f'{devices}/{name}/max_freq', per_mhz=10**6))
    return {name: max(values) for name, values in clocks.items() if any(values)}


def _numbers(root: str, path: str, *, per_mhz: int) -> List[int]:
    return [round(int(word) / per_mhz) for word in read_text(root, path).split()
            if word.isdigit()]


def _list(folder: str) -> List[str]:
    return sorted(os.listdir(folder)) if os.access(folder, os.R_OK | os.X_OK) else []


def _package_folder(module: str) -> Optional[str]:
    """Give the folder that holds a package's files, '' where only the loaded module is known."""
    try:
        spec = importlib.util.find_spec(module)
    except ValueError:  # loaded, and without a spec
        return ''
    if spec is None:
        return None
    places = list(spec.submodule_search_locations or [os.path.dirname(spec.origin or '')])
    return places[0] if places else ''


def _version_of(module: str, folder: str) -> str:
    loaded = getattr(sys.modules.get(module), '__version__', None)
    if isinstance(loaded, str):
        return loaded
    described = re.compile(
        rf'(?:{PACKAGES[module]})-(?P<version>[^-]+?)(?:-py[\d.]+)?\.(?:dist|egg)-info$', re.I)
    for name in _list(os.path.dirname(folder)):
        found = described.match(name)
        if found:
            return found.group('version')
    for name in ('version.py', '_version.py', '__init__.py'):
        found = _VERSION.search(read_text(folder, name))
        if found:
            return found.group(1)
    return '?'
