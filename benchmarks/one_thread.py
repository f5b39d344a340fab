"""Run ONNX models as the benchmarks time them: by ONNX Runtime, on one thread of the CPU."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime


def runner(model: onnx.ModelProto, image: np.ndarray) -> Callable[[], Any]:
    """
    Open a model.

    :param model: one with a single input
    :param image: for the input
    :return: a function that runs it once and gives its outputs
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=['CPUExecutionProvider'])
    return functools.partial(session.run, None, {session.get_inputs()[0].name: image})
