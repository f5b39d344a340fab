"""Check that an exported file computes what the network computes."""

from collections.abc import Callable, Sequence

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import helper
from torch import nn

from edgenext_core.runtime.errors import EdgeNextError
from edgenext_core.runtime.model_card import INPUT_NAME


class ParityError(EdgeNextError):
    """An exported model does not compute what the network computes: no file is written."""


def run_onnx(model: onnx.ModelProto, images: Sequence[np.ndarray]) -> list[list[np.ndarray]]:
    """
    Run a model through ONNX Runtime.

    :param model: the model
    :param images: inputs (B, H, W, 3) uint8, which are cast to what the model takes
    :return: for each input the outputs in the model's order
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=['CPUExecutionProvider'])
    dtype = helper.tensor_dtype_to_np_dtype(model.graph.input[0].type.tensor_type.elem_type)
    return [session.run(None, {INPUT_NAME: image.astype(dtype)}) for image in images]


def run_torch(graph: nn.Module, images: Sequence[np.ndarray]) -> list[list[np.ndarray]]:
    """
    Run a graph through PyTorch.

    :param graph: what ``graphs`` makes
    :param images: inputs (B, H, W, 3) uint8
    :return: for each input the outputs in the graph's order
    """
    with torch.inference_mode():
        return [[output.numpy() for output in graph(torch.from_numpy(image))] for image in images]


def largest_difference(
    expected: Sequence[Sequence[np.ndarray]], found: Sequence[Sequence[np.ndarray]],
    difference: Callable[[np.ndarray, np.ndarray], float],
) -> float:
    """
    Compare the outputs of several inputs.

    :param expected: for each input its outputs
    :param found: the same from elsewhere
    :param difference: compares two outputs
    :return: the largest difference
    """
    # Not max(), which loses a NaN behind a number.
    return float(np.max([difference(*pair) for one, other in zip(expected, found)
                         for pair in zip(one, other)]))


def absolute_difference(expected: np.ndarray, found: np.ndarray) -> float:
    """
    Compare numbers.

    :param expected: any shape
    :param found: the same shape
    :return: the largest absolute difference
    """
    return float(np.abs(expected - found).max())


def relative_difference(expected: np.ndarray, found: np.ndarray) -> float:
    """
    Compare numbers, in units of the largest.

    :param expected: any shape
    :param found: the same shape
    :return: the largest difference, divided by the largest number expected where that is above 1
    """
    scale = max(1.0, float(np.abs(expected).max()))
    return absolute_difference(expected.astype(np.float64), found) / scale


def require_finite(outputs: Sequence[Sequence[np.ndarray]]) -> None:
    """
    Refuse a network that overflows.

    :param outputs: for each input the network's numbers
    :raises ParityError: if one of them is not finite
    """
    values = np.concatenate([value.ravel() for one in outputs for value in one])
    wrong = values.size - np.isfinite(values).sum()
    if wrong:
        raise ParityError(
            f'the network gives {wrong} numbers of {values.size} for ordinary pictures that are '
            'not finite, so its training has diverged; take an earlier checkpoint or train again')


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
