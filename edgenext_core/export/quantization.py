"""
A model in 8-bit integers: explicit QuantizeLinear and DequantizeLinear around its layers.

Weights are quantised per channel, activations by the ranges that real images give. Layers whose
rounding alone moves the answers most stay in float32, as many as it takes: that is measured, not
known beforehand. ONNX Runtime's own quantizer does the rewriting.
"""

import functools
import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantType
from onnxruntime.quantization.calibrate import create_calibrator
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

from edgenext_core.export.onnx_file import with_numbers
from edgenext_core.export.parity import run_onnx
from edgenext_core.export.targets import ExportError, Target
from edgenext_core.runtime.errors import SourceError
from edgenext_core.runtime.frame_sources import list_images
from edgenext_core.runtime.model_card import INPUT_NAME, PAD_VALUE
from edgenext_core.runtime.preprocess import resize_frame

MOST_IMAGES = 128
"""Calibration takes at most so many, spread over the folder."""
_LAYERS = ('Conv', 'Gemm', 'MatMul')
_SUM = 'Add'
_JUDGES = 8
"""Images on which layers are judged."""
_ERROR_LIMIT = 0.03
"""
What all layers together may change, as root mean square relative to the network's numbers.

At 0.1 the demo's detector lost 2.5 points of COCO mAP, at 0.03 nothing.
"""


_TARGETS = {'cpu': False, 'tensorrt': True}
"""Those that have 8-bit integers, and whether zero must stand for zero in activations."""
_TOLERANCE = 0.5
"""A coarse one, as the probes are unlike the pictures that gave the ranges."""
_logger = logging.getLogger(__name__)


def in_integers(target: Target, images: Sequence[np.ndarray]) -> Target:
    """
    Let a target's file compute in 8-bit integers.

    :param target: the target
    :param images: what to calibrate on, see :func:`read_calibration_images`
    :return: its row for such a file
    :raises ExportError: if its devices have none
    """
    if target.name not in _TARGETS:
        raise ExportError(f'{target.name} has no 8-bit integers, only these have: '
                          f'{", ".join(_TARGETS)}; leave it out')
    return target._replace(
        suffix=f'{target.suffix}.int8', precision='int8', stored='8-bit integers',
        tolerance=_TOLERANCE,
        finish=functools.partial(quantize, images=images, symmetric=_TARGETS[target.name]))


def read_calibration_images(folder: Path, *, height: int, width: int, rule: str
                            ) -> list[np.ndarray]:
    """
    Read what a model is calibrated on.

    :param folder: of images like those that the robot will see
    :param height: of the network's input, pixels
    :param width: of the network's input, pixels
    :param rule: how a frame is brought to that size, see ``preprocess.plan_resize``
    :return: at most :data:`MOST_IMAGES` inputs (1, height, width, 3) uint8 BGR
    :raises SourceError: when the folder is none, or an image cannot be read
    """
    paths = list_images(str(folder))
    step = max(1, -(-len(paths) // MOST_IMAGES))
    images = []
    for path in paths[::step]:
        image = cv2.imread(path, cv2.IMREAD_COLOR)
        if image is None:
            raise SourceError(f'{path} cannot be decoded as a picture; take it out of the folder')
        resized, _ = resize_frame(image, width=width, height=height, rule=rule,
                                  pad_value=PAD_VALUE)
        images.append(resized[None])
    return images


def quantize(model: onnx.ModelProto, images: Sequence[np.ndarray], *, symmetric: bool
             ) -> onnx.ModelProto:
    """
    Write a model in 8-bit integers.

    :param model: in float32
    :param images: inputs (1, H, W, 3) uint8, to calibrate on
    :param symmetric: whether zero stands for zero in activations, as TensorRT wants it; else they
        use all 256 values, which a CPU multiplies faster
    :return: a copy that changes the network's numbers by at most a few hundredths
    """
    inputs = _in_batches(images, model.graph.input[0].type.tensor_type.shape.dim[0].dim_value)
    writer = _Writer(model, _find_ranges(model, inputs, symmetric=symmetric), symmetric=symmetric)
    judges = inputs[::max(1, len(inputs) // _JUDGES)][:_JUDGES]
    expected = run_onnx(with_numbers(model), judges)

    def error_of(layers: Sequence[str]) -> float:
        return _relative_error(expected, run_onnx(with_numbers(writer.write(layers)), judges))

    layers, left = _find_layers(model), 0
    if error_of(layers) > _ERROR_LIMIT:
        layers.sort(key=lambda layer: error_of([layer]), reverse=True)
        while left < len(layers) and error_of(layers[left:]) > _ERROR_LIMIT:
            left += 1
    _logger.info('8-bit integers: calibrated on %d images; %d of %d layers stay in float32%s',
                 len(images), left, len(layers),
                 ': ' + ', '.join(layers[:left]) if left else '')
    return writer.write(layers[left:])


def _in_batches(images: Sequence[np.ndarray], batch: int) -> list[np.ndarray]:
    """Stack images, some of them twice where they do not come out even."""
    count = -(-len(images) // batch)
    return [np.concatenate([images[(index * batch + place) % len(images)]
                            for place in range(batch)]) for index in range(count)]


class _Writer:
    """Write a model with some of its layers quantised, by ranges found once."""

    def __init__(self, model: onnx.ModelProto, ranges: Any, *, symmetric: bool) -> None:
        self._model = model
        self._ranges = ranges
        self._symmetric = symmetric

    def write(self, layers: Sequence[str]) -> onnx.ModelProto:
        copy = onnx.ModelProto()
        copy.CopyFrom(self._model)
        quantizer = QDQQuantizer(
            copy, True, False, QuantType.QInt8,
            QuantType.QInt8 if self._symmetric else QuantType.QUInt8, self._ranges,
            list(layers), [], [*_LAYERS, _SUM],
            {'ActivationSymmetric': self._symmetric, 'WeightSymmetric': True})
        quantizer.quantize_model()
        quantizer.model.topological_sort()
        quantized = quantizer.model.model
        if not self._symmetric:
            _write_hard_swish_in_integers(quantized)
        return quantized


class _Reader(CalibrationDataReader):
    def __init__(self, images: Sequence[np.ndarray]) -> None:
        self._images = iter(images)

    def get_next(self) -> dict[str, np.ndarray] | None:
        image = next(self._images, None)
        return None if image is None else {INPUT_NAME: image}


def _find_ranges(model: onnx.ModelProto, images: Sequence[np.ndarray], *, symmetric: bool) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        onnx.save(model, f'{folder}/model.onnx')
        calibrator = create_calibrator(
            f'{folder}/model.onnx', [*_LAYERS, _SUM],
            augmented_model_path=f'{folder}/with_ranges.onnx',
            calibrate_method=CalibrationMethod.MinMax, extra_options={'symmetric': symmetric})
        calibrator.collect_data(_Reader(images))
        return calibrator.compute_data()


def _find_layers(model: onnx.ModelProto) -> list[str]:
    """
    Give the names of the layers with weights, and of the sums that a layer goes straight into.

    A product of two maps is attention's; a sum with a constant may be the small one that keeps a
    division from zero.
    """
    weights = {tensor.name for tensor in model.graph.initializer}
    layers = [node for node in model.graph.node
              if node.op_type in _LAYERS and node.input[1] in weights]
    given = {node.output[0] for node in layers}
    return [node.name for node in layers] + [
        node.name for node in model.graph.node
        if node.op_type == _SUM and given.intersection(node.input)
        and not weights.intersection(node.input)]


def _relative_error(expected: Sequence[Sequence[np.ndarray]],
                    found: Sequence[Sequence[np.ndarray]]) -> float:
    """Give the root mean square of the change relative to the numbers, of the worst output."""
    return max(
        float(np.sqrt(np.square(np.subtract(other, one, dtype=np.float64)).sum()
                      / np.square(one, dtype=np.float64).sum()))
        for one, other in zip(map(np.stack, zip(*expected)), map(np.stack, zip(*found))))


def _write_hard_swish_in_integers(model: onnx.ModelProto) -> None:
    """
    Write x * clip(x / 6 + 1 / 2) as a product of two quantised factors.

    The second is the first, quantised to [-3, 3] and read as [0, 1]: saturation clips. So ONNX
    Runtime multiplies bytes, where it would compute HardSwish in three steps in float32.
    """
    graph = model.graph
    quantized = {node.output[0] for node in graph.node if node.op_type == 'DequantizeLinear'}
    found = [node for node in graph.node
             if node.op_type == 'HardSwish' and node.input[0] in quantized]
    if not found:
        return
    graph.initializer.extend(
        numpy_helper.from_array(value, f'hard_swish_{name}') for name, value in (
            ('step', np.float32(6 / 255)), ('middle', np.uint8(128)),
            ('unit', np.float32(1 / 255)), ('zero', np.uint8(0))))
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        if node not in found:
            nodes.append(node)
            continue
        (x,), (y,), name = node.input, node.output, node.name
        nodes.extend([
            helper.make_node('QuantizeLinear', [x, 'hard_swish_step', 'hard_swish_middle'],
                             [f'{y}_gate_bytes'], f'{name}_quantize_gate'),
            helper.make_node('DequantizeLinear',
                             [f'{y}_gate_bytes', 'hard_swish_unit', 'hard_swish_zero'],
                             [f'{y}_gate'], f'{name}_gate'),
            helper.make_node('Mul', [x, f'{y}_gate'], [y], f'{name}_product')])
    del graph.node[:]
    graph.node.extend(nodes)
