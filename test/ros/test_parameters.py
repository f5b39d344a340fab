"""Parameters: what the file lists, how values are checked."""

import re
from pathlib import Path

import pytest
import yaml

from edgenext_core.runtime.settings import DETECTION_SETTINGS, DetectionSettings
from edgenext_core.runtime.tasks import TASKS
from edgenext_ros import camera_node
from edgenext_ros.parameters import ParameterSpec, setting_specs
from edgenext_ros.perception_node import PARAMETERS

SHARE = ParameterSpec('share', 0.5, '', limits=(0, 1))
FILE = Path(__file__).resolve().parents[2] / 'config' / 'perception.yaml'


def _settings():
    """List the settings of all tasks as the nodes declare them for a card with the defaults."""
    return [spec for task in TASKS.values()
            for spec in setting_specs(task.settings, task.default_settings)]


def _listed(text):
    return yaml.safe_load(text)['/**']['ros__parameters']


def test_the_parameter_file_sets_every_parameter_but_the_models_to_its_default():
    assert _listed(FILE.read_text()) == {
        spec.name: spec.default for spec in PARAMETERS if spec.name != 'model'}


def test_the_parameter_file_shows_the_model_and_every_setting_commented_out():
    whole = _listed(re.sub(r'^(    )# (\w+: \S+)$', r'\1\2', FILE.read_text(), flags=re.MULTILINE))
    shown = {name: value for name, value in whole.items() if name not in _listed(FILE.read_text())}
    assert shown == {'model': '/path/to/model.onnx',
                     **{spec.name: spec.default for spec in _settings()}}


def test_the_document_lists_every_parameter_of_the_nodes():
    document = (FILE.parents[1] / 'docs' / 'nodes.md').read_text(encoding='utf-8')
    first_cells = re.findall(r'^\| (`[^|]+) \|', document, re.MULTILINE)
    listed = {name for cell in first_cells for name in re.findall(r'`(\w+)`', cell)}
    settings = {spec.name for spec in _settings()}
    assert settings | {spec.name for spec in PARAMETERS} <= listed
    assert {spec.name for spec in camera_node.PARAMETERS} <= listed


def test_the_parameter_file_says_which_parameters_are_live():
    text = FILE.read_text()
    specs = [*PARAMETERS, *_settings()]
    live = {spec.name for spec in specs
            if 'Live.' in text.split(f'{spec.name}: ')[0].rpartition('\n\n')[2]}
    assert live == {spec.name for spec in specs if spec.live}


def test_the_parameter_file_tells_the_range_of_every_setting():
    for spec in _settings():
        comment = FILE.read_text().split(f'# {spec.name}: ')[0].rpartition('\n\n')[2]
        low, high = spec.limits
        assert f'{low} to {high}' in comment
        assert spec.description in ' '.join(comment.replace('#', '').split())


def test_a_tasks_settings_become_live_parameters_with_the_cards_defaults():
    card = DetectionSettings(score_threshold=0.7, nms_iou=0.4, max_detections=9)
    specs = setting_specs(DETECTION_SETTINGS, card)
    assert {spec.name: spec.default for spec in specs} == card._asdict()
    assert all(spec.live for spec in specs)
    assert [spec.rule for spec in specs] == [setting.rule for setting in DETECTION_SETTINGS]


@pytest.mark.parametrize(('spec', 'value', 'problem'), [
    (SHARE, 1, None),
    (SHARE, -1.0, 'share is -1.0, expected a number 0 to 1'),
    (SHARE, True, 'share is True, expected a number 0 to 1'),
    (SHARE, 'half', "share is 'half', expected a number 0 to 1"),
    (ParameterSpec('count', 1, '', limits=(1, 9)), 1.5,
     'count is 1.5, expected a whole number 1 to 9'),
    (ParameterSpec('seed', 1, '', limits=(0, 2 ** 31 - 1)), -1,
     'seed is -1, expected a whole number 0 to 2147483647'),
    (ParameterSpec('format', 'a', '', choices=('a', 'b')), 'b', None),
    (ParameterSpec('format', 'a', '', choices=('a', 'b')), 1, 'format is 1, expected one of a, b'),
    (ParameterSpec('loop', False, ''), 1, 'loop is 1, expected true or false'),
    (ParameterSpec('path', '', ''), None, 'path is None, expected a text'),
    (ParameterSpec('source', '', '', any_type=True), 0, None),
])
def test_a_value_is_checked_for_type_and_range(spec, value, problem):
    assert spec.find_problem(value) == problem
