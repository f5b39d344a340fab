"""EdgeNeXt against timm and against the counts of the specification."""

import pytest
import timm
import torch
from authors_names import with_the_authors_names
from order_one_weights import draw_order_one_weights
from timm.models.edgenext import checkpoint_filter_fn
from torch import nn

from edgenext_core.models import ModelError, create_model
from edgenext_core.models.blocks import SDTABlock
from edgenext_core.models.edgenext import drop_path_rates
from edgenext_core.models.layers import FourierPositionEncoding, LayerNorm2d, unit_norm
from edgenext_core.weights.checkpoint import load_checkpoint

TIMM_MODELS = ['edgenext_xx_small', 'edgenext_x_small', 'edgenext_small', 'edgenext_base',
               'edgenext_small_rw']
PARAMETERS = {
    'edgenext_xx_small': 1_327_216,
    'edgenext_x_small': 2_336_804,
    'edgenext_small': 5_586_832,
    'edgenext_base': 18_511_292,
    'edgenext_xx_small_bn_hs': 1_326_184,
    'edgenext_x_small_bn_hs': 2_335_008,
    'edgenext_small_bn_hs': 5_584_000,
    'edgenext_small_rw': 7_826_512,
    'edgenext_small.sdta_first': 5_586_832,
}


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def count(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def authors_file(model, folder):
    """Save the weights as the authors' program does, under their names."""
    path = folder / 'weights.pth'
    torch.save({'model_ema': with_the_authors_names(model.state_dict())}, path)
    return path


@pytest.mark.parametrize('name', TIMM_MODELS)
@torch.no_grad()
def test_logits_equal_timms_through_the_authors_names(name, tmp_path):
    theirs = draw_order_one_weights(timm.create_model(name, num_classes=50))
    ours = create_model(name, num_classes=50).eval()
    load_checkpoint(ours, authors_file(theirs, tmp_path))
    for size in ((256, 256), (224, 320)):
        images = torch.randn(1, 3, *size)
        torch.testing.assert_close(ours(images), theirs(images), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('name', TIMM_MODELS)
@torch.no_grad()
def test_timm_reads_our_weights_through_the_authors_names(name, tmp_path):
    ours = draw_order_one_weights(create_model(name, num_classes=50))
    theirs = timm.create_model(name, num_classes=50).eval()
    timm.models.load_checkpoint(theirs, str(authors_file(ours, tmp_path)),
                                filter_fn=checkpoint_filter_fn)
    images = torch.randn(1, 3, 96, 64)
    torch.testing.assert_close(ours(images), theirs(images), rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_features_equal_timms():
    theirs = draw_order_one_weights(timm.create_model('edgenext_xx_small', features_only=True))
    ours = create_model('edgenext_xx_small', features_only=True).eval()
    flat = {name.replace('stages.', 'stages_'): name for name in ours.state_dict()}
    flat = {name.replace('stem.', 'stem_'): ours_name for name, ours_name in flat.items()}
    ours.load_state_dict({flat[name]: value for name, value in theirs.state_dict().items()})
    images = torch.randn(1, 3, 96, 128)
    for mine, other in zip(ours(images), theirs(images), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('name', PARAMETERS)
def test_parameters_are_as_many_as_the_specification_says(name):
    with torch.device('meta'):
        assert count(create_model(name)) == PARAMETERS[name]


@pytest.mark.parametrize(('row', 'millions', 'with_position_encoding'), [
    ('no_sdta', 5.099, True), ('fixed_kernels', 5.083, True), ('fixed_branching', 5.587, True),
    ('no_pe', 5.580, True), ('sdta_0003', 6.206, True), ('sdta_0003', 6.147, False),
    ('sdta_0093', 7.016, False), ('sdta_0001', 5.449, False), ('sdta_0011', 5.545, False),
    ('sdta_1111', 5.596, True),
])
def test_ablations_have_the_parameters_of_their_row(row, millions, with_position_encoding):
    # For the rows without SDTA in stage 2 the specification counts without position encoding.
    with torch.device('meta'):
        model = create_model(f'edgenext_small.{row}')
    parameters = count(model)
    if not with_position_encoding:
        parameters -= sum(count(module) for module in model.modules()
                          if isinstance(module, FourierPositionEncoding))
    assert parameters == pytest.approx(millions * 1e6, abs=1000)


@torch.no_grad()
def test_an_ablation_with_sdta_first_starts_stages_with_it():
    stage = create_model('edgenext_small.sdta_first').stages[2]
    assert isinstance(stage.blocks[0], SDTABlock)
    assert not any(isinstance(block, SDTABlock) for block in stage.blocks[1:])


def test_drop_path_grows_linearly_over_all_blocks():
    rates = drop_path_rates((3, 3, 9, 3), 0.1)
    expected = [[0, .0059, .0118], [.0176, .0235, .0294], None, [.0882, .0941, .1]]
    for stage in (0, 1, 3):
        assert rates[stage] == pytest.approx(expected[stage], abs=5e-5)
    assert rates[2][0] == pytest.approx(.0353, abs=5e-5)
    assert rates[2][-1] == pytest.approx(.0824, abs=5e-5)
    model = create_model('edgenext_small', drop_path_rate=0.1)
    assert model.stages[3].blocks[2].drop_path.p == pytest.approx(0.1)


def test_layer_scales_start_where_the_keyword_says():
    model = create_model('edgenext_xx_small', layer_scale_init=0.1)
    scales = [value for name, value in model.named_parameters() if 'gamma' in name]
    assert len(scales) == 12 + 3
    for scale in scales:
        torch.testing.assert_close(scale, torch.full_like(scale, 0.1))


@pytest.mark.parametrize('name', ['edgenext_xx_small', 'edgenext_xx_small_bn_hs',
                                  'edgenext_small_rw'])
@torch.no_grad()
def test_any_size_from_32_pixels_works(name):
    model = draw_order_one_weights(create_model(name, num_classes=5))
    for size in ((32, 32), (33, 47), (75, 40), (300, 333)):
        logits = model(torch.randn(1, 3, *size))
        assert logits.shape == (1, 5)
        assert logits.isfinite().all()


@torch.no_grad()
def test_pixels_that_do_not_fill_a_patch_are_not_seen():
    model = draw_order_one_weights(create_model('edgenext_xx_small'))
    images = torch.randn(1, 3, 67, 66)
    torch.testing.assert_close(model(images), model(images[:, :, :64, :64]))


def test_too_small_an_image_is_refused_with_both_sizes():
    with pytest.raises(ModelError, match='images are 31x64 pixels, smaller than 32x32'):
        create_model('edgenext_xx_small')(torch.zeros(1, 3, 31, 64))


def test_a_split_that_leaves_an_empty_chunk_is_refused():
    with pytest.raises(ModelError, match='9 channels cannot be split into 4 chunks of 3'):
        SDTABlock(9, splits=4, heads=3, dilation=1, bias=True, position_encoding=False,
                  norm=LayerNorm2d, activation=nn.GELU, normalized_stream=False,
                  layer_scale_init=1.0, drop_path=0.0)


@pytest.mark.parametrize(('name', 'output_stride'), [
    ('edgenext_x_small', 8), ('edgenext_xx_small', 16), ('edgenext_small_rw', 16),
    ('edgenext_xx_small_bn_hs', 8),
])
@torch.no_grad()
def test_dilated_stages_keep_the_positions_of_the_strided_ones(name, output_stride):
    """Up to the first SDTA block of a dilated stage, whose attention sees four times as much."""
    strided = draw_order_one_weights(create_model(name, features_only=True))
    dilated = create_model(name, features_only=True, output_stride=output_stride).eval()
    dilated.load_state_dict(strided.state_dict())
    first = {8: 2, 16: 3}[output_stride]
    x = torch.randn(1, strided.config.widths[first - 1], 16, 24)

    def before_attention(model):
        stage = model.stages[first]
        return stage.blocks[:-1](stage.downsample(x))

    assert before_attention(dilated).shape[2:] == (16, 24)
    torch.testing.assert_close(before_attention(dilated)[:, :, ::2, ::2],
                               before_attention(strided), rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_output_stride_8_samples_the_last_stage_at_the_strided_positions():
    strided = draw_order_one_weights(create_model('edgenext_small.no_sdta', features_only=True))
    dilated = create_model('edgenext_small.no_sdta', features_only=True, output_stride=8).eval()
    dilated.load_state_dict(strided.state_dict())
    images = torch.randn(1, 3, 128, 96)
    torch.testing.assert_close(dilated(images)[3][:, :, ::4, ::4], strided(images)[3],
                               rtol=1e-5, atol=1e-5)
    assert [tuple(x.shape[2:]) for x in dilated(images)] == [(32, 24)] + 3 * [(16, 12)]


@torch.no_grad()
def test_attention_changes_a_dilated_stage_by_less_than_a_percent():
    strided = draw_order_one_weights(create_model('edgenext_small', features_only=True))
    dilated = create_model('edgenext_small', features_only=True, output_stride=16).eval()
    dilated.load_state_dict(strided.state_dict())
    images = torch.nn.functional.interpolate(torch.randn(1, 3, 32, 32), size=(256, 256),
                                             mode='bicubic')
    expected = strided(images)[3]
    difference = dilated(images)[3][:, :, ::2, ::2] - expected
    assert difference.norm() / expected.norm() < 0.01


@torch.no_grad()
def test_position_encoding_equals_its_formula():
    encoding = FourierPositionEncoding(24)
    draw_order_one_weights(encoding)
    height, width = 7, 9
    place = torch.zeros(1, 64, height, width, dtype=torch.float64)
    for i in range(32):
        frequency = 10000 ** (2 * (i // 2) / 32)
        wave = torch.cos if i % 2 else torch.sin
        y = torch.arange(1, height + 1, dtype=torch.float64) / (height + 1e-6) * 2 * torch.pi
        x = torch.arange(1, width + 1, dtype=torch.float64) / (width + 1e-6) * 2 * torch.pi
        place[0, i] = wave(y / frequency)[:, None]
        place[0, 32 + i] = wave(x / frequency)[None]
    expected = encoding.token_projection.double()(place).float()
    encoding.float()
    torch.testing.assert_close(encoding(height, width), expected, rtol=1e-5, atol=1e-5)


def test_unit_norm_survives_zeros_and_large_values_in_float16():
    x = torch.stack((torch.zeros(1024), torch.full((1024,), 100.0))).half()
    expected = torch.tensor([[0.0], [1 / 32]]).half().expand(2, 1024)
    torch.testing.assert_close(unit_norm(x), expected)


def test_inference_writes_over_nothing_that_is_used_later():
    """Activation in place must not change the input, nor what training would compute."""
    model = draw_order_one_weights(create_model('edgenext_xx_small'))
    images = torch.randn(1, 3, 64, 64)
    before = images.clone()
    recorded = model(images)
    with torch.inference_mode():
        torch.testing.assert_close(model(images), recorded.detach())
    torch.testing.assert_close(images, before)
    recorded.sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


@pytest.mark.parametrize('name', ['ssdlite_edgenext_xx_small_bn_hs',
                                  'deeplabv3_edgenext_xx_small_bn_hs'])
@torch.no_grad()
def test_detectors_and_segmenters_stand_on_batch_norm_encoders_too(name):
    outputs = create_model(name, num_classes=4).eval()(torch.randn(1, 3, 64, 64))
    assert all(output.isfinite().all() for output in outputs.values())
