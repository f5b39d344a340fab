"""ONNX models that answer the same to every frame, so that a test chooses the answer."""

import json

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edgenext_core.runtime.card_file import METADATA_KEY

LABELS = ['car', 'person', 'cone']


def card_of(task, **changes):
    """Give a valid card as a dictionary; ``changes`` replace whole fields."""
    card = {
        'format': 2,
        'task': task,
        'architecture': 'edgenext_xx_small',
        'labels': LABELS,
        'colors_rgb': [[0, 120, 255], [230, 60, 120], [255, 140, 0]],
        'input': {'name': 'image', 'height': 24, 'width': 32, 'resize': 'stretch',
                  'pad_value': 114, 'dtype': 'uint8', 'layout': 'NHWC', 'batch': 1},
        'normalization': {'mean': [123.675, 116.28, 103.53], 'std': [58.395, 57.12, 57.375]},
        'defaults': {
            'classification': {'top_k': 2},
            'detection': {'score_threshold': 0.4, 'nms_iou': 0.5, 'max_detections': 100},
            'segmentation': {},
        }[task],
        'training': {'data': 'world'},
        'outputs': list(answers_of(task)),
        'export': {'target': 'cpu', 'precision': 'float32', 'checkpoint_sha256': '0' * 64,
                   'versions': {'onnx': '1.17'}},
        'accuracy': {'top1': 0.5},
    }
    card.update(changes)
    return card


def newest_answers_of(task):
    """Give the same answers as ``answers_of`` in the form that an export writes now."""
    if task == 'classification':
        return {'scores': np.array([[0.7, 0.2]], np.float32),
                'class_ids': np.array([[1, 2]], np.int32)}
    if task == 'segmentation':
        logits = np.zeros((1, 3, 3, 4), np.float32)
        logits[:, 2] = 1
        return {'logits': logits}
    return answers_of(task)


def answers_of(task):
    """Give answers of the right names, shapes and dtypes for ``card_of(task)``."""
    if task == 'classification':
        return {'probabilities': np.array([[0.1, 0.7, 0.2]], np.float32)}
    if task == 'detection':
        boxes = [[0.25, 0.25, 0.5, 0.75], [0, 0, 0.5, 0.5], [0.5, 0, 1, 1]]
        scores = [[0.9, 0, 0], [0, 0, 0.6], [0.3, 0, 0]]
        return {'boxes': np.array([boxes], np.float32), 'scores': np.array([scores], np.float32)}
    return {'class_ids': np.full((1, 24, 32), 2, np.int32)}


def write_constant_model(path, card, answers, *, input_shape=(1, 24, 32, 3),
                         input_type=TensorProto.UINT8):
    """
    Write a model whose input is ignored.

    ``card`` is a dictionary, a text or None for no card; ``answers`` gives the outputs by name.
    """
    nodes = [helper.make_node('Identity', ['the_' + name], [name]) for name in answers]
    constants = [numpy_helper.from_array(value, 'the_' + name) for name, value in answers.items()]
    graph = helper.make_graph(
        nodes, 'constant',
        [helper.make_tensor_value_info('image', input_type, input_shape)],
        [helper.make_tensor_value_info(name, constant.data_type, constant.dims)
         for name, constant in zip(answers, constants)],
        constants)
    return _save(path, graph, card)


def write_copying_segmenter(path, card, *, height=24, width=32):
    """Write a segmenter whose class id is the pixel's blue, at the input's size."""
    nodes = [
        helper.make_node('Cast', ['image'], ['pixels'], to=TensorProto.FLOAT),
        helper.make_node('Gather', ['pixels', 'blue'], ['ids'], axis=3),
        helper.make_node('Cast', ['ids'], ['class_ids'], to=TensorProto.INT32),
    ]
    graph = helper.make_graph(
        nodes, 'copy',
        [helper.make_tensor_value_info('image', TensorProto.UINT8, (1, height, width, 3))],
        [helper.make_tensor_value_info('class_ids', TensorProto.INT32, (1, height, width))],
        [numpy_helper.from_array(np.array(0), 'blue')])
    return _save(path, graph, card)


def _save(path, graph, card):
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 13)])
    model.ir_version = 7
    if card is not None:
        helper.set_model_props(
            model, {METADATA_KEY: card if isinstance(card, str) else json.dumps(card)})
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return str(path)
