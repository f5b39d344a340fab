"""Networks on planes compute what the original ones compute, and permute nothing."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from family import exported
from order_one_weights import draw_order_one_weights

from edgenext_core.export.channels_first import PlanesNorm, read_rows, to_channels_first
from edgenext_core.export.folding import fold_for_export
from edgenext_core.models import ModelError, create_model
from edgenext_core.models.layers import LayerNorm2d

VARIANTS = (
    'edgenext_xx_small', 'edgenext_x_small', 'edgenext_small', 'edgenext_base',
    'edgenext_xx_small_bn_hs', 'edgenext_small_rw',
    'edgenext_small.sdta_first', 'edgenext_small.no_pe', 'edgenext_small.fixed_branching',
    'ssdlite_edgenext_xx_small', 'ssdlite_edgenext_xx_small_bn_hs',
    'deeplabv3_edgenext_xx_small', 'deeplabv3_edgenext_xx_small_bn_hs',
    'deeplabv3_edgenext_small.table6', 'deeplabv3_edgenext_small_rw',
)
"""Both normalisations, all branchings, both stems, and what comes behind the encoder."""


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def images_of(height, width, *, batch=1):
    return torch.randn(batch, 3, height, width, generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def require_equal(actual, expected):
    if isinstance(expected, torch.Tensor):
        actual, expected = {'logits': actual}, {'logits': expected}
    for name, value in expected.items():
        # 1e-5 of what the output's values are like; single ones may be nearly zero.
        torch.testing.assert_close(actual[name], value, rtol=1e-5, atol=1e-5 * value.std().item())


@pytest.mark.parametrize('name', VARIANTS)
@torch.no_grad()
def test_a_network_on_planes_computes_the_same(name):
    model = draw_order_one_weights(create_model(name, num_classes=10))
    planes = to_channels_first(model)
    for images in (images_of(64, 96, batch=2), images_of(97, 130)):
        require_equal(planes(images), model(images))


@pytest.mark.parametrize('name', VARIANTS)
@torch.no_grad()
def test_so_does_a_folded_one(name):
    model = draw_order_one_weights(create_model(name, num_classes=10))
    images = images_of(64, 96)
    planes = to_channels_first(fold_for_export(model, height=64, width=96))
    require_equal(planes(images), model(images))


@pytest.mark.parametrize('name', ['edgenext_xx_small', 'edgenext_small_rw'])
@pytest.mark.parametrize(('height', 'width'), [(64, 96), (65, 99), (67, 98), (66, 97)])
@torch.no_grad()
def test_rows_are_read_as_planes_are(name, height, width):
    """Also where the last pixels fill no patch, and where the stem pads."""
    model = draw_order_one_weights(create_model(name, num_classes=10))
    images = images_of(height, width, batch=2)
    rows = images.permute(0, 2, 3, 1).flatten(2)[:, None]
    require_equal(read_rows(model)(rows), model(images))


@pytest.mark.parametrize('scale', [1e-3, 1, 1e3])
@torch.no_grad()
def test_a_normalisation_keeps_its_digits_far_from_zero(scale):
    """The square of the mean is never taken off a sum of squares, which would lose them."""
    norm = draw_order_one_weights(LayerNorm2d(24))
    x = scale * (100 + torch.randn(2, 24, 5, 7, generator=torch.Generator().manual_seed(0)))
    expected = norm.double()(x.double()).float()
    torch.testing.assert_close(PlanesNorm(norm.float())(x), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize('name', ['edgenext_xx_small', 'edgenext_xx_small_bn_hs'])
@torch.no_grad()
def test_a_map_of_zeros_gives_no_nan(name):
    model = draw_order_one_weights(create_model(name, num_classes=10))
    for module in model.modules():
        for parameter in ('bias', 'running_mean'):
            if getattr(module, parameter, None) is not None:
                getattr(module, parameter).zero_()
    images = torch.zeros(1, 3, 64, 64)
    require_equal(to_channels_first(model)(images), model(images))


def test_the_original_is_left_alone_and_one_in_training_mode_is_refused():
    model = create_model('edgenext_xx_small_bn_hs').eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    read_rows(to_channels_first(model))
    assert before.keys() == model.state_dict().keys()
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)
    with pytest.raises(ModelError, match=r'call eval\(\) first'):
        to_channels_first(model.train())


def nodes_that_run(model, folder):
    """Give the nodes that are left once ONNX Runtime has fused what it can on any processor."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(folder / 'optimized.onnx')
    onnxruntime.InferenceSession(model.SerializeToString(), options,
                                 providers=['CPUExecutionProvider'])
    return onnx.load(options.optimized_model_filepath).graph.node


@pytest.mark.parametrize(('name', 'levels'), [
    ('edgenext_xx_small', 0), ('edgenext_xx_small_bn_hs', 0), ('deeplabv3_edgenext_xx_small', 0),
    ('ssdlite_edgenext_xx_small', 6),
])
def test_no_map_is_permuted_but_those_that_anchors_are_read_from(name, levels, tmp_path):
    nodes = nodes_that_run(exported(name, 'cpu').model, tmp_path)
    assert sum(node.op_type == 'Transpose' for node in nodes) == levels


def test_nothing_comes_between_the_bytes_and_the_stem():
    nodes = exported('edgenext_xx_small', 'cpu').model.graph.node
    assert [node.op_type for node in nodes[:3]] == ['Cast', 'Reshape', 'Conv']


def test_every_linear_layer_on_a_map_is_a_convolution():
    """What MatMul is left for are sums over channels, and attention."""
    model = exported('edgenext_xx_small', 'cpu').model
    weights = {tensor.name: np.prod(tensor.dims) for tensor in model.graph.initializer}
    large = [node for node in model.graph.node if node.op_type == 'MatMul'
             and any(weights.get(name, 0) > 1000 for name in node.input)]
    assert not large
