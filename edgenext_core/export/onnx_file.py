"""Trace a graph into an ONNX model, and write it with its model card."""

import errno
import io
import os
import warnings
from pathlib import Path
from typing import Any

import onnx
import onnxslim
import torch
from onnx import helper
from torch import Tensor, nn

from edgenext_core.export.graphs import FrameGraph
from edgenext_core.export.targets import EXPORT_TARGETS, ExportError, Target
from edgenext_core.runtime.card_file import METADATA_KEY, card_to_json
from edgenext_core.runtime.model_card import INPUT_NAME, ModelCard

NUMBERS = ('box_deltas', 'class_logits', 'logits')
"""What a network gives and its answers are read from, before any index is chosen."""
_PREFIX = 'network.'


class NumbersGraph(nn.Module):
    """
    A graph that stops at the network's own outputs.

    :param graph: what ``graphs`` makes
    """

    def __init__(self, graph: FrameGraph) -> None:
        super().__init__()
        self.graph = graph

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """
        Run the network on frames.

        :param image: (B, H, W, 3) BGR
        :return: those of :data:`NUMBERS` that the network has, in this order
        """
        outputs = self.graph.network(self.graph.preparation(image))
        return tuple(_numbers(outputs).values())


class _TracedGraph(nn.Module):
    """A graph that also gives those of the network's numbers that are none of its answers."""

    def __init__(self, graph: FrameGraph) -> None:
        super().__init__()
        self.graph = graph

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        row, outputs = self.graph.row, self.graph.network(self.graph.preparation(image))
        answers = dict(zip(row.output_names, row.read_out(outputs)))
        return {**answers, **{_PREFIX + name: value for name, value in _numbers(outputs).items()
                              if name not in answers}}


def _numbers(outputs: Any) -> dict[str, Tensor]:
    named = outputs if isinstance(outputs, dict) else {'logits': outputs}
    return {name: named[name] for name in NUMBERS if name in named}


def to_onnx(graph: FrameGraph, *, height: int, width: int, batch: int = 1,
            target: Target = EXPORT_TARGETS['cpu']) -> onnx.ModelProto:
    """
    Trace a graph at one size.

    The exporter leaves the arithmetic of shapes and paddings behind, which old TensorRT parsers
    stumble over; it is computed once and replaced by its values.

    :param graph: what ``graphs`` makes, in evaluation mode
    :param height: of the input in pixels
    :param width: of the input in pixels
    :param batch: frames at a time
    :param target: says opset, IR version and type of the input
    :return: the checked model, float32, with static shapes; :func:`with_numbers` finds the
        network's :data:`NUMBERS` in it
    """
    image = torch.zeros(batch, height, width, 3, dtype=getattr(torch, target.input_dtype))
    traced = _TracedGraph(graph).eval()  # or the exporter would leave the graph in training mode
    with torch.inference_mode():
        names = list(traced(image))
    stream = io.BytesIO()
    with warnings.catch_warnings():
        # Of shapes that become constants, as they shall, and of folding, which comes next.
        warnings.simplefilter('ignore')
        torch.onnx.export(
            traced, (image,), stream, opset_version=target.opset, dynamo=False,
            input_names=[INPUT_NAME], output_names=names)
    # Fused, every linear layer would become a Gemm between two Reshapes, which is no faster.
    model = onnxslim.slim(onnx.load_from_string(stream.getvalue()),
                          skip_optimizations=['graph_fusion'])
    del model.graph.value_info[:], model.graph.output[len(graph.row.output_names):]
    model.ir_version = target.ir_version
    onnx.checker.check_model(model, full_check=True)
    return model


def with_numbers(model: onnx.ModelProto) -> onnx.ModelProto:
    """
    Let a model give the network's numbers, and nothing else.

    :param model: what :func:`to_onnx` made, or what was made of that
    :return: a copy whose outputs are the network's :data:`NUMBERS`, in the model's types
    """
    seen = onnx.ModelProto()
    seen.CopyFrom(model)
    given = {name for node in seen.graph.node for name in node.output}
    del seen.graph.output[:]
    for name in NUMBERS:
        # An answer has its own name; an inner tensor never has such a short one.
        for found in given.intersection([name, _PREFIX + name]):
            seen.graph.output.append(helper.make_empty_tensor_value_info(found))
    return seen


def write_model(model: onnx.ModelProto, card: ModelCard, path: Path) -> None:
    """
    Put the card into a model and write the file, which appears under its name when it is whole.

    :param model: the model
    :param card: what the model says of itself
    :param path: the file to write
    :raises ModelCardError: when a field of the card breaks its rule
    :raises ExportError: when the disk is full
    """
    del model.metadata_props[:]
    helper.set_model_props(model, {METADATA_KEY: card_to_json(card)})
    content = model.SerializeToString()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f'{path.name}.{os.getpid()}.part')
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise ExportError(f'{path} does not fit on the disk, it takes '
                              f'{len(content) / 1e6:.1f} MB ({error.strerror}); make room, or '
                              'write to another disk') from error
        raise
    finally:
        part.unlink(missing_ok=True)
