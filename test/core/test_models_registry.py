"""Models by name: which there are, what for, and what their options can be."""

import inspect

import pytest
import torch

from edgenext_core.models import ModelError, create_model, list_models, model_task
from edgenext_core.models.configs import BACKBONES
from edgenext_core.models.options import RULES
from edgenext_core.models.registry import build_classifier, build_deeplabv3, build_ssdlite
from edgenext_core.runtime.errors import EdgeNextError


def test_every_backbone_is_listed_once_with_its_detector_and_segmenters():
    names = list_models()
    assert len(names) == len(set(names)) == 10 + 4 * len(BACKBONES) + 1
    for name in BACKBONES:
        assert {name, f'ssdlite_{name}', f'deeplabv3_{name}',
                f'deeplabv3_{name}.aspp256'} <= set(names)


@pytest.mark.parametrize(('name', 'task'), [
    ('edgenext_small', 'classification'), ('edgenext_small.no_pe', 'classification'),
    ('ssdlite_edgenext_base', 'detection'), ('deeplabv3_edgenext_small.aspp256', 'segmentation'),
    ('deeplabv3_edgenext_small.table6', 'segmentation'),
])
def test_a_model_is_for_one_task(name, task):
    assert model_task(name) == task


@pytest.mark.parametrize('ask', [create_model, model_task])
def test_an_unknown_name_lists_the_near_ones(ask):
    with pytest.raises(ModelError, match="'edgenext_smal'; did you mean edgenext_small or"):
        ask('edgenext_smal')
    with pytest.raises(ModelError, match='list_models'):
        ask('resnet')


def test_an_unknown_option_is_refused_with_the_known_ones():
    with pytest.raises(ModelError, match="ssdlite_edgenext_small has no option 'features_only'; "
                       'it has num_classes, drop_path_rate, output_stride, layer_scale_init'):
        create_model('ssdlite_edgenext_small', features_only=True)


@pytest.mark.parametrize(('option', 'value', 'rule'), [
    *(('num_classes', value, 'a whole number from 1') for value in (0, -1, 2.0, '5', True, None)),
    *(('output_stride', value, '8, 16 or 32') for value in (4, 0, '16', [16])),
    *((name, value, 'a probability, from 0 to below 1')
      for name in ('drop_path_rate', 'dropout') for value in (-0.1, 1.0, float('nan'), 'much')),
    *(('layer_scale_init', value, 'a number') for value in ('small', None, float('inf'))),
    ('features_only', 'no', 'True or False'),
])
def test_a_value_that_an_option_cannot_have_is_refused_with_the_rule(option, value, rule):
    with pytest.raises(EdgeNextError) as caught:
        create_model('edgenext_xx_small', **{option: value})
    assert str(caught.value) == f'{option} is {value!r}; it can be {rule}'


@pytest.mark.parametrize('scales', [0.1, [0.1], [0.5, 0.1], [0, 1], ['a', 'b']])
def test_anchor_scales_that_do_not_grow_are_refused(scales):
    with pytest.raises(ModelError, match='it can be a smaller and a larger number, both above 0'):
        create_model('ssdlite_edgenext_xx_small', anchor_scales=scales)


def test_options_may_be_what_a_recipe_can_write():
    with torch.device('meta'):
        model = create_model('ssdlite_edgenext_xx_small', anchor_scales=[0.05, 1], num_classes=3)
    assert model.anchor_scales == (0.05, 1.0)


@pytest.mark.parametrize('build', [build_classifier, build_ssdlite, build_deeplabv3])
def test_every_option_has_a_rule_that_its_default_keeps(build):
    for name, parameter in inspect.signature(build).parameters.items():
        if name != 'config':
            _, holds = RULES[name]
            assert holds(parameter.default)
