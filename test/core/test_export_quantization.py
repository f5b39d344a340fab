"""Models in 8-bit integers: what they compute, what stays in float32, what is refused."""

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tiny_networks import make_network

from edgenext_core.export import quantization
from edgenext_core.export.graphs import channels_first_graph
from edgenext_core.export.onnx_file import to_onnx
from edgenext_core.export.parity import run_onnx
from edgenext_core.export.quantization import in_integers, quantize, read_calibration_images
from edgenext_core.export.targets import EXPORT_TARGETS, ExportError
from edgenext_core.measure.probes import make_probes
from edgenext_core.runtime.errors import SourceError

SIDE = 16


def write_layers(layers):
    """Make a model of 1x1 convolutions: 'conv', 'wild conv' or 'HardSwish', one after another."""
    rng = np.random.default_rng(0)
    nodes = [helper.make_node('Cast', ['image'], ['pixels'], 'cast', to=TensorProto.FLOAT),
             helper.make_node('Transpose', ['pixels'], ['x0'], 'planes', perm=[0, 3, 1, 2])]
    weights = []
    for index, layer in enumerate(layers):
        if layer == 'HardSwish':
            nodes.append(helper.make_node('HardSwish', [f'x{index}'], [f'x{index + 1}'],
                                          f'swish{index}'))
            continue
        weight = rng.normal(size=(8, 3 if index == 0 else 8, 1, 1)).astype(np.float32)
        weight /= 100 if index == 0 else 2
        if layer == 'wild conv':  # one huge channel, on which the answer does not depend
            weight[0] *= 1000
        if index and layers[index - 1] == 'wild conv':
            weight[:, 0] = 0
        weights.append(numpy_helper.from_array(weight, f'w{index}'))
        nodes.append(helper.make_node('Conv', [f'x{index}', f'w{index}'], [f'x{index + 1}'],
                                      f'conv{index}'))
    nodes.append(helper.make_node('Identity', [f'x{len(layers)}'], ['logits'], 'end'))
    graph = helper.make_graph(
        nodes, 'layers',
        [helper.make_tensor_value_info('image', TensorProto.UINT8, (1, SIDE, SIDE, 3))],
        [helper.make_tensor_value_info('logits', TensorProto.FLOAT, (1, 8, SIDE, SIDE))], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8)


def relative_error(model, quantized, images):
    one, other = (np.stack([out[0] for out in run_onnx(m, images)]) for m in (model, quantized))
    return np.sqrt(np.square(other - one).sum() / np.square(one).sum())


def count(model, op):
    return sum(node.op_type == op for node in model.graph.node)


@pytest.mark.parametrize('symmetric', [False, True])
@pytest.mark.parametrize('layers', [['conv', 'conv'], ['conv', 'HardSwish', 'conv']])
def test_the_answers_of_a_quantized_model_are_close(layers, symmetric):
    images = make_probes(6, height=SIDE, width=SIDE)
    model = write_layers(layers)
    quantized = quantize(model, images, symmetric=symmetric)

    assert relative_error(model, quantized, images) < 0.03
    assert count(quantized, 'DequantizeLinear') >= 4
    onnx.checker.check_model(quantized, full_check=True)


def test_hard_swish_becomes_a_product_of_bytes_on_a_cpu_only():
    images = make_probes(6, height=SIDE, width=SIDE)
    model = write_layers(['conv', 'HardSwish', 'conv'])

    assert count(quantize(model, images, symmetric=False), 'HardSwish') == 0
    assert count(quantize(model, images, symmetric=True), 'HardSwish') == 1


def test_weights_have_a_scale_for_each_channel_and_zero_is_zero_where_tensorrt_reads_it():
    images = make_probes(6, height=SIDE, width=SIDE)
    quantized = quantize(write_layers(['conv', 'conv']), images, symmetric=True)
    tensors = {tensor.name: numpy_helper.to_array(tensor)
               for tensor in quantized.graph.initializer}
    zeros = [tensors[node.input[2]] for node in quantized.graph.node
             if node.op_type in ('QuantizeLinear', 'DequantizeLinear')]

    assert {zero.dtype for zero in zeros} == {np.dtype(np.int8)}
    assert all((zero == 0).all() for zero in zeros)
    assert sum(zero.shape == (8,) for zero in zeros) == 2


def test_a_layer_whose_rounding_ruins_the_answer_stays_in_float32(caplog):
    images = make_probes(6, height=SIDE, width=SIDE)
    model = write_layers(['conv', 'wild conv', 'conv'])
    with caplog.at_level('INFO', 'edgenext_core'):
        quantized = quantize(model, images, symmetric=False)

    assert relative_error(model, quantized, images) < 0.03
    assert 'stay in float32: conv' in caplog.text
    weights = {tensor.name for tensor in quantized.graph.initializer}
    assert 'w1' in weights or 'w2' in weights  # as they were


@pytest.fixture
def contented(monkeypatch):
    """Let every error do, so that no layer is judged, which takes a session each."""
    monkeypatch.setattr(quantization, '_ERROR_LIMIT', 9)


@pytest.mark.usefixtures('contented')
def test_a_sum_that_keeps_a_division_from_zero_is_left_alone():
    images = make_probes(6, height=64, width=64)
    network = make_network('classification')
    model = to_onnx(channels_first_graph('classification', network, height=64, width=64),
                    height=64, width=64)
    quantized = quantize(model, images, symmetric=False)
    weights = {tensor.name for tensor in model.graph.initializer}
    constants = {node.name for node in model.graph.node
                 if node.op_type == 'Add' and weights.intersection(node.input)}
    given = {output for node in quantized.graph.node if node.op_type == 'DequantizeLinear'
             for output in node.output}

    assert constants
    for node in quantized.graph.node:
        assert node.name not in constants or not given.issuperset(node.input)


@pytest.mark.usefixtures('contented')
def test_a_batch_is_calibrated_too():
    network = make_network('classification')
    model = to_onnx(channels_first_graph('classification', network, height=32, width=32),
                    height=32, width=32, batch=2)
    quantized = quantize(model, make_probes(3, height=32, width=32), symmetric=False)

    assert len(run_onnx(quantized, make_probes(1, height=32, width=32, batch=2))[0][0]) == 2


def test_the_nano_has_no_integers():
    with pytest.raises(ExportError, match='jetson-nano has no 8-bit integers, only these have: '
                                          'cpu, tensorrt'):
        in_integers(EXPORT_TARGETS['jetson-nano'], [])


def test_calibration_reads_many_images_spread_over_the_folder(tmp_path):
    for number in range(300):
        cv2.imwrite(str(tmp_path / f'{number}.png'), np.full((4, 6, 3), number % 250, np.uint8))
    images = read_calibration_images(tmp_path, height=8, width=8, rule='stretch')

    assert 64 < len(images) <= 128
    assert {image.shape for image in images} == {(1, 8, 8, 3)}
    assert images[0].max() == 0
    assert images[-1].max() == 297 % 250


def test_a_folder_without_images_or_with_a_broken_one_is_refused(tmp_path):
    with pytest.raises(SourceError, match='holds no image'):
        read_calibration_images(tmp_path, height=8, width=8, rule='stretch')
    (tmp_path / 'a.png').write_bytes(b'no picture')
    with pytest.raises(SourceError, match=r'a\.png cannot be decoded'):
        read_calibration_images(tmp_path, height=8, width=8, rule='stretch')
