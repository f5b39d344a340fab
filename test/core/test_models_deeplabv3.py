"""DeepLabv3: parameters, shapes and what its pooling branch does."""

import pytest
import torch
from order_one_weights import draw_order_one_weights

from edgenext_core.models import create_model
from edgenext_core.models.configs import EdgeNeXtConfig
from edgenext_core.models.deeplabv3 import masks_from_logits
from edgenext_core.models.registry import build_deeplabv3


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.mark.parametrize(('name', 'parameters'), [
    ('deeplabv3_edgenext_small', 6_495_837), ('deeplabv3_edgenext_small.aspp256', 7_874_269),
    ('deeplabv3_edgenext_small.table6', 6_495_837),
])
def test_a_segmenter_has_the_parameters_of_the_specification(name, parameters):
    with torch.device('meta'):
        model = create_model(name, num_classes=21)
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters


@pytest.mark.parametrize('size', [(32, 32), (97, 130)])
@torch.no_grad()
def test_logits_have_the_size_of_the_image(size):
    model = create_model('deeplabv3_edgenext_xx_small', num_classes=5).eval()
    assert model(torch.randn(2, 3, *size))['logits'].shape == (2, 5, *size)


@pytest.mark.parametrize(('output_stride', 'side'), [(8, 12), (16, 6), (32, 3)])
@torch.no_grad()
def test_the_output_stride_decides_the_last_maps_size(output_stride, side):
    model = create_model('deeplabv3_edgenext_xx_small', output_stride=output_stride).eval()
    assert model.backbone(torch.randn(1, 3, 96, 96))[-1].shape[2:] == (side, side)


@torch.no_grad()
def test_the_networks_of_table_6_differ_by_the_margin_of_the_last_map_only():
    ours, table6 = (draw_order_one_weights(create_model(f'deeplabv3_edgenext_small{ending}'))
                    for ending in ('', '.table6'))
    images = torch.randn(1, 3, 64, 96)
    assert table6(images)['logits'].shape == (1, 21, 64, 96)
    x = torch.randn(1, 160, 4, 6)
    map_4x6, map_5x7 = (model.backbone.stages[3].downsample(x) for model in (ours, table6))
    assert map_5x7.shape[2:] == (5, 7)
    torch.testing.assert_close(map_5x7[:, :, 1:, 1:], map_4x6)


@torch.no_grad()
def test_the_pooled_view_is_the_same_everywhere():
    aspp = draw_order_one_weights(create_model('deeplabv3_edgenext_xx_small')).aspp
    x = torch.randn(1, 168, 6, 8)
    pooled = torch.nn.functional.interpolate(aspp.pooled(x.mean((2, 3), keepdim=True)),
                                             size=(6, 8), mode='bilinear')
    expected = aspp.project(torch.cat([branch(x) for branch in aspp.branches] + [pooled], 1))
    torch.testing.assert_close(aspp(x), expected)


def test_masks_have_the_size_of_the_original_image():
    logits = torch.zeros(1, 3, 4, 4)
    logits[:, 0, :, :2] = 1
    logits[:, 2, :, 2:] = 1
    masks = masks_from_logits(logits, height=7, width=10)
    assert masks.shape == (1, 7, 10)
    assert (masks[0, :, :5] == 0).all()
    assert (masks[0, :, 5:] == 2).all()


def test_one_picture_can_be_learned_by_heart():
    torch.manual_seed(0)
    config = EdgeNeXtConfig(widths=(16, 24, 32, 48), depths=(1, 1, 2, 1), heads=4)
    model = build_deeplabv3(config, num_classes=3, layer_scale_init=0.5, aspp_channels=32)
    images = torch.randn(2, 3, 64, 64)
    truth = torch.zeros(2, 64, 64, dtype=torch.int64)
    truth[0, :32] = 1
    truth[1, :, 32:] = 2
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(15):
        loss = torch.nn.functional.cross_entropy(model(images)['logits'], truth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    accuracy = (model(images)['logits'].argmax(1) == truth).float().mean()
    assert accuracy > 0.9
