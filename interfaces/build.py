"""
Generate vision_msgs into the Python environment that runs this script.

For machines without a ROS installation: the environment holds ROS 2 as Python wheels, none of
which is vision_msgs. The environment is an ament prefix afterwards: it has share/vision_msgs, its
libraries and its Python module.
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


def check_tools():
    """
    Check that what the generators call is there.

    :raises SystemExit: when something is missing, with what to install.
    """
    missing = []
    for tool, variable, package in (('cc', 'CC', 'gcc'), ('c++', 'CXX', 'g++')):
        if shutil.which(os.environ.get(variable, tool)) is None:
            missing.append('%s (Debian, Ubuntu: apt install %s)' % (tool, package))
    if shutil.which('cmake') is None:
        missing.append('cmake (any machine: pip install cmake)')
    if not (Path(sysconfig.get_path('include')) / 'Python.h').exists():
        missing.append('Python.h (Debian, Ubuntu: apt install python3-dev)')
    if missing:
        sys.exit('interfaces/build.py cannot generate vision_msgs; missing: ' + '; '.join(missing))


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

    :param build_folder: an empty folder for intermediate files.
    :raises CalledProcessError: when CMake or a compiler fails; its output is on the terminal.
    """
    environment = dict(os.environ, AMENT_PREFIX_PATH=str(PREFIX), CMAKE_PREFIX_PATH=str(PREFIX))
    jobs = str(os.cpu_count() or 1)
    for arguments in (
        [
            '-S',
            str(PACKAGE),
            '-B',
            str(build_folder),
            '-Wno-dev',
            '--log-level=WARNING',
            '-DCMAKE_BUILD_TYPE=MinSizeRel',
            '-DCMAKE_INSTALL_PREFIX=%s' % PREFIX,
            '-DCMAKE_INSTALL_MESSAGE=NEVER',
            '-DBUILD_TESTING=OFF',
            '-DPython3_EXECUTABLE=%s' % sys.executable,
        ],
        ['--build', str(build_folder), '--parallel', jobs],
        ['--install', str(build_folder)],
    ):
        subprocess.run(['cmake'] + arguments, check=True, env=environment)


def main():
    """Check, repair and build in a temporary folder."""
    check_tools()
    repair_include_paths()
    with tempfile.TemporaryDirectory(prefix='vision_msgs.') as folder:
        build(Path(folder))


if __name__ == '__main__':
    main()
