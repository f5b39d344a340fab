"""
Which layers of a float32 model see numbers that float16 could not hold, on given pictures.

The graph is run with every optimisation off, and with what measures the layers' inputs added to
it, so that no tensor has to leave it. The packages that this takes are imported late, since a
robot may have no ``onnx``.
"""

import math
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from edgenext_core.measure.pictures import Picture
from edgenext_core.runtime.card_file import read_card
from edgenext_core.runtime.errors import EngineError
from edgenext_core.runtime.preprocess import preprocess

LIMIT = 65504.0
"""The largest number of float16."""
NEAR = 3e4

_MOVES = {'Reshape', 'Transpose', 'Flatten', 'Squeeze', 'Unsqueeze', 'Slice', 'Split', 'Concat',
          'Gather', 'Expand', 'Identity', 'Cast'}
"""Their inputs are the outputs of other layers, unchanged."""
_SQUARES = {'LayerNormalization', 'InstanceNormalization', 'GroupNormalization',
            'LpNormalization', 'ReduceL2', 'ReduceSumSquare'}
_SUMS = {'ReduceMean', 'ReduceSum', 'ReduceL1', 'GlobalAveragePool'}
_AXES_ARE_INPUTS_FROM = 18
"""The opset from which on all reductions take their axes as an input."""


class LayerRange(NamedTuple):
    """
    The largest that a layer was given.

    ``largest`` is the largest absolute value of its inputs; ``largest_sum`` what it would add up
    for one of its results, squares where it squares, None where it adds nothing up over axes.
    ``frame`` names where the larger of the two was.
    """

    layer: str
    op_type: str
    largest: float
    largest_sum: Optional[float]
    frame: str


class RangeAudit(NamedTuple):
    """
    What was looked at: ``layers`` of the graph on ``frames``.

    ``near`` are those with a value or a sum above ``NEAR``, the worst first.
    """

    layers: int
    frames: int
    near: Tuple[LayerRange, ...]


class _Probe(NamedTuple):
    """A layer, and the outputs that were added to the graph for it."""

    layer: str
    op_type: str
    values: Tuple[str, ...]
    sums: Tuple[str, ...]


def audit_ranges(path: str, pictures: Iterable[Picture]) -> RangeAudit:
    """
    Run a model on pictures and find the layers whose inputs come near float16's limit.

    :param path: an ONNX file that computes in float32, with its card
    :param pictures: those that cannot be decoded are left out
    :return: what was found
    :raises EngineError: when ``onnx`` or ONNX Runtime is missing or cannot run the file
    """
    card = read_card(path)
    try:
        session, probes = _open_probed(path)
    except ImportError as error:
        raise EngineError('the inputs of layers can be looked at where the Python package '
                          f'{error.name} is; run: pip install {error.name}') from error
    names = [name for probe in probes for name in probe.values + probe.sums]
    found: Dict[str, LayerRange] = {}
    frames = 0
    for picture in pictures:
        if picture.image_bgr is None:
            continue
        frames += 1
        image, _ = preprocess(picture.image_bgr, card)
        feed = {card.input.name: image.astype(card.input.dtype)}
        outputs = session.run(names, feed) if names else []
        values = dict(zip(names, map(float, outputs)))
        for probe in probes:
            seen = _read(probe, values, frame=picture.name)
            found[probe.layer] = _larger(found.get(probe.layer, seen), seen)
    near = sorted((layer for layer in found.values() if _worst(layer) > NEAR),
                  key=_worst, reverse=True)
    return RangeAudit(len(probes), frames, tuple(near))


def _open_probed(path: str) -> Tuple[Any, List[_Probe]]:
    import onnxruntime
    from onnx import load, shape_inference
    try:
        model = shape_inference.infer_shapes(load(path))
        probes = _add_probes(model)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 4  # its errors are raised, too
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = onnxruntime.InferenceSession(model.SerializeToString(), options,
                                               providers=['CPUExecutionProvider'])
    except Exception as error:  # what a newer exporter wrote, an older package may not know
        raise EngineError(f'the inputs of the layers of {path} cannot be looked at; update onnx '
                          f'and onnxruntime (they say: {" ".join(str(error).split())})'
                          ) from error
    return session, probes


def _add_probes(model: Any) -> List[_Probe]:
    """Give every layer that computes with the image's numbers its outputs; the old ones go."""
    from onnx import TensorProto, helper
    graph = model.graph
    shapes = {value.name: value.type.tensor_type.shape
              for value in [*graph.input, *graph.value_info, *graph.output]
              if value.type.tensor_type.elem_type == TensorProto.FLOAT}
    computed = {value.name for value in graph.input}
    constants = _constants(graph)
    opset = max(entry.version for entry in model.opset_import if entry.domain in ('', 'ai.onnx'))
    nodes, probes = list(graph.node), []
    added: Dict[str, str] = {}  # by what it measures, the output that was added

    def measure(tensor: str, reduction: str, axes: Optional[List[int]]) -> str:
        key = f'{tensor}/{reduction}{axes or ""}'
        if key not in added:
            added[key] = f'{key}/largest'
            inner = ('Abs', [tensor], {}) if axes is None else _reduce(
                graph, reduction, tensor, axes, opset)
            graph.node.append(helper.make_node(inner[0], inner[1], [key], **inner[2]))
            graph.node.append(helper.make_node('ReduceMax', [key], [added[key]], keepdims=0))
            graph.output.append(
                helper.make_tensor_value_info(added[key], TensorProto.FLOAT, []))
        return added[key]

    del graph.output[:]
    for node in nodes:
        if not computed.intersection(node.input):
            continue
        computed.update(node.output)
        taken = [name for name in node.input if name in computed and name in shapes]
        if node.op_type in _MOVES or not taken:
            continue
        values = tuple(measure(name, 'Abs', None) for name in taken)
        sums: Tuple[str, ...] = ()
        if node.op_type in _SQUARES or node.op_type in _SUMS:
            axes = _axes(node, len(shapes[taken[0]].dim), constants)
            reduction = 'ReduceSumSquare' if node.op_type in _SQUARES else 'ReduceL1'
            sums = (measure(taken[0], reduction, axes),)
        probes.append(_Probe(node.name or f'{node.op_type} that gives {node.output[0]}',
                             node.op_type, values, sums))
    return probes


def _reduce(graph: Any, reduction: str, tensor: str, axes: Sequence[int], opset: int
            ) -> Tuple[str, List[str], Dict[str, Any]]:
    """Give operator, inputs and attributes of a reduction, as its opset wants them."""
    if opset < _AXES_ARE_INPUTS_FROM:
        return reduction, [tensor], {'axes': list(axes), 'keepdims': 0}
    from onnx import numpy_helper
    name = f'{tensor}/{reduction}{axes}/axes'
    graph.initializer.append(numpy_helper.from_array(np.array(axes, np.int64), name))
    return reduction, [tensor, name], {'keepdims': 0}


def _axes(node: Any, rank: int, constants: Dict[str, np.ndarray]) -> List[int]:
    """Give the axes over which a layer adds up."""
    from onnx import helper
    attributes = {attribute.name: helper.get_attribute_value(attribute)
                  for attribute in node.attribute}
    if node.op_type == 'LayerNormalization':
        return list(range(attributes.get('axis', -1) % rank, rank))
    if node.op_type == 'LpNormalization':
        return [attributes.get('axis', -1) % rank]
    if not node.op_type.startswith('Reduce'):  # over the places of each channel
        return list(range(2, rank))
    if 'axes' in attributes:
        return list(attributes['axes'])
    if len(node.input) > 1 and node.input[1]:
        return [int(axis) for axis in constants[node.input[1]]]
    return list(range(rank))


def _constants(graph: Any) -> Dict[str, np.ndarray]:
    """Give the whole numbers that a graph holds, by name."""
    from onnx import TensorProto, numpy_helper
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    tensors.update({node.output[0]: attribute.t for node in graph.node
                    if node.op_type == 'Constant'
                    for attribute in node.attribute if attribute.name == 'value'})
    return {name: numpy_helper.to_array(tensor) for name, tensor in tensors.items()
            if tensor.data_type == TensorProto.INT64}


def _read(probe: _Probe, values: Dict[str, float], *, frame: str) -> LayerRange:
    largest = float(np.max([values[name] for name in probe.values]))
    return LayerRange(probe.layer, probe.op_type, largest,
                      max((values[name] for name in probe.sums), default=None), frame)


def _larger(one: LayerRange, other: LayerRange) -> LayerRange:
    total = None
    if one.largest_sum is not None and other.largest_sum is not None:
        total = float(np.maximum(one.largest_sum, other.largest_sum))  # hands a NaN on
    return one._replace(largest=float(np.maximum(one.largest, other.largest)), largest_sum=total,
                        frame=max(one, other, key=_worst).frame)


def _worst(layer: LayerRange) -> float:
    """Give the larger of value and sum; a NaN, which comes of an overflow, is the worst."""
    worst = float(np.maximum(layer.largest, layer.largest_sum or 0.0))
    return math.inf if math.isnan(worst) else worst
