"""Store weights in float16; what is computed with them stays float32."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SMALLEST_ELEMENTS = 1024
"""Smaller weights (norms, scales, biases) keep all their digits: they cost next to nothing."""


def store_in_float16(model: onnx.ModelProto) -> onnx.ModelProto:
    """
    Store the large weights in float16; a Cast brings each back when the model is loaded.

    The arithmetic stays in float32: a runtime folds the casts before the first frame.

    :param model: a float32 model
    :return: a copy of about half the size; a weight beyond float16's range stays as it is
    """
    smaller = onnx.ModelProto()
    smaller.CopyFrom(model)
    casts = []
    for tensor in smaller.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < SMALLEST_ELEMENTS:
            continue
        with np.errstate(over='ignore'):
            halves = values.astype(np.float16)
        if not np.isfinite(halves).all():
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(halves, f'{name}_float16'))
        casts.append(helper.make_node('Cast', [tensor.name], [name], to=TensorProto.FLOAT))
    # Behind the cast of the image, which stays the first node.
    nodes = list(smaller.graph.node)
    del smaller.graph.node[:]
    smaller.graph.node.extend(nodes[:1] + casts + nodes[1:])
    onnx.checker.check_model(smaller, full_check=True)
    return smaller
