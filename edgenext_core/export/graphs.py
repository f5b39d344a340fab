"""The modules that get traced: camera bytes in, what the robot reads out."""

import torch
from torch import Tensor, nn

from edgenext_core.models import decode_boxes
from edgenext_core.models.layers import FourierPositionEncoding
from edgenext_core.models.normalization import FrameNormalization


class ClassificationGraph(nn.Module):
    """
    A classifier from bytes to probabilities.

    :param model: gives logits (1, K).
    """

    output_names = ('probabilities',)

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.normalization = FrameNormalization()
        self.model = model

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """
        Classify a frame.

        :param image: (1, H, W, 3) uint8 BGR.
        :return: ``probabilities`` (1, K) float32.
        """
        return (self.model(self.normalization(image)).softmax(-1),)


class DetectionGraph(nn.Module):
    """
    A detector from bytes to boxes; its anchors become constants.

    :param model: gives ``class_logits``, ``box_deltas`` and ``anchors_cxcywh``.
    """

    output_names = ('boxes', 'scores')

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.normalization = FrameNormalization()
        self.model = model

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """
        Detect objects in a frame.

        :param image: (1, H, W, 3) uint8 BGR.
        :return: ``boxes`` (1, A, 4) float32 xyxy, 0 to 1 in the input; ``scores`` (1, A, K)
            float32 without the background.
        """
        outputs = self.model(self.normalization(image))
        boxes = decode_boxes(outputs['box_deltas'], outputs['anchors_cxcywh'])
        return boxes.clamp(0, 1), outputs['class_logits'].softmax(-1)[..., 1:]


class SegmentationGraph(nn.Module):
    """
    A segmenter from bytes to class ids.

    :param model: gives ``logits`` (1, K, H, W) at the input's size.
    """

    output_names = ('class_ids',)

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.normalization = FrameNormalization()
        self.model = model

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """
        Segment a frame.

        :param image: (1, H, W, 3) uint8 BGR.
        :return: ``class_ids`` (1, H, W) int32, since TensorRT 8 has no int64 outputs.
        """
        return (self.model(self.normalization(image))['logits'].argmax(1).int(),)


GRAPHS: dict[str, type[nn.Module]] = {
    'classification': ClassificationGraph,
    'detection': DetectionGraph,
    'segmentation': SegmentationGraph,
}
"""The graph of each task."""


class ConstantPositionEncoding(nn.Module):
    """
    A position encoding at one size.

    :param encoding: (1, C, H, W).
    """

    def __init__(self, encoding: Tensor) -> None:
        super().__init__()
        self.register_buffer('encoding', encoding)

    def forward(self, height: int, width: int) -> Tensor:
        """
        Give the encoding.

        :param height: rows; the size is fixed.
        :param width: columns.
        :return: (1, C, H, W).
        """
        return self.encoding


def freeze_position_encodings(graph: nn.Module, image: Tensor) -> None:
    """
    Replace every position encoding by its value, which an exporter would spell out in sines.

    :param graph: a module with a network of this project inside; it is changed.
    :param image: an input of the size to freeze at.
    """
    values: dict[nn.Module, Tensor] = {}
    encodings = [module for module in graph.modules()
                 if isinstance(module, FourierPositionEncoding)]
    hooks = [module.register_forward_hook(lambda module, _, value: values.update({module: value}))
             for module in encodings]
    with torch.no_grad():
        graph(image)
    for hook in hooks:
        hook.remove()
    for parent in list(graph.modules()):
        for name, child in parent.named_children():
            if child in values:
                setattr(parent, name, ConstantPositionEncoding(values[child]))
