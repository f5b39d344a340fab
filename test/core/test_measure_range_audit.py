"""Which layers come near float16's limit, held against NumPy."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
from constant_models import card_of
from onnx import TensorProto, helper, numpy_helper
from tiny_onnx import NORM_NODES, write_tiny_network

from edgenext_core.measure.pictures import Picture
from edgenext_core.measure.range_audit import NEAR, audit_ranges
from edgenext_core.runtime.card_file import METADATA_KEY
from edgenext_core.runtime.errors import EngineError


def pictures(count=3):
    draw = np.random.default_rng(0)
    return [Picture(f'{number}.png', draw.integers(0, 256, (8, 12, 3)).astype(np.uint8))
            for number in range(count)]


def scaled(path, factor, name='kernel'):
    """Multiply a weight of a model; give its path."""
    model = onnx.load(str(path))
    for tensor in model.graph.initializer:
        if tensor.name == name:
            tensor.CopyFrom(numpy_helper.from_array(
                numpy_helper.to_array(tensor) * np.float32(factor), name))
    onnx.save(model, str(path))
    return str(path)


def tensor_of(path, name, frame):
    """Give a tensor inside a model for a frame, by ONNX Runtime."""
    model = onnx.load(str(path))
    model.graph.output.append(helper.make_empty_tensor_value_info(name))
    session = onnxruntime.InferenceSession(model.SerializeToString(),
                                           providers=['CPUExecutionProvider'])
    taken = session.get_inputs()[0]
    return session.run([name], {taken.name: frame.astype(
        np.uint8 if taken.type == 'tensor(uint8)' else np.float32)})[0]


@pytest.mark.parametrize('opset, uint8', [(13, True), (13, False), (17, True)])
def test_numbers_of_ordinary_size_are_not_near(tmp_path, opset, uint8):
    model = write_tiny_network(tmp_path / 'tiny.onnx', opset=opset, uint8=uint8)
    audit = audit_ranges(model, pictures())
    assert audit.frames == 3 and audit.near == ()
    # stem, mixed, length, not_zero, units, head, softmax, sorted, best; not what moves numbers
    assert audit.layers == 9 + (1 if opset == 17 else len(NORM_NODES))


@pytest.mark.parametrize('opset', [13, 17])
def test_large_numbers_are_found_with_the_layers_that_take_them(tmp_path, opset):
    model = scaled(write_tiny_network(tmp_path / 'tiny.onnx', opset=opset), 5000)
    audit = audit_ranges(model, pictures())
    near = {layer.layer: layer for layer in audit.near}
    norm = near['norm' if opset == 17 else 'mean']

    tokens = [tensor_of(model, 'tokens', picture.image_bgr[None]) for picture in pictures()]
    largest = [np.abs(one).max() for one in tokens]
    assert norm.largest == pytest.approx(max(largest), rel=1e-6) and norm.largest > NEAR
    total = [(one ** 2 if opset == 17 else np.abs(one)).sum(axis=-1).max() for one in tokens]
    assert norm.largest_sum == pytest.approx(max(total), rel=1e-6)
    assert norm.frame == pictures()[int(np.argmax(total))].name
    assert 'stem' not in near and 'mixed' not in near and 'softmax' not in near
    if opset == 13:  # the variance is the mean of squares
        assert near['variance'].largest == pytest.approx(
            max(tensor_of(model, 'squares', picture.image_bgr[None]).max()
                for picture in pictures()), rel=1e-6)
    worst = [max(layer.largest, layer.largest_sum or 0) for layer in audit.near]
    assert worst == sorted(worst, reverse=True)


def test_the_sum_under_a_norm_is_found_though_its_numbers_are_small(tmp_path):
    model = scaled(write_tiny_network(tmp_path / 'tiny.onnx'), 100, 'mixing')
    layer, = audit_ranges(model, pictures()).near
    assert layer.layer == 'length' and layer.largest < NEAR < layer.largest_sum
    squares = [(tensor_of(model, 'mixed', picture.image_bgr[None]) ** 2).sum(axis=(1, 2)).max()
               for picture in pictures()]
    assert layer.largest_sum == pytest.approx(max(squares), rel=1e-5)


def test_an_overflow_is_the_worst(tmp_path):
    model = scaled(write_tiny_network(tmp_path / 'tiny.onnx', opset=17), 1e38)
    first = audit_ranges(model, pictures()).near[0]
    assert not np.isfinite(first.largest) or not np.isfinite(first.largest_sum)


def write_reductions(path, opset):
    """Write a classifier that sums over places, over all axes, and over channels' places."""
    axes = numpy_helper.from_array(np.array([1, 2], np.int64), 'axes')
    make = helper.make_node
    as_input = opset >= 18
    nodes = [
        make('Cast', ['image'], ['pixels'], to=TensorProto.FLOAT),
        make('ReduceMean', ['pixels', 'axes'] if as_input else ['pixels'], ['means'],
             name='means', keepdims=0, **({} if as_input else {'axes': [1, 2]})),
        make('ReduceSumSquare', ['pixels'], ['all'], name='all', keepdims=0),
        make('Transpose', ['pixels'], ['planes'], perm=[0, 3, 1, 2]),
        make('GlobalAveragePool', ['planes'], ['pooled'], name='pooled'),
        make('Softmax', ['means'], ['probabilities'], name='softmax', axis=-1),
    ]
    graph = helper.make_graph(
        nodes, 'reductions',
        [helper.make_tensor_value_info('image', TensorProto.UINT8, (1, 24, 32, 3))],
        [helper.make_tensor_value_info('probabilities', TensorProto.FLOAT, (1, 3)),
         helper.make_tensor_value_info('all', TensorProto.FLOAT, ()),
         helper.make_tensor_value_info('pooled', TensorProto.FLOAT, (1, 3, 1, 1))],
        [axes] if as_input else [])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', opset)])
    model.ir_version = 8
    helper.set_model_props(model, {METADATA_KEY: json.dumps(card_of('classification'))})
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(path))
    return str(path)


@pytest.mark.parametrize('opset', [13, 18, 20])
def test_axes_are_found_wherever_an_opset_has_them(tmp_path, opset):
    frame = np.full((24, 32, 3), 100, np.uint8)
    frame[..., 1] = 200
    audit = audit_ranges(write_reductions(tmp_path / 'sums.onnx', opset),
                         [Picture('a', frame), Picture('broken', None)])
    assert audit.layers == 4 and audit.frames == 1
    assert {layer.layer: layer.largest_sum for layer in audit.near} == {
        'means': 24 * 32 * 200, 'pooled': 24 * 32 * 200,
        'all': 24 * 32 * (2 * 100 ** 2 + 200 ** 2)}


@pytest.mark.parametrize('package', ['onnx', 'onnxruntime'])
def test_without_its_packages_it_says_what_to_install(tmp_path, monkeypatch, package):
    model = write_tiny_network(tmp_path / 'tiny.onnx')
    monkeypatch.setitem(__import__('sys').modules, package, None)
    with pytest.raises(EngineError, match=f'run: pip install {package}$'):
        audit_ranges(model, pictures())
