"""
Generate vision_msgs into the Python environment that runs this script.

For machines without a ROS installation: the environment holds ROS 2 as Python wheels, none of
which is vision_msgs. The environment is an ament prefix afterwards: it has share/vision_msgs, its
libraries and its Python module.

Needs what check_machine.py looks for, cmake, and a C++ compiler or
the wheel ziglang.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import numpy

PACKAGE = Path(__file__).resolve().parent / 'vision_msgs'
PREFIX = Path(sys.prefix)
# The wheels' CMake files name the include folders of the machine that built them.
FOREIGN_PYTHON_INCLUDE = re.compile(r'/opt/python/[^";\s]*?/include/python3\.\d+\w*')
FOREIGN_NUMPY_INCLUDE = re.compile(r'/opt/python/[^";\s]*?/numpy/_?core/include')


def has_cxx():
    """
    Tell whether the machine has a C++ compiler.

    :return: whether $CXX, c++ where that is not set, is on the path
    """
    return shutil.which(os.environ.get('CXX', 'c++')) is not None


def clang_options(build_folder):
    """
    Let CMake compile C++ with the clang in the wheel ziglang.

    Links are left to the C compiler: this clang would first make a C++ library of its own, which
    takes longer than all the rest, and Fast DDS brings one into the process anyway.

    :param build_folder: where to put a script that stands for the compiler
    :return: CMake arguments
    """
    compiler = build_folder / 'clang++'
    compiler.write_text(
        '#!/bin/sh\n'
        'case " $* " in\n'
        '*" -c "*) exec "%s" -m ziglang c++ "$@" ;;\n'
        '*) exec %s "$@" ;;\n'
        'esac\n' % (sys.executable, os.environ.get('CC', 'cc'))
    )
    compiler.chmod(0o755)
    return ['-DCMAKE_CXX_COMPILER=%s' % compiler, '-DWITHOUT_CXX_LIBRARY=ON']


def repair_include_paths():
    """Point the include folders in the installed CMake files at this interpreter's own."""
    python_include = sysconfig.get_path('include')
    for path in PREFIX.glob('share/*/cmake/*.cmake'):
        before = path.read_text(encoding='utf-8')
        after = FOREIGN_PYTHON_INCLUDE.sub(lambda _: python_include, before)
        after = FOREIGN_NUMPY_INCLUDE.sub(lambda _: numpy.get_include(), after)
        if after != before:
            # A new file, never a change in place: installers hard-link from their cache.
            replacement = path.with_name(path.name + '.new')
            replacement.write_text(after, encoding='utf-8')
            os.replace(str(replacement), str(path))


def build(build_folder):
    """
    Configure, build and install the package.

    :param build_folder: an empty folder for intermediate files
    :raises CalledProcessError: when CMake or a compiler fails; its output is on the terminal
    """
    environment = dict(
        os.environ,
        AMENT_PREFIX_PATH=str(PREFIX),
        CMAKE_PREFIX_PATH=str(PREFIX),
        ZIG_GLOBAL_CACHE_DIR=str(build_folder / 'zig'),
    )
    configure = [
        '-DCMAKE_BUILD_TYPE=MinSizeRel',
        '-DCMAKE_INSTALL_PREFIX=%s' % PREFIX,
        '-DCMAKE_INSTALL_MESSAGE=NEVER',
        '-DBUILD_TESTING=OFF',
        '-DPython3_EXECUTABLE=%s' % sys.executable,
    ]
    if not has_cxx():
        configure += clang_options(build_folder)
    for step in (
        ['-S', str(PACKAGE), '-B', str(build_folder), '-Wno-dev', *configure],
        ['--build', str(build_folder), '--parallel', str(os.cpu_count() or 1)],
        ['--install', str(build_folder)],
    ):
        subprocess.run(['cmake', *step], check=True, env=environment, stdin=subprocess.DEVNULL)


def main():
    """Repair the environment and build in a temporary folder."""
    repair_include_paths()
    with tempfile.TemporaryDirectory(prefix='vision_msgs.') as folder:
        build(Path(folder))


if __name__ == '__main__':
    main()
