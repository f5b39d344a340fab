"""Names of weights: every source is recognised, and every name translated."""

import pytest
import torch
from authors_names import as_the_authors_name

from edgenext_core.models import create_model
from edgenext_core.models.configs import BACKBONES
from edgenext_core.weights.names import find_naming, from_authors, from_cvnets, from_timm


def names_of(model):
    with torch.device('meta'):
        return list(create_model(model, num_classes=2).state_dict())


def test_the_names_of_the_authors_are_translated():
    assert {name: from_authors(name) for name in (
        'downsample_layers.0.0.weight', 'downsample_layers.3.1.bias', 'norm.weight', 'head.bias',
        'stages.1.2.xca.qkv.weight', 'stages.0.1.pwconv2.bias', 'stages.2.0.dwconv.weight',
        'backbone.downsample_layers.0.0.weight',
    )} == {
        'downsample_layers.0.0.weight': 'stem.0.weight',
        'downsample_layers.3.1.bias': 'stages.3.downsample.1.bias',
        'norm.weight': 'head.norm.weight',
        'head.bias': 'head.fc.bias',
        'stages.1.2.xca.qkv.weight': 'stages.1.blocks.2.xca.qkv.weight',
        'stages.0.1.pwconv2.bias': 'stages.0.blocks.1.mlp.fc2.bias',
        'stages.2.0.dwconv.weight': 'stages.2.blocks.0.conv_dw.weight',
        'backbone.downsample_layers.0.0.weight': 'backbone.stem.0.weight',
    }


def test_cvnets_encoder_becomes_the_backbone_and_its_heads_keep_their_names():
    assert from_cvnets('encoder.stages.0.1.norm.bias') == 'backbone.stages.0.blocks.1.norm.bias'
    assert from_cvnets('seg_head.aspp.weight') == 'seg_head.aspp.weight'


@pytest.mark.parametrize('model', BACKBONES)
def test_every_name_survives_the_way_to_a_source_and_back(model):
    names = names_of(model)
    assert [from_authors(as_the_authors_name(name)) for name in names] == names
    assert [from_timm(name) for name in names] == names
    encoder = [name for name in names if not name.startswith('head.')]
    assert [from_cvnets(f'encoder.{as_the_authors_name(name)}') for name in encoder] == [
        f'backbone.{name}' for name in encoder]


@pytest.mark.parametrize('root', ['', 'module.', 'model.', 'module.model._orig_mod.'])
@pytest.mark.parametrize(('first', 'source', 'rename'), [
    ('stem.0.weight', 'timm or ours', from_timm),
    ('backbone.stem.0.weight', 'timm or ours', from_timm),
    ('downsample_layers.0.0.weight', 'authors', from_authors),
    ('backbone.downsample_layers.0.0.weight', 'authors', from_authors),
    ('encoder.downsample_layers.0.0.weight', 'cvnets', from_cvnets),
    ('encoder.stem.0.weight', 'cvnets', from_cvnets),
])
def test_the_stem_tells_the_source_and_what_stands_in_front(root, first, source, rename):
    assert find_naming(['other.weight', root + first]) == (source, root, rename)


def test_what_has_no_stem_has_no_naming():
    assert find_naming(['conv1.weight', 'stem.1.weight', 'stem.0.weight_g']) is None
