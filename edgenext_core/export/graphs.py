"""
The task table of the export: what a robot reads out of a network, and how exactly.

A fourth task is a fourth row, with its function from a network's outputs to a graph's.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor, nn

from edgenext_core.export.folding import (
    fold_channel_order,
    fold_for_export,
    fold_normalization,
    stem_pads,
)
from edgenext_core.export.parity import absolute_difference, share_of_other_classes
from edgenext_core.models import decode_boxes
from edgenext_core.models.normalization import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    FrameLayout,
    FrameNormalization,
)


class TaskGraph(NamedTuple):
    """
    How the networks of one task are exported.

    ``read_out`` makes of the network's outputs those of the graph, whose ``output_names`` are the
    ones that ``runtime.tasks`` looks for. ``difference`` compares an output with the same one
    computed elsewhere: at most ``tolerance`` between PyTorch and ONNX Runtime, both in float32,
    and at most ``float16_tolerance`` between weights stored in float32 and in float16.
    """

    output_names: tuple[str, ...]
    read_out: Callable[[Any], tuple[Tensor, ...]]
    difference: Callable[[np.ndarray, np.ndarray], float]
    tolerance: float
    float16_tolerance: float


class FrameGraph(nn.Module):
    """
    A network from camera bytes to what the robot reads: the module that gets traced.

    :param preparation: makes the network's input (1, 3, H, W) of the bytes
    :param network: any network of this project
    :param row: the row of the network's task
    """

    def __init__(self, preparation: nn.Module, network: nn.Module, row: TaskGraph) -> None:
        super().__init__()
        self.preparation = preparation
        self.network = network
        self.row = row

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """
        Run the network on a frame.

        :param image: (1, H, W, 3) uint8 BGR
        :return: the outputs of the task
        """
        return self.row.read_out(self.network(self.preparation(image)))


def probabilities(logits: Tensor) -> tuple[Tensor, ...]:
    """
    Read a classifier out.

    :param logits: (1, K)
    :return: ``probabilities`` (1, K) float32
    """
    return (logits.softmax(-1),)


def boxes_and_scores(outputs: dict[str, Tensor]) -> tuple[Tensor, ...]:
    """
    Read a detector out; its anchors become constants.

    :param outputs: what :class:`ssdlite.SSDLite` returns
    :return: ``boxes`` (1, A, 4) float32 xyxy, 0 to 1 in the input; ``scores`` (1, A, K) float32
        without the background
    """
    boxes = decode_boxes(outputs['box_deltas'], outputs['anchors_cxcywh'])
    return boxes.clamp(0, 1), outputs['class_logits'].softmax(-1)[..., 1:]


def class_ids(outputs: dict[str, Tensor]) -> tuple[Tensor, ...]:
    """
    Read a segmenter out.

    :param outputs: what :class:`deeplabv3.DeepLabV3` returns
    :return: ``class_ids`` (1, H, W) int32, since TensorRT 8 has no int64 outputs
    """
    return (outputs['logits'].argmax(1).int(),)


GRAPHS: dict[str, TaskGraph] = {
    'classification': TaskGraph(
        output_names=('probabilities',), read_out=probabilities,
        difference=absolute_difference, tolerance=1e-3, float16_tolerance=2e-2),
    'detection': TaskGraph(
        output_names=('boxes', 'scores'), read_out=boxes_and_scores,
        difference=absolute_difference, tolerance=1e-3, float16_tolerance=2e-2),
    'segmentation': TaskGraph(
        output_names=('class_ids',), read_out=class_ids,
        difference=share_of_other_classes, tolerance=1e-3, float16_tolerance=1e-2),
}
"""How each task is exported, by the task's name."""


def plain_graph(task: str, network: nn.Module) -> FrameGraph:
    """
    Put a network as it was trained into the graph of its task: the reference for a parity check.

    :param task: a key of :data:`GRAPHS`
    :param network: the network
    :return: the graph, in evaluation mode
    """
    return FrameGraph(FrameNormalization(), network, GRAPHS[task]).eval()


def folded_graph(task: str, network: nn.Module, *, height: int, width: int) -> FrameGraph:
    """
    Put an equal network with less to compute into the graph of its task: what gets traced.

    :param task: a key of :data:`GRAPHS`
    :param network: the network, in evaluation mode
    :param height: of the input in pixels
    :param width: of the input in pixels
    :return: the graph, in evaluation mode, for frames of this size only
    """
    row = GRAPHS[task]
    folded = fold_for_export(network, height=height, width=width)
    if stem_pads(network):
        return FrameGraph(FrameNormalization(), folded, row).eval()
    folded = fold_normalization(folded, mean=IMAGENET_MEAN, std=IMAGENET_STD)
    return FrameGraph(FrameLayout(), fold_channel_order(folded), row).eval()
