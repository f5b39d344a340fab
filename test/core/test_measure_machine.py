"""The facts of a machine, read from the files of the kernel as three machines have them."""

import subprocess
import sys

import numpy as np
import pytest
from machine_trees import JETPACK_6, NANO, PC, grow

from edgenext_core.measure import machine
from edgenext_core.measure.machine import describe_machine, installed_versions


def describe(tmp_path, files):
    return describe_machine(grow(tmp_path, files))


def test_a_nano_is_described(tmp_path):
    nano = describe(tmp_path, NANO)
    assert nano.cpu == 'ARMv8 Processor rev 1 (v8l)'
    assert nano.board == 'NVIDIA Jetson Nano Developer Kit'
    assert nano.jetson == 'L4T 32.7.1 (JetPack 4.6.1)'
    assert nano.power_mode == 'MAXN'
    assert nano.cores == 4
    assert (nano.memory_mib, nano.free_memory_mib, nano.swap_mib) == (3956, 2512, 1978)
    assert nano.os == 'Ubuntu 18.04.6 LTS, Linux 4.9.253-tegra'
    assert nano.clocks_mhz == {'CPU': 1224, 'CPU max': 1479, 'GPU': 77, 'GPU max': 922}


def test_an_orin_with_jetpack_6_is_described(tmp_path):
    orin = describe(tmp_path, JETPACK_6)
    assert orin.jetson == 'L4T 36.4.3 (JetPack 6.2)'
    assert orin.power_mode == '25W'
    assert orin.cores == 6
    assert orin.clocks_mhz == {'CPU': 1344, 'CPU max': 1728, 'GPU': 306, 'GPU max': 1020}
    assert orin.cpu, 'newer kernels name no model of an Arm processor'


def test_a_pc_is_no_jetson(tmp_path):
    pc = describe(tmp_path, PC)
    assert pc.cpu == 'AMD Ryzen 7 5800X 8-Core Processor'
    assert (pc.board, pc.jetson, pc.power_mode) == (None, None, None)
    assert pc.cores == 3, 'a container was given three of sixteen'
    assert pc.swap_mib == 0
    assert pc.clocks_mhz == {'CPU': 3800}


def test_of_a_machine_without_these_files_nothing_is_claimed(tmp_path):
    nothing = describe(tmp_path, {})
    assert nothing.cpu and nothing.cores >= 1 and nothing.python
    assert (nothing.memory_mib, nothing.os, nothing.jetson) == (0, '', None)
    assert nothing.clocks_mhz == {}


@pytest.mark.parametrize('line, release', [
    ('# R32 (release), REVISION: 7.6, GCID: 1', 'L4T 32.7.6 (JetPack 4.6.6)'),
    ('# R32 (release), REVISION: 5.0, GCID: 1', 'L4T 32.5 (JetPack 4.5)'),
    ('# R35 (release), REVISION: 4.1, GCID: 1', 'L4T 35.4.1 (JetPack 5.1.2)'),
    ('# R36 (release), REVISION: 3.0, GCID: 1', 'L4T 36.3 (JetPack 6.0)'),
    ('# R99 (release), REVISION: 1.2, GCID: 1', 'L4T 99.1.2'),
    ('nothing that is known', 'L4T of an unknown release'),
])
def test_a_release_is_named_as_users_know_it(tmp_path, line, release):
    assert describe(tmp_path, {**NANO, 'etc/nv_tegra_release': line}).jetson == release


@pytest.mark.parametrize('status, mode', [
    ('pmode:0001 fmode:fanNull\n', '5W'), ('pmode:0007\n', 'mode 7'), ('', 'MAXN'),
])
def test_the_power_mode_is_the_one_in_force_or_the_one_of_the_start(tmp_path, status, mode):
    assert describe(tmp_path, {**NANO, 'var/lib/nvpmodel/status': status}).power_mode == mode


def test_the_versions_are_those_of_the_packages():
    import cv2
    import onnxruntime
    versions = installed_versions()
    assert versions['numpy'] == np.__version__
    assert versions['cv2'].startswith(cv2.__version__)
    assert versions['onnxruntime'] == onnxruntime.__version__
    assert set(versions) <= set(machine.PACKAGES)


def test_nothing_is_imported_to_know_the_versions():
    program = ('import sys; from edgenext_core.measure.machine import describe_machine; '
               'print(describe_machine().versions["numpy"]); '
               'print(*{"numpy", "cv2", "onnxruntime", "torch"} & set(sys.modules))')
    output = subprocess.check_output([sys.executable, '-c', program], universal_newlines=True)
    assert output.splitlines() == [np.__version__, '']


@pytest.mark.parametrize('described, written, version', [
    ('pycuda-2020.1.dist-info', '', '2020.1'),
    ('pycuda-2024.1-py3.8.egg-info', '', '2024.1'),
    ('pycuda_tools-3.0.dist-info', '__version__ = "2022.2"\n', '2022.2'),
    ('other-3.0.dist-info', '', '?'),
])
def test_a_version_is_read_beside_a_package_or_in_it(tmp_path, monkeypatch, described, written,
                                                     version):
    (tmp_path / described).mkdir()
    (tmp_path / 'pycuda').mkdir()
    (tmp_path / 'pycuda' / '__init__.py').write_text(written + 'raise RuntimeError\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    assert installed_versions()['pycuda'] == version


def test_a_package_that_is_missing_or_only_loaded_is_no_fault(monkeypatch):
    stand_in = type(sys)('pycuda')
    monkeypatch.setitem(sys.modules, 'pycuda', stand_in)
    assert installed_versions()['pycuda'] == '?'
    monkeypatch.setitem(sys.modules, 'pycuda', None)
    assert 'pycuda' not in installed_versions()
