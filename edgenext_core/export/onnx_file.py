"""Write a traced graph as an ONNX file, small and with its model card."""

import io
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from edgenext_core.runtime.card_file import METADATA_KEY, card_to_json
from edgenext_core.runtime.model_card import ModelCard

OPSET = 13
"""
The newest that TensorRT 8.2 and ONNX Runtime 1.10 read, the last ones for the Jetson Nano.

Opset 17's fused LayerNormalization would save a tenth to a quarter of the time on a CPU.
"""
_HALF_FROM_ELEMENTS = 1024
"""Smaller weights (norms, scales, biases) keep all their digits: they cost next to nothing."""


def to_onnx(graph: nn.Module, *, height: int, width: int) -> onnx.ModelProto:
    """
    Trace a graph at one size.

    :param graph: one of ``graphs.GRAPHS``, in evaluation mode
    :param height: of the input in pixels
    :param width: of the input in pixels
    :return: the checked model, float32, with static shapes
    """
    image = torch.zeros(1, height, width, 3, dtype=torch.uint8)
    stream = io.BytesIO()
    torch.onnx.export(
        graph, (image,), stream, opset_version=OPSET, dynamo=False, input_names=['image'],
        output_names=list(graph.output_names))
    model = fold_constants(onnx.load_from_string(stream.getvalue()), image.numpy())
    onnx.checker.check_model(model, full_check=True)
    return model


def fold_constants(model: onnx.ModelProto, image: np.ndarray) -> onnx.ModelProto:
    """
    Replace what does not depend on the image by its value; every shape is taken as fixed.

    The exporter leaves the arithmetic of shapes and paddings behind, which old TensorRT parsers
    stumble over.

    :param model: a traced model
    :param image: an input of the size that it will always have
    :return: the model without that arithmetic and with static output shapes
    """
    known = {tensor.name for tensor in model.graph.initializer}
    folded: list[str] = []
    kept = []
    for node in model.graph.node:
        if node.op_type == 'Shape' or known.issuperset(node.input):
            known.update(node.output)
            folded.extend(node.output)
        else:
            kept.append(node)
    used = {name for node in kept for name in node.input}
    wanted = [name for name in folded if name in used]
    outputs = [output.name for output in model.graph.output]
    values = dict(zip(wanted + outputs, _compute(model, wanted + outputs, image)))
    initializers = [tensor for tensor in model.graph.initializer if tensor.name in used]
    initializers += [numpy_helper.from_array(values[name], name) for name in wanted]
    graph = helper.make_graph(
        kept, model.graph.name, list(model.graph.input),
        [helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(values[name].dtype), values[name].shape)
         for name in outputs],
        initializers)
    return helper.make_model(
        graph, opset_imports=model.opset_import, ir_version=model.ir_version)


def _compute(model: onnx.ModelProto, names: list[str], image: np.ndarray) -> list[np.ndarray]:
    probed = onnx.ModelProto()
    probed.CopyFrom(model)
    del probed.graph.output[:]
    probed.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names)
    session = onnxruntime.InferenceSession(
        probed.SerializeToString(), providers=['CPUExecutionProvider'])
    return session.run(names, {'image': image})


def halve_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """
    Store the large weights in float16; a Cast brings each back when the model is loaded.

    The arithmetic stays in float32: a runtime folds the casts before the first frame.

    :param model: a float32 model
    :return: a copy of about half the size
    """
    halved = onnx.ModelProto()
    halved.CopyFrom(model)
    casts = []
    for tensor in halved.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < _HALF_FROM_ELEMENTS:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f'{name}_half'))
        casts.append(helper.make_node('Cast', [tensor.name], [name], to=TensorProto.FLOAT))
    # Behind the cast of the image, which stays the first node.
    nodes = list(halved.graph.node)
    del halved.graph.node[:]
    halved.graph.node.extend(nodes[:1] + casts + nodes[1:])
    onnx.checker.check_model(halved, full_check=True)
    return halved


def write_model(model: onnx.ModelProto, card: ModelCard, path: Path) -> None:
    """
    Put the card into a model and write the file.

    :param model: the model
    :param card: what the model says of itself
    :param path: the file to write
    """
    del model.metadata_props[:]
    helper.set_model_props(model, {METADATA_KEY: card_to_json(card)})
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(path))
