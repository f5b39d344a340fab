"""The modules that get traced: camera bytes in, what the robot reads out."""

from torch import Tensor, nn

from edgenext_core.export.folding import (
    fold_channel_order,
    fold_for_export,
    fold_normalization,
    stem_pads,
)
from edgenext_core.models import decode_boxes
from edgenext_core.models.normalization import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    FrameLayout,
    FrameNormalization,
)


class ClassificationGraph(nn.Module):
    """
    A classifier from bytes to probabilities.

    :param preparation: makes the network's input (1, 3, H, W) of the bytes
    :param model: gives logits (1, K)
    """

    output_names = ('probabilities',)

    def __init__(self, preparation: nn.Module, model: nn.Module) -> None:
        super().__init__()
        self.preparation = preparation
        self.model = model

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """
        Classify a frame.

        :param image: (1, H, W, 3) uint8 BGR
        :return: ``probabilities`` (1, K) float32
        """
        return (self.model(self.preparation(image)).softmax(-1),)


class DetectionGraph(nn.Module):
    """
    A detector from bytes to boxes; its anchors become constants.

    :param preparation: makes the network's input (1, 3, H, W) of the bytes
    :param model: gives ``class_logits``, ``box_deltas`` and ``anchors_cxcywh``
    """

    output_names = ('boxes', 'scores')

    def __init__(self, preparation: nn.Module, model: nn.Module) -> None:
        super().__init__()
        self.preparation = preparation
        self.model = model

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """
        Detect objects in a frame.

        :param image: (1, H, W, 3) uint8 BGR
        :return: ``boxes`` (1, A, 4) float32 xyxy, 0 to 1 in the input; ``scores`` (1, A, K)
            float32 without the background
        """
        outputs = self.model(self.preparation(image))
        boxes = decode_boxes(outputs['box_deltas'], outputs['anchors_cxcywh'])
        return boxes.clamp(0, 1), outputs['class_logits'].softmax(-1)[..., 1:]


class SegmentationGraph(nn.Module):
    """
    A segmenter from bytes to class ids.

    :param preparation: makes the network's input (1, 3, H, W) of the bytes
    :param model: gives ``logits`` (1, K, H, W) at the input's size
    """

    output_names = ('class_ids',)

    def __init__(self, preparation: nn.Module, model: nn.Module) -> None:
        super().__init__()
        self.preparation = preparation
        self.model = model

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """
        Segment a frame.

        :param image: (1, H, W, 3) uint8 BGR
        :return: ``class_ids`` (1, H, W) int32, since TensorRT 8 has no int64 outputs
        """
        return (self.model(self.preparation(image))['logits'].argmax(1).int(),)


GRAPHS: dict[str, type[nn.Module]] = {
    'classification': ClassificationGraph,
    'detection': DetectionGraph,
    'segmentation': SegmentationGraph,
}
"""The graph of each task."""


def plain_graph(task: str, model: nn.Module) -> nn.Module:
    """
    Put a network as it was trained into the graph of its task: the reference for a parity check.

    :param task: a key of :data:`GRAPHS`
    :param model: the network
    :return: the graph, in evaluation mode
    """
    return GRAPHS[task](FrameNormalization(), model).eval()


def folded_graph(task: str, model: nn.Module, *, height: int, width: int) -> nn.Module:
    """
    Put an equal network with less to compute into the graph of its task: what gets traced.

    :param task: a key of :data:`GRAPHS`
    :param model: the network, in evaluation mode
    :param height: of the input in pixels
    :param width: of the input in pixels
    :return: the graph, in evaluation mode, for frames of this size only
    """
    folded = fold_for_export(model, height=height, width=width)
    if stem_pads(model):
        return GRAPHS[task](FrameNormalization(), folded).eval()
    folded = fold_normalization(folded, mean=IMAGENET_MEAN, std=IMAGENET_STD)
    return GRAPHS[task](FrameLayout(), fold_channel_order(folded)).eval()
