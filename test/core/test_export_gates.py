"""
What every exported file has to pass, on the networks of the family with weights of order one.

Float16 is judged by NumPy's arithmetic: ONNX Runtime computes float16 in float32 on a CPU, and
so sees no overflow.
"""

from pathlib import Path

import numpy as np
import onnx
import pytest
import rtx_builder
from family import OTHERS, QUICK, exported
from onnx.reference import ReferenceEvaluator
from order_one_weights import draw_order_one_weights

from edgenext_core.export import float16_graph
from edgenext_core.export.float16_graph import to_float16
from edgenext_core.export.graphs import folded_graph
from edgenext_core.export.onnx_file import to_onnx, with_numbers
from edgenext_core.export.parity import (
    absolute_difference,
    largest_difference,
    run_onnx,
)
from edgenext_core.export.targets import EXPORT_TARGETS
from edgenext_core.export.tensorrt_8_2 import OPERATORS, require_readable
from edgenext_core.measure.probes import make_probes
from edgenext_core.models import create_model, model_task

FLOAT32, RELATIVE, COSINE = 1e-4, 5e-3, 0.9999
ALL = [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in OTHERS)]
DEMO = Path('engines/demo')


def float16_errors(wide, half, probes):
    """Give the largest relative error over the outputs of two models, and the least cosine."""
    expected = run_onnx(wide, probes)
    evaluator = ReferenceEvaluator(half)
    errors, cosines = [], []
    for probe, one in zip(probes, expected, strict=True):
        with np.errstate(all='ignore'):
            found = evaluator.run(None, {'image': probe})
        for a, b in zip(one, found, strict=True):
            a, b = (value.astype(np.float64).ravel() for value in (a, b))
            errors.append(np.abs(a - b).max() / np.abs(a).max())
            cosines.append(a @ b / np.sqrt((a @ a) * (b @ b)))
    return np.max(errors), np.min(cosines)


@pytest.mark.parametrize('target', EXPORT_TARGETS)
@pytest.mark.parametrize('name', ALL)
def test_onnx_runtime_computes_what_pytorch_computes(name, target):
    model, probes, numbers = exported(name, target)
    found = run_onnx(with_numbers(model), probes)
    assert largest_difference(numbers, found, absolute_difference) <= FLOAT32


@pytest.mark.parametrize('name', ALL)
def test_tensorrt_8_2_has_every_operator_of_the_nanos_file(name):
    model = exported(name, 'jetson-nano').model
    require_readable(model)
    assert {node.op_type for node in model.graph.node} <= OPERATORS
    assert model.ir_version <= 7  # what ONNX Runtime 1.10 writes itself; it reads up to 8
    assert model.graph.node[0].op_type == 'Transpose'  # no cast of the image


@pytest.mark.parametrize(('name', 'query_scale'), [
    *((name, 1) for name in QUICK), *((name, 16) for name in QUICK if 'deeplab' not in name),
    *(pytest.param(name, scale, marks=pytest.mark.slow) for name in OTHERS for scale in (1, 16)),
    pytest.param('deeplabv3_edgenext_xx_small', 16, marks=pytest.mark.slow),
])
def test_true_float16_is_close_to_float32(name, query_scale):
    wide, probes, _ = exported(name, 'tensorrt', query_scale=query_scale)
    error, cosine = float16_errors(
        with_numbers(wide), with_numbers(to_float16(wide)), probes)
    assert error <= RELATIVE
    assert cosine >= COSINE


@pytest.mark.parametrize('name', ['edgenext_xx_small', 'edgenext_xx_small_bn_hs',
                                  'ssdlite_edgenext_xx_small'])
def test_the_gate_finds_a_file_in_which_all_is_float16(monkeypatch, name):
    """The sums of squares overflow; what is divided by infinity is 0, and nothing is NaN."""
    wide, probes, _ = exported(name, 'tensorrt', query_scale=16)
    assert float16_errors(
        with_numbers(wide), with_numbers(to_float16(wide)), probes)[0] <= RELATIVE
    monkeypatch.setattr(float16_graph, '_sensitive', lambda graph: set())
    error, _ = float16_errors(with_numbers(wide), with_numbers(to_float16(wide)), probes)
    assert RELATIVE < error < 1


@pytest.mark.parametrize('capability', ['SM75', 'SM86'])
@pytest.mark.parametrize('name', ALL)
def test_tensorrt_rtx_builds_an_engine_and_warns_of_nothing(name, capability):
    model = to_float16(exported(name, 'tensorrt').model)
    assert rtx_builder.build(model.SerializeToString(), capability) == []


@pytest.mark.slow
@pytest.mark.parametrize(('name', 'side', 'classes'), [
    ('edgenext_xx_small', 256, 1000), ('ssdlite_edgenext_xx_small', 320, 80),
    ('deeplabv3_edgenext_xx_small', 512, 21)])
def test_so_it_is_at_the_papers_sizes_and_in_batches(name, side, classes):
    network = draw_order_one_weights(create_model(name, num_classes=classes))
    graph = folded_graph(model_task(name), network, height=side, width=side)
    for batch in (1, 4):
        for_nano, for_tensorrt = (
            to_onnx(graph, height=side, width=side, batch=batch, target=EXPORT_TARGETS[target])
            for target in ('jetson-nano', 'tensorrt'))
        require_readable(for_nano)
        half = to_float16(for_tensorrt).SerializeToString()
        assert rtx_builder.build(half, 'SM75') == rtx_builder.build(half, 'SM86') == []


def test_the_builder_warns_where_a_norm_is_in_float16(monkeypatch):
    model = exported('edgenext_xx_small', 'jetson-nano').model
    monkeypatch.setattr(float16_graph, '_sensitive', lambda graph: set())
    warnings = rtx_builder.build(to_float16(model).SerializeToString(), 'SM86')
    assert any('layernorm nodes in FP16' in line for line in warnings)


@pytest.mark.parametrize('task', ['classification', *(
    pytest.param(task, marks=pytest.mark.slow) for task in ('detection', 'segmentation'))])
def test_the_demos_models_stay_close_in_true_float16(task):
    wide, half = (onnx.load(DEMO / f'{task}{target}.onnx') for target in ('', '.tensorrt'))
    shape = [size.dim_value for size in wide.graph.input[0].type.tensor_type.shape.dim]
    probes = make_probes(1, height=shape[1], width=shape[2])
    error, cosine = float16_errors(*map(before_indices, (wide, half)), probes)
    assert error <= RELATIVE
    assert cosine >= COSINE


def before_indices(model):
    """Let a model give its numbers; one of the first format, what its masks are chosen by."""
    seen = with_numbers(model)
    resized = [node.input[0] for node in model.graph.node if node.op_type == 'Resize']
    seen.graph.output.extend(map(onnx.helper.make_empty_tensor_value_info, resized))
    return seen if seen.graph.output else model
