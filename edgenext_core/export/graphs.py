"""
The task table of the export: what a robot reads out of a network.

A fourth task is a fourth row, with its function from a network's outputs to a graph's.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from edgenext_core.export.channels_first import read_rows, to_channels_first
from edgenext_core.export.folding import (
    fold_channel_order,
    fold_for_export,
    fold_normalization,
    stem_pads,
)
from edgenext_core.models import decode_boxes
from edgenext_core.models.deeplabv3 import DeepLabV3
from edgenext_core.models.normalization import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    FrameLayout,
    FrameNormalization,
    FrameRows,
)

MOST_CANDIDATES = 1000
"""Answers of one frame that leave a graph; NMS on the robot takes as many."""


class TaskGraph(NamedTuple):
    """
    How the networks of one task are exported.

    ``numbers`` is the part of a network that runs on a robot: it gives the numbers, of all anchors
    or of the coarse grid, that the answers are read from. ``read_out`` makes of them the outputs
    of the graph, whose ``output_names`` are the ones that ``runtime.tasks`` looks for. It is the
    numbers that a parity check compares: answers may change places where two are nearly equal.
    """

    output_names: tuple[str, ...]
    numbers: Callable[[Any], nn.Module]
    read_out: Callable[[Any], tuple[Tensor, ...]]


class FrameGraph(nn.Module):
    """
    A network from camera bytes to what the robot reads: the module that gets traced.

    :param preparation: makes the network's input of the bytes
    :param network: any network of this project, or what a row's ``numbers`` made of it
    :param row: the row of the network's task
    """

    def __init__(self, preparation: nn.Module, network: nn.Module, row: TaskGraph) -> None:
        super().__init__()
        self.preparation = preparation
        self.network = network
        self.row = row

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """
        Run the network on frames.

        :param image: (B, H, W, 3) BGR, 0 to 255, uint8 or float32
        :return: the outputs of the task
        """
        return self.row.read_out(self.network(self.preparation(image)))


class CoarseSegmenter(nn.Module):
    """
    A segmenter that stops before it resizes its logits: the robot makes the frame's mask of them.

    :param segmenter: a segmenter
    """

    def __init__(self, segmenter: DeepLabV3) -> None:
        super().__init__()
        self.segmenter = segmenter

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """
        Give every place of the last map a logit for every class.

        :param x: normalised RGB images (B, 3, H, W)
        :return: ``logits`` (B, K, h, w)
        """
        return {'logits': self.segmenter.coarse_logits(x)}


def best_classes(logits: Tensor) -> tuple[Tensor, ...]:
    """
    Read a classifier out.

    A NaN among the logits is in every score.

    :param logits: (B, K)
    :return: ``scores`` (B, k) float32, softmax of the k = min(K, 1000) best classes, best first;
        ``class_ids`` (B, k) int32
    """
    count = min(int(logits.shape[1]), MOST_CANDIDATES)
    scores, class_ids = logits.softmax(-1).topk(count, dim=-1)
    return scores, class_ids.int()


def best_anchors(outputs: dict[str, Tensor]) -> tuple[Tensor, ...]:
    """
    Read a detector out: the anchors with the highest scores, whose boxes alone are decoded.

    None of the 1000 best pairs of an anchor and a class is lost: before an anchor left out there
    are 1000 others, each with a pair at least as good. A NaN of any anchor is in every score.

    :param outputs: what :class:`ssdlite.SSDLite` returns
    :return: for the M = min(A, 1000) candidates ``boxes`` (B, M, 4) float32 xyxy, 0 to 1 in the
        input, and ``scores`` (B, M, K) float32 without the background
    """
    scores = outputs['class_logits'].softmax(-1)[..., 1:]  # (B, A, K)
    batch, anchors, classes = map(int, scores.shape)
    best_of_all = scores.amax(-1)  # (B, A)
    candidates = best_of_all.topk(min(anchors, MOST_CANDIDATES), dim=1).indices  # (B, M)
    # Whole rows of one long table: an index for every element would take several times as long.
    rows = (candidates + anchors * torch.arange(batch)[:, None]).flatten()  # (B * M,)
    box_deltas = outputs['box_deltas'].reshape(-1, 4)[rows].reshape(batch, -1, 4)
    boxes = decode_boxes(box_deltas, outputs['anchors_cxcywh'][candidates])  # (B, M, 4)
    scores = scores.reshape(-1, classes)[rows].reshape(batch, -1, classes)  # (B, M, K)
    # Where a NaN is sorted to is not defined, so that its anchor may be left out.
    nothing_or_nan = 0 * best_of_all.mean(1)[:, None, None]
    return boxes.clamp(0, 1), scores + nothing_or_nan


def coarse_logits(outputs: dict[str, Tensor]) -> tuple[Tensor, ...]:
    """
    Read a segmenter out.

    :param outputs: what :class:`CoarseSegmenter` returns
    :return: ``logits`` (B, K, h, w) float32
    """
    return (outputs['logits'],)


def _whole(network: nn.Module) -> nn.Module:
    return network


GRAPHS: dict[str, TaskGraph] = {
    'classification': TaskGraph(('scores', 'class_ids'), _whole, best_classes),
    'detection': TaskGraph(('boxes', 'scores'), _whole, best_anchors),
    'segmentation': TaskGraph(('logits',), CoarseSegmenter, coarse_logits),
}
"""How each task is exported, by the task's name."""


def plain_graph(task: str, network: nn.Module) -> FrameGraph:
    """
    Put a network as it was trained into the graph of its task: the reference for a parity check.

    :param task: a key of :data:`GRAPHS`
    :param network: the network
    :return: the graph, in evaluation mode
    """
    row = GRAPHS[task]
    return FrameGraph(FrameNormalization(), row.numbers(network), row).eval()


def folded_graph(task: str, network: nn.Module, *, height: int, width: int) -> FrameGraph:
    """
    Put an equal network with less to compute into the graph of its task, for TensorRT.

    Its layer normalisations stay what float16 conversion and parsers know.

    :param task: a key of :data:`GRAPHS`
    :param network: the network, in evaluation mode
    :param height: of the input in pixels
    :param width: of the input in pixels
    :return: the graph, in evaluation mode, for frames of this size only, in batches of any size
    """
    folded = fold_for_export(network, height=height, width=width)
    row = GRAPHS[task]
    if stem_pads(network):
        return FrameGraph(FrameNormalization(), row.numbers(folded), row).eval()
    return FrameGraph(FrameLayout(), row.numbers(_fold_bytes(folded)), row).eval()


def channels_first_graph(task: str, network: nn.Module, *, height: int, width: int) -> FrameGraph:
    """
    Put an equal network in which no map is permuted into the graph of its task, for CPUs.

    It sums squares over channels, for which float16 is too small.

    :param task: a key of :data:`GRAPHS`
    :param network: the network, in evaluation mode
    :param height: of the input in pixels
    :param width: of the input in pixels
    :return: the graph, in evaluation mode, for frames of this size only, in batches of any size
    """
    folded = to_channels_first(fold_for_export(network, height=height, width=width))
    row = GRAPHS[task]
    if stem_pads(network):
        return FrameGraph(FrameNormalization(), row.numbers(folded), row).eval()
    return FrameGraph(FrameRows(), row.numbers(read_rows(_fold_bytes(folded))), row).eval()


def _fold_bytes(network: nn.Module) -> nn.Module:
    return fold_channel_order(fold_normalization(network, mean=IMAGENET_MEAN, std=IMAGENET_STD))
