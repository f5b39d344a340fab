"""Check that an exported file computes what the network computes."""

from collections.abc import Sequence

import cv2
import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

TOLERANCE = 1e-3
"""Largest difference of a probability or a box coordinate, float32 in both."""
HALF_TOLERANCE = 2e-2
"""The same, when the large weights are stored in float16."""
MASK_TOLERANCE = 1e-3
"""Largest share of pixels whose class differs, float32 in both."""
HALF_MASK_TOLERANCE = 1e-2
"""The same, when the large weights are stored in float16."""


class ParityError(ValueError):
    """An exported model that does not compute what the network computes."""


def make_probes(count: int, *, height: int, width: int) -> list[np.ndarray]:
    """
    Draw pictures with structure at many scales, always the same.

    :param count: number of pictures
    :param height: in pixels
    :param width: in pixels
    :return: pictures (1, H, W, 3) uint8
    """
    rng = np.random.default_rng(0)
    probes = []
    for _ in range(count):
        layers = [
            cv2.resize(rng.uniform(0, 255, (cells, cells, 3)), (width, height))
            for cells in (2, 5, 16, 64)
        ]
        probes.append(np.mean(layers, axis=0).astype(np.uint8)[None])
    return probes


def run_onnx(model: onnx.ModelProto, images: Sequence[np.ndarray]) -> list[list[np.ndarray]]:
    """
    Run a model through ONNX Runtime.

    :param model: the model
    :param images: inputs (1, H, W, 3) uint8
    :return: for each input the outputs in the model's order
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=['CPUExecutionProvider'])
    return [session.run(None, {'image': image}) for image in images]


def run_torch(graph: nn.Module, images: Sequence[np.ndarray]) -> list[list[np.ndarray]]:
    """
    Run a graph through PyTorch.

    :param graph: one of ``graphs.GRAPHS``
    :param images: inputs (1, H, W, 3) uint8
    :return: for each input the outputs in the graph's order
    """
    with torch.inference_mode():
        return [[output.numpy() for output in graph(torch.from_numpy(image))] for image in images]


def largest_difference(
    expected: Sequence[Sequence[np.ndarray]], found: Sequence[Sequence[np.ndarray]],
) -> float:
    """
    Compare outputs.

    :param expected: for each input its outputs
    :param found: the same from elsewhere
    :return: the largest absolute difference; for class ids the largest share of pixels that
        differ in a picture
    """
    return max(
        _difference(*pair) for one, other in zip(expected, found) for pair in zip(one, other))


def _difference(expected: np.ndarray, found: np.ndarray) -> float:
    if np.issubdtype(expected.dtype, np.integer):
        return float(np.mean(expected != found))
    return float(np.abs(expected - found).max())


def require_parity(difference: float, tolerance: float, what: str) -> None:
    """
    Refuse a difference that is too large.

    :param difference: what ``largest_difference`` gave
    :param tolerance: the largest that is fine
    :param what: names the two sides in the error's sentence
    :raises ParityError: if the difference is not within the tolerance
    """
    if not difference <= tolerance:
        raise ParityError(
            f'{what}: outputs differ by {difference:.2g}, at most {tolerance:g} is expected; '
            'no file was written')
