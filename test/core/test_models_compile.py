"""The networks compiled, in half precision and in other memory formats."""

import pytest
import torch
from order_one_weights import draw_order_one_weights

from edgenext_core.models import create_model
from edgenext_core.models.configs import EdgeNeXtConfig
from edgenext_core.models.registry import build_classifier, build_deeplabv3, build_ssdlite

NAMES = ['edgenext_xx_small', 'edgenext_xx_small_bn_hs', 'ssdlite_edgenext_xx_small',
         'deeplabv3_edgenext_xx_small']
TINY = EdgeNeXtConfig(widths=(16, 24, 32, 48), depths=(1, 1, 2, 1), heads=4)


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    torch._dynamo.reset()


@torch.no_grad()
def outputs_of(model, images):
    outputs = model(images)
    return {'logits': outputs} if isinstance(outputs, torch.Tensor) else outputs


def require_equal(actual, expected, images, tolerance):
    actual = outputs_of(actual, images)
    for name, value in outputs_of(expected, images).items():
        torch.testing.assert_close(actual[name], value, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize('build', [build_ssdlite, build_deeplabv3])
def test_a_network_is_one_graph_at_every_size(build):
    model = draw_order_one_weights(build(TINY, num_classes=3))
    compiled = torch.compile(model, backend='eager', fullgraph=True)
    for size in ((64, 64), (96, 64)):
        require_equal(compiled, model, torch.randn(1, 3, *size), 1e-6)


@pytest.mark.slow
@pytest.mark.parametrize('name', NAMES)
def test_compiled_code_computes_the_same(name):
    model = draw_order_one_weights(create_model(name, num_classes=10))
    require_equal(torch.compile(model), model, torch.randn(1, 3, 96, 64), 1e-4)


@pytest.mark.parametrize(('dtype', 'tolerance'), [(torch.float16, 2e-2), (torch.bfloat16, 1e-1)])
@pytest.mark.parametrize('name', NAMES)
def test_half_precision_stays_close(name, dtype, tolerance):
    model = draw_order_one_weights(create_model(name, num_classes=10))
    images = torch.randn(2, 3, 64, 64)
    expected = outputs_of(model, images)
    actual = outputs_of(model.to(dtype), images.to(dtype))
    for key, value in expected.items():
        assert (actual[key].float() - value).abs().max() < tolerance * value.std()


@pytest.mark.parametrize('name', NAMES)
def test_channels_last_memory_changes_nothing(name):
    model = draw_order_one_weights(create_model(name, num_classes=10))
    images = torch.randn(2, 3, 64, 96)
    expected = outputs_of(model, images)
    model.to(memory_format=torch.channels_last)
    actual = outputs_of(model, images.contiguous(memory_format=torch.channels_last))
    for key, value in expected.items():
        torch.testing.assert_close(actual[key], value, rtol=1e-5, atol=1e-5 * value.std().item())


def test_mixed_precision_trains_every_weight():
    torch.manual_seed(0)
    model = build_classifier(TINY, num_classes=5, layer_scale_init=1.0)
    images = torch.randn(2, 3, 64, 64)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        logits = model(images)
    assert logits.dtype == torch.bfloat16
    logits.float().logsumexp(1).sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name


@torch.no_grad()
def test_a_forward_leaves_no_trace_in_the_model():
    """So that copies, averages and distributed training see parameters and statistics only."""
    model = build_ssdlite(TINY, num_classes=3).eval()
    before = {name: id(buffer) for name, buffer in model.named_buffers()}
    attributes = {name: set(vars(module)) for name, module in model.named_modules()}
    for size in ((64, 64), (96, 64)):
        model(torch.randn(1, 3, *size))
    assert {name: id(buffer) for name, buffer in model.named_buffers()} == before
    assert {name: set(vars(module)) for name, module in model.named_modules()} == attributes
