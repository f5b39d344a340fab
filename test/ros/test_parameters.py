"""The parameter file lists what the nodes declare."""

from pathlib import Path

import pytest
import yaml

from edgenext_ros.classification_node import ClassificationTask
from edgenext_ros.detection_node import DetectionTask
from edgenext_ros.parameters import FROM_CARD, ParameterSpec, find_problem, value_or_default
from edgenext_ros.perception_node import PARAMETERS
from edgenext_ros.segmentation_node import SegmentationTask

FILE = Path(__file__).resolve().parents[2] / 'config' / 'perception.yaml'


def test_the_parameter_file_lists_every_parameter_with_its_default_and_whether_it_is_live():
    text = FILE.read_text()
    listed = yaml.safe_load(text)['/**']['ros__parameters']
    specs = PARAMETERS + sum((task.parameters for task in (
        ClassificationTask, DetectionTask, SegmentationTask)), ())
    assert listed == {spec.name: spec.default for spec in specs if spec.name != 'model'}
    live = {name for name in listed
            if 'Live.' in text.split(f'{name}: ')[0].rpartition('\n\n')[2]}
    assert live == {spec.name for spec in specs if spec.live}


@pytest.mark.parametrize(('spec', 'value', 'problem'), [
    (ParameterSpec('share', 0.5, '', limits=(0, 1)), 1, None),
    (ParameterSpec('share', 0.5, '', limits=(0, 1)), -1.0, 'share is -1.0, expected 0 to 1'),
    (ParameterSpec('share', 0.5, '', limits=(0, 1), from_card=True), -1.0, None),
    (ParameterSpec('share', 0.5, ''), True, 'share is True, expected a number'),
    (ParameterSpec('count', 1, ''), 1.5, 'count is 1.5, expected a whole number'),
    (ParameterSpec('loop', False, ''), 1, 'loop is 1, expected true or false'),
    (ParameterSpec('path', '', ''), None, 'path is None, expected a text'),
    (ParameterSpec('source', '', '', any_type=True), 0, None),
])
def test_a_value_is_checked_for_type_and_range(spec, value, problem):
    assert find_problem(spec, value) == problem


def test_a_parameter_may_leave_the_choice_to_the_card():
    assert value_or_default({'top_k': FROM_CARD}, 'top_k', {'top_k': 5}) == 5
    assert value_or_default({'top_k': 3}, 'top_k', {'top_k': 5}) == 3
