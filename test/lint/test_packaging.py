"""What the package says of itself, in the several places where tools look for it."""

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest
from source_tree import ROOT, project_modules

from edgenext_core import __version__

NODES = ('camera_node', 'classification_node', 'detection_node', 'segmentation_node')


def setup_field(name):
    """Ask setup.py for one field."""
    return subprocess.run(
        [sys.executable, 'setup.py', '--quiet', f'--{name}'],
        cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ).stdout.strip()  # fmt: skip


@pytest.fixture(scope='module')
def manifest():
    """Read package.xml."""
    return ElementTree.parse(ROOT / 'package.xml').getroot()


def test_setup_package_xml_and_changelog_have_one_version(manifest):
    newest = re.search(
        r'^(\d+\.\d+\.\d+) \(', (ROOT / 'CHANGELOG.rst').read_text(encoding='utf-8'), re.MULTILINE
    ).group(1)
    versions = {setup_field('version'), manifest.findtext('version'), __version__, newest}
    assert len(versions) == 1, versions


def test_setup_package_xml_and_licence_file_name_one_licence(manifest):
    assert setup_field('license') == manifest.findtext('license') == 'Apache-2.0'
    assert 'Apache License' in (ROOT / manifest.find('license').get('file')).read_text(
        encoding='utf-8'
    )


def test_opencv_is_asked_for_only_where_it_is_not_the_jetsons_own(tmp_path):
    subprocess.run([sys.executable, 'setup.py', '--quiet', 'egg_info', '--egg-base', tmp_path],
                   cwd=ROOT, check=True, stderr=subprocess.DEVNULL)
    text = (tmp_path / 'edgenext_ros.egg-info' / 'requires.txt').read_text(encoding='utf-8')
    everywhere, *rest = text.split('\n\n')
    assert everywhere.split() == ['numpy', 'onnxruntime']
    assert '[:python_version >= "3.9"]\nopencv-python-headless<5,>=4.1' in rest


def test_the_manifest_is_format_3_and_asks_for_ament_python(manifest):
    assert manifest.get('format') == '3'
    assert manifest.findtext('export/build_type') == 'ament_python'


def test_the_manifest_names_every_ros_package_that_the_nodes_import(manifest):
    sources = ''.join(
        path.read_text(encoding='utf-8') for path in (ROOT / 'edgenext_ros').rglob('*.py')
    )
    imported = set(
        re.findall(
            r'^(?:from|import) (rclpy|ament_index_python|\w+_(?:msgs|interfaces))\b',
            sources,
            re.MULTILINE,
        )
    )
    named = {element.text for element in manifest.findall('exec_depend')}
    assert imported <= named


@pytest.mark.parametrize('name', [*NODES, 'demo'])
def test_an_executable_starts_the_module_of_its_name(name):
    path = ROOT / 'resource' / 'executables' / name
    assert os.access(path, os.X_OK)
    module = re.search(r'-m (\S+) ', path.read_text(encoding='utf-8')).group(1)
    assert module.rpartition('.')[2] in (name, f'edgenext_{name}')
    assert module in project_modules() or f'{module}.__main__' in project_modules()
