"""
Tiny ONNX models whose answers can be worked out by hand.

Each looks at plain colours, so that a test draws a frame and knows the result:

- the classifier answers the strongest of the mean colours: blue, green, red;
- the detector has one box for each quarter of its input; the score of 'red' is the quarter's mean
  red, of 'blue' its mean blue, both over 255;
- the segmenter gives each pixel its strongest colour: 0 blue, 1 green, 2 red.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edgenext_core.runtime.card_file import METADATA_KEY, card_to_json
from edgenext_core.runtime.model_card import ExportInfo, InputSpec, ModelCard, Normalization
from edgenext_core.runtime.settings import (
    ClassificationSettings,
    DetectionSettings,
    SegmentationSettings,
)
from edgenext_core.runtime.tasks import TASKS

SIZE = 32
COLORS = ('blue', 'green', 'red')
OBJECTS = ('red', 'blue')


def write_classifier(path, *, size=SIZE, resize='stretch'):
    """Write the classifier and return its card."""
    nodes = [
        helper.make_node('Cast', ['image'], ['pixels'], to=TensorProto.FLOAT),
        helper.make_node('ReduceMean', ['pixels'], ['mean'], axes=[1, 2], keepdims=0),
        helper.make_node('Mul', ['mean', 'gain'], ['logits']),
        helper.make_node('Softmax', ['logits'], ['probabilities'], axis=1),
    ]
    card = _card('classification', COLORS, ClassificationSettings(top_k=2), size=size,
                 resize=resize)
    return _save(path, card, nodes, {'gain': np.float32(10 / 255)},
                 [('probabilities', TensorProto.FLOAT, [1, 3])])


def write_detector(path, *, size=SIZE, resize='stretch'):
    """Write the detector and return its card."""
    boxes = np.array([[[0, 0, .5, .5], [.5, 0, 1, .5], [0, .5, .5, 1], [.5, .5, 1, 1]]],
                     np.float32)
    nodes = [
        helper.make_node('Cast', ['image'], ['pixels'], to=TensorProto.FLOAT),
        helper.make_node('Transpose', ['pixels'], ['planes'], perm=[0, 3, 1, 2]),
        helper.make_node('AveragePool', ['planes'], ['quarters'], kernel_shape=[size // 2] * 2,
                         strides=[size // 2] * 2),
        helper.make_node('Reshape', ['quarters', 'flat'], ['means']),
        helper.make_node('Gather', ['means', 'red_blue'], ['chosen'], axis=1),
        helper.make_node('Transpose', ['chosen'], ['rows'], perm=[0, 2, 1]),
        helper.make_node('Div', ['rows', 'full'], ['scores']),
        helper.make_node('Identity', ['quarter_boxes'], ['boxes']),
    ]
    card = _card('detection', OBJECTS,
                 DetectionSettings(score_threshold=.5, nms_iou=.5, max_detections=10), size=size,
                 resize=resize)
    return _save(path, card, nodes,
                 {'flat': np.array([1, 3, 4]), 'red_blue': np.array([2, 0]),
                  'full': np.float32(255), 'quarter_boxes': boxes},
                 [('boxes', TensorProto.FLOAT, [1, 4, 4]),
                  ('scores', TensorProto.FLOAT, [1, 4, 2])])


def write_segmenter(path, *, size=SIZE, resize='stretch'):
    """Write the segmenter and return its card."""
    nodes = [
        helper.make_node('Cast', ['image'], ['pixels'], to=TensorProto.FLOAT),
        helper.make_node('ArgMax', ['pixels'], ['strongest'], axis=3, keepdims=0),
        helper.make_node('Cast', ['strongest'], ['class_ids'], to=TensorProto.INT32),
    ]
    card = _card('segmentation', COLORS, SegmentationSettings(), size=size, resize=resize)
    return _save(path, card, nodes, {}, [('class_ids', TensorProto.INT32, [1, size, size])])


def _card(task, labels, defaults, *, size, resize):
    colors = {'blue': (0, 0, 255), 'green': (0, 255, 0), 'red': (255, 0, 0)}
    return ModelCard(
        task=task, architecture='tiny', labels=labels,
        colors_rgb=tuple(colors[name] for name in labels),
        input=InputSpec('image', size, size, resize),
        normalization=Normalization((0., 0., 0.), (1., 1., 1.)), defaults=defaults,
        training={'version': 3}, outputs=TASKS[task].output_forms[-1],
        export=ExportInfo('cpu', 'float32', '', {}), accuracy={})


def _save(path, card, nodes, constants, outputs):
    size = card.input.height
    graph = helper.make_graph(
        nodes, 'tiny',
        [helper.make_tensor_value_info('image', TensorProto.UINT8, [1, size, size, 3])],
        [helper.make_tensor_value_info(*output) for output in outputs],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 13)], ir_version=8)
    helper.set_model_props(model, {METADATA_KEY: card_to_json(card)})
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return card
