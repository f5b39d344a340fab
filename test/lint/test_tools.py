"""The linters, run as tests."""

import subprocess
import sys
from pathlib import Path

from source_tree import ROOT

# What has to run on the Python 3.6 of the original Jetson Nano.
ROBOT_SIDE = [
    'edgenext_core/__init__.py', 'edgenext_core/cli.py', 'edgenext_core/labels',
    'edgenext_core/commands/benchmark.py', 'edgenext_core/commands/build.py',
    'edgenext_core/commands/doctor.py', 'edgenext_core/commands/predict.py',
    'edgenext_core/commands/progress.py', 'edgenext_core/commands/verify.py',
    'edgenext_core/measure', 'edgenext_core/runtime', 'edgenext_ros', 'edgenext_demo',
    'synthetic_street', 'launch', 'setup.py',
]  # fmt: skip


def check(tool, *arguments):
    """Run a tool of this environment on the project; show what it says where it fails."""
    command = [str(Path(sys.executable).with_name(tool)), *arguments]
    result = subprocess.run(
        command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    assert result.returncode == 0, result.stdout


def test_ruff_finds_nothing():
    check('ruff', 'check', '--quiet', '.')


def test_mypy_finds_nothing():
    check('mypy')


def test_the_robot_side_needs_no_more_than_python_3_6():
    check(
        'vermin', '--target=3.6-', '--eval-annotations', '--violations', '--no-tips', *ROBOT_SIDE
    )
