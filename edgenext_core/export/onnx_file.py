"""Trace a graph into an ONNX model, and write it with its model card."""

import io
from pathlib import Path

import onnx
import onnxslim
import torch
from onnx import helper

from edgenext_core.export.graphs import FrameGraph
from edgenext_core.runtime.card_file import METADATA_KEY, card_to_json
from edgenext_core.runtime.model_card import INPUT_NAME, ModelCard

OPSET = 13
"""
The newest that TensorRT 8.2 and ONNX Runtime 1.10 read, the last ones for the Jetson Nano.

Opset 17's fused LayerNormalization would save a tenth to a quarter of the time on a CPU.
"""


def to_onnx(graph: FrameGraph, *, height: int, width: int) -> onnx.ModelProto:
    """
    Trace a graph at one size.

    The exporter leaves the arithmetic of shapes and paddings behind, which old TensorRT parsers
    stumble over; it is computed once and replaced by its values.

    :param graph: what ``graphs`` makes, in evaluation mode
    :param height: of the input in pixels
    :param width: of the input in pixels
    :return: the checked model, float32, with static shapes
    """
    image = torch.zeros(1, height, width, 3, dtype=torch.uint8)
    stream = io.BytesIO()
    torch.onnx.export(
        graph, (image,), stream, opset_version=OPSET, dynamo=False, input_names=[INPUT_NAME],
        output_names=list(graph.row.output_names))
    # Fused, every linear layer would become a Gemm between two Reshapes, which is no faster.
    model = onnxslim.slim(onnx.load_from_string(stream.getvalue()),
                          skip_optimizations=['graph_fusion'])
    del model.graph.value_info[:]
    onnx.checker.check_model(model, full_check=True)
    return model


def write_model(model: onnx.ModelProto, card: ModelCard, path: Path) -> None:
    """
    Put the card into a model and write the file.

    :param model: the model
    :param card: what the model says of itself
    :param path: the file to write
    :raises ModelCardError: when a field of the card breaks its rule
    """
    del model.metadata_props[:]
    helper.set_model_props(model, {METADATA_KEY: card_to_json(card)})
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(path))
