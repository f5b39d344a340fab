"""Folded networks compute what the original ones compute."""

import pytest
import torch
from order_one_weights import draw_order_one_weights
from torch import nn

from edgenext_core.export.folding import (
    fold_batch_norms,
    fold_channel_order,
    fold_for_export,
    fold_layer_norms,
    fold_layer_scales,
    fold_normalization,
    freeze_position_encodings,
)
from edgenext_core.models import ModelError, create_model
from edgenext_core.models.layers import FourierPositionEncoding, LayerNorm2d

IMAGES = torch.randn(2, 3, 64, 96, generator=torch.Generator().manual_seed(0))
TASKS = ['edgenext_xx_small', 'ssdlite_edgenext_xx_small', 'deeplabv3_edgenext_xx_small',
         'edgenext_xx_small_bn_hs', 'deeplabv3_edgenext_xx_small_bn_hs']


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope='module')
def models():
    return {name: draw_order_one_weights(create_model(name, num_classes=10)) for name in TASKS}


@torch.no_grad()
def require_equal(actual, expected, images=IMAGES):
    actual, expected = actual(images), expected(images)
    if isinstance(expected, torch.Tensor):
        actual, expected = {'logits': actual}, {'logits': expected}
    for name, value in expected.items():
        # 1e-5 of what the output's values are like; single ones may be nearly zero.
        torch.testing.assert_close(actual[name], value, rtol=1e-5, atol=1e-5 * value.std().item())


@pytest.mark.parametrize('name', TASKS)
def test_everything_folded_computes_the_same(models, name):
    require_equal(fold_for_export(models[name], height=64, width=96), models[name])


@pytest.mark.parametrize('name', ['edgenext_xx_small', 'edgenext_xx_small_bn_hs'])
def test_the_inputs_normalisation_goes_into_the_stem(models, name):
    mean, std = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
    folded = fold_normalization(models[name], mean=mean, std=std)
    pixels = torch.randint(0, 256, (2, 3, 64, 96)).float()
    normalized = (pixels - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
    with torch.no_grad():
        expected = models[name](normalized)
        torch.testing.assert_close(folded(pixels), expected, rtol=1e-5,
                                   atol=1e-5 * expected.std().item())


def test_a_stem_that_pads_does_not_take_the_normalisation():
    model = create_model('edgenext_small_rw').eval()
    with pytest.raises(ModelError, match='the stem pads by 4'):
        fold_normalization(model, mean=(0, 0, 0), std=(1, 1, 1))


@pytest.mark.parametrize('name', ['edgenext_xx_small', 'deeplabv3_edgenext_xx_small'])
def test_the_channel_order_goes_into_the_stem(models, name):
    folded = fold_channel_order(models[name])
    require_equal(lambda images: folded(images.flip(1)), models[name])


def test_layer_scales_disappear(models):
    folded = fold_layer_scales(models['edgenext_xx_small'])
    require_equal(folded, models['edgenext_xx_small'])
    assert not any('gamma' in name for name, _ in folded.named_parameters())


@pytest.mark.parametrize(('name', 'left'), [
    ('edgenext_xx_small', 1), ('deeplabv3_edgenext_xx_small', 2),
])
def test_layer_norms_keep_weights_only_where_no_linear_layer_follows(models, name, left):
    folded = fold_layer_norms(models[name])
    require_equal(folded, models[name])
    norms = [module for module in folded.modules() if isinstance(module, LayerNorm2d)]
    assert sum(norm.weight is not None for norm in norms) == left


@pytest.mark.parametrize(('name', 'left'), [
    ('edgenext_xx_small_bn_hs', 3), ('deeplabv3_edgenext_xx_small_bn_hs', 4),
    ('ssdlite_edgenext_xx_small', 0),
])
def test_batch_norms_stay_only_in_front_of_attention_and_padding(models, name, left):
    folded = fold_batch_norms(models[name])
    require_equal(folded, models[name])
    assert sum(isinstance(module, nn.BatchNorm2d) for module in folded.modules()) == left


def test_a_frozen_position_encoding_is_the_same_and_refuses_other_sizes(models):
    frozen = freeze_position_encodings(models['edgenext_xx_small'], height=64, width=96)
    require_equal(frozen, models['edgenext_xx_small'])
    assert not any(isinstance(module, FourierPositionEncoding) for module in frozen.modules())
    with pytest.raises(ModelError, match='frozen for a map of 8x12, this one has 8x8'):
        frozen(torch.zeros(1, 3, 64, 64))


def test_the_original_is_left_alone(models):
    model = models['edgenext_xx_small_bn_hs']
    before = {name: value.clone() for name, value in model.state_dict().items()}
    fold_for_export(model, height=64, width=64)
    assert before.keys() == model.state_dict().keys()
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)


def test_a_model_in_training_mode_is_refused():
    with pytest.raises(ModelError, match=r'call eval\(\) first'):
        fold_batch_norms(create_model('edgenext_xx_small'))


def test_folding_twice_changes_nothing_more(models):
    once = fold_for_export(models['edgenext_xx_small'], height=64, width=96)
    require_equal(fold_for_export(once, height=64, width=96), once)
