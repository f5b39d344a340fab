"""A network of a few nodes with all that float16 is dangerous for, written without PyTorch."""

import json

import numpy as np
import onnx
from constant_models import card_of
from onnx import TensorProto, helper, numpy_helper

from edgenext_core.runtime.card_file import METADATA_KEY, card_from_json

HEIGHT, WIDTH, CLASSES = 8, 12, 3
CHANNELS = 4


def tiny_card(**changes):
    """Give the card of the network."""
    return card_from_json(json.dumps(_card(**changes)))


def _card(*, dtype='uint8', batch=1, **changes):
    size = {'name': 'image', 'height': HEIGHT, 'width': WIDTH, 'resize': 'stretch',
            'pad_value': 114, 'dtype': dtype, 'layout': 'NHWC', 'batch': batch}
    return card_of('classification', input=size, **changes)


def write_tiny_network(path, *, uint8=True, opset=13, seed=0, batch=1):
    """
    Write a classifier with a convolution, a layer normalisation, an L2 norm, a product, a softmax.

    From opset 17 on the normalisation is one node, before that nine. The outputs are
    ``probabilities`` and, for the sake of their kinds, ``sorted``, of the two things that a TopK
    gives, and ``class_ids``, int32.
    """
    rng = np.random.default_rng(seed)
    weights = {
        'kernel': rng.normal(0, 0.1, (CHANNELS, 3, 2, 2)).astype(np.float32),
        'bias': rng.normal(0, 1, CHANNELS).astype(np.float32),
        'eps': np.float32(1e-6), 'two': np.float32(2), 'tiny': np.float32(1e-12),
        'gamma': rng.normal(1, 0.3, CHANNELS).astype(np.float32),
        'beta': rng.normal(0, 0.3, CHANNELS).astype(np.float32),
        'mixing': rng.normal(0, 0.5, (CHANNELS, CHANNELS)).astype(np.float32),
        'flat': np.array([batch, -1], np.int64), 'all': np.array([CLASSES], np.int64),
        'last': rng.normal(0, 1, (CHANNELS * HEIGHT * WIDTH // 4, CLASSES)).astype(np.float32),
    }
    make = helper.make_node
    nodes = [
        *([make('Cast', ['image'], ['pixels'], name='pixels', to=TensorProto.FLOAT)]
          if uint8 else []),
        make('Transpose', ['pixels' if uint8 else 'image'], ['planes'], name='planes',
             perm=[0, 3, 1, 2]),
        make('Conv', ['planes', 'kernel', 'bias'], ['map'], name='stem', strides=[2, 2]),
        make('Transpose', ['map'], ['tokens'], name='tokens', perm=[0, 2, 3, 1]),
        *(_norm_node() if opset >= 17 else _norm_nodes()),
        make('MatMul', ['normed', 'mixing'], ['mixed'], name='mixed'),
        make('ReduceL2', ['mixed'], ['length'], name='length', axes=[1, 2], keepdims=1),
        make('Max', ['length', 'tiny'], ['not_zero'], name='not_zero'),
        make('Div', ['mixed', 'not_zero'], ['units'], name='units'),
        make('Reshape', ['units', 'flat'], ['row'], name='row'),
        make('MatMul', ['row', 'last'], ['logits'], name='head'),
        make('Softmax', ['logits'], ['probabilities'], name='softmax', axis=-1),
        make('TopK', ['probabilities', 'all'], ['sorted', 'order'], name='sorted', axis=-1),
        make('ArgMax', ['logits'], ['wide_ids'], name='best', axis=-1, keepdims=0),
        make('Cast', ['wide_ids'], ['class_ids'], name='ids', to=TensorProto.INT32),
    ]
    used = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes, 'tiny',
        [helper.make_tensor_value_info('image', TensorProto.UINT8 if uint8 else TensorProto.FLOAT,
                                       (batch, HEIGHT, WIDTH, 3))],
        [helper.make_tensor_value_info('probabilities', TensorProto.FLOAT, (batch, CLASSES)),
         helper.make_tensor_value_info('sorted', TensorProto.FLOAT, (batch, CLASSES)),
         helper.make_tensor_value_info('class_ids', TensorProto.INT32, (batch,))],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()
         if name in used])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', opset)])
    model.ir_version = 8 if opset >= 17 else 7
    card = _card(dtype='uint8' if uint8 else 'float32', batch=batch)
    helper.set_model_props(model, {METADATA_KEY: json.dumps(card)})
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(path))
    return str(path)


def _norm_node():
    return [helper.make_node('LayerNormalization', ['tokens', 'gamma', 'beta'], ['normed'],
                             name='norm', axis=-1, epsilon=1e-6)]


def _norm_nodes():
    make = helper.make_node
    return [
        make('ReduceMean', ['tokens'], ['mean'], name='mean', axes=[-1]),
        make('Sub', ['tokens', 'mean'], ['centred'], name='centred'),
        make('Pow', ['centred', 'two'], ['squares'], name='squares'),
        make('ReduceMean', ['squares'], ['variance'], name='variance', axes=[-1]),
        make('Add', ['variance', 'eps'], ['not_null'], name='not_null'),
        make('Sqrt', ['not_null'], ['deviation'], name='deviation'),
        make('Div', ['centred', 'deviation'], ['scaled'], name='scaled'),
        make('Mul', ['scaled', 'gamma'], ['stretched'], name='stretched'),
        make('Add', ['stretched', 'beta'], ['normed'], name='normed'),
    ]


NORM_NODES = ('mean', 'centred', 'squares', 'variance', 'not_null', 'deviation', 'scaled',
              'stretched', 'normed')
SENSITIVE_NODES = (*NORM_NODES, 'length', 'not_zero', 'units', 'row', 'head', 'softmax', 'sorted')


def quantized(path):
    """Write int8 numbers and back before the product of a model; give its path."""
    model = onnx.load(str(path))
    scale = [numpy_helper.from_array(np.float32(0.02), 'scale'),
             numpy_helper.from_array(np.int8(0), 'zero')]
    model.graph.initializer.extend(scale)
    product = next(node for node in model.graph.node if node.name == 'mixed')
    index = list(model.graph.node).index(product)
    product.input[0] = 'restored'
    for node in (helper.make_node('DequantizeLinear', ['rounded', 'scale', 'zero'], ['restored'],
                                  name='restored'),
                 helper.make_node('QuantizeLinear', ['normed', 'scale', 'zero'], ['rounded'],
                                  name='rounded')):
        model.graph.node.insert(index, node)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(path))
    return str(path)


def a_frame(seed=0):
    """Give a frame of the network's size, uint8."""
    return np.random.default_rng(seed).integers(
        0, 256, (1, HEIGHT, WIDTH, 3)).astype(np.uint8)
