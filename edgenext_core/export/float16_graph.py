"""
A float16 copy of a float32 graph, for builders that take the precision from the file.

TensorRT 11 and TensorRT-RTX know no other way. What must not compute in float16 stays in float32;
the rule, ``precision.sensitive_nodes``, is that of an engine built from the float32 file.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper, shape_inference

from edgenext_core.runtime.engines.precision import Kind, is_row, sensitive_nodes
from edgenext_core.runtime.errors import EdgeNextError

_FLOAT, _HALF = TensorProto.FLOAT, TensorProto.FLOAT16
_KINDS = {
    Kind.SUM: 'Softmax LogSoftmax LayerNormalization InstanceNormalization GroupNormalization '
              'LpNormalization GlobalAveragePool',
    Kind.ARITHMETIC: 'Add Sub Mul Div Pow Sqrt Exp Log Erf Neg Abs Reciprocal Min Max Clip Relu '
                     'Sigmoid HardSigmoid HardSwish Tanh Gelu',
    Kind.SHAPE: 'Reshape Transpose Flatten Squeeze Unsqueeze Slice Split Concat Gather Expand '
                'TopK ArgMax Identity Cast',
}
_KIND_OF = {op_type: kind for kind, names in _KINDS.items() for op_type in names.split()}
_PRODUCTS = ('Conv', 'ConvTranspose', 'MatMul', 'Gemm')
_ALWAYS_FLOAT = {'Resize': {1, 2}}
"""Inputs that are float32 whatever the others are: a Resize's region and its scales."""


class Float16Error(EdgeNextError):
    """A graph cannot be brought to float16."""


def to_float16(model: onnx.ModelProto) -> onnx.ModelProto:
    """
    Give a copy of a graph that computes in float16 wherever that is safe.

    Inputs and outputs keep their types. A weight too small for float16 becomes zero. A linear
    layer that stays in float32, the classifier's, is written as a 1x1 convolution: Turing's
    builders have no float32 kernel for the former.

    :param model: a float32 model with static shapes, its nodes in order
    :return: the checked copy
    :raises Float16Error: when a weight is too large for float16
    """
    copy = _with_shapes(model)
    _drop_idle_casts(copy.graph)
    _write_rows_as_convolutions(copy.graph)
    copy = _with_shapes(copy)
    caster = _Caster(copy.graph)
    kept = _sensitive(copy.graph)
    for index, node in enumerate(copy.graph.node):
        caster.convert(node, _FLOAT if index in kept else _HALF)
    caster.finish()
    onnx.checker.check_model(copy, full_check=True)
    return copy


def _with_shapes(model: onnx.ModelProto) -> onnx.ModelProto:
    return shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)


def _kind(node: onnx.NodeProto, shapes: dict[str, list[int]]) -> Kind:
    if node.op_type in _PRODUCTS:
        return Kind.ROW if _is_row(node, shapes) else Kind.OTHER
    if node.op_type.startswith('Reduce'):
        return Kind.SUM
    return _KIND_OF.get(node.op_type, Kind.OTHER)


def _sensitive(graph: onnx.GraphProto) -> set[int]:
    makers = {name: index for index, node in enumerate(graph.node) for name in node.output}
    shapes = _shapes(graph)
    return sensitive_nodes(
        [_kind(node, shapes) for node in graph.node],
        [[makers[name] for name in node.input if name in makers] for node in graph.node],
        [makers[output.name] for output in graph.output])


def _drop_idle_casts(graph: onnx.GraphProto) -> None:
    """Remove the casts that change nothing, and do those of weights."""
    types = _types(graph)
    initializers = {tensor.name: tensor for tensor in graph.initializer}
    aliases: dict[str, str] = {}
    kept = []
    for node in graph.node:
        node.input[:] = [aliases.get(name, name) for name in node.input]
        if node.op_type == 'Cast' and types.get(node.input[0]) == node.attribute[0].i:
            aliases[node.output[0]] = node.input[0]
        elif node.op_type == 'Cast' and node.input[0] in initializers:
            values = numpy_helper.to_array(initializers[node.input[0]])
            dtype = helper.tensor_dtype_to_np_dtype(node.attribute[0].i)
            graph.initializer.append(numpy_helper.from_array(values.astype(dtype), node.output[0]))
        else:
            kept.append(node)
    del graph.node[:]
    graph.node.extend(kept)
    used = {name for node in kept for name in node.input}
    weights = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(weights)


def _write_rows_as_convolutions(graph: onnx.GraphProto) -> None:
    """Write each Gemm that gives a row as a convolution of a map of one place."""
    shapes = _shapes(graph)
    weights = {tensor.name: tensor for tensor in graph.initializer}
    nodes = []
    for node in graph.node:
        if not (node.op_type == 'Gemm' and _is_row(node, shapes) and _is_linear(node)
                and node.input[1] in weights):
            nodes.append(node)
            continue
        kernel = numpy_helper.to_array(weights[node.input[1]])[..., None, None]  # (O, I, 1, 1)
        name = node.output[0]
        graph.initializer.append(numpy_helper.from_array(kernel, f'{name}_kernel'))
        graph.initializer.append(numpy_helper.from_array(
            np.array([0, kernel.shape[1], 1, 1], np.int64), f'{name}_sizes'))
        nodes += [
            helper.make_node('Reshape', [node.input[0], f'{name}_sizes'], [f'{name}_place']),
            helper.make_node('Conv', [f'{name}_place', f'{name}_kernel', *node.input[2:]],
                             [f'{name}_map'], kernel_shape=[1, 1]),
            helper.make_node('Flatten', [f'{name}_map'], [name], axis=1),
        ]
    del graph.node[:]
    graph.node.extend(nodes)


def _is_linear(node: onnx.NodeProto) -> bool:
    """Tell whether a Gemm is x @ weight.T + bias, as a linear layer is exported."""
    values = {attribute.name: helper.get_attribute_value(attribute)
              for attribute in node.attribute}
    return (values.get('transB') == 1 and not values.get('transA')
            and values.get('alpha', 1) == values.get('beta', 1) == 1)


def _is_row(node: onnx.NodeProto, shapes: dict[str, list[int]]) -> bool:
    return is_row(shapes[node.output[0]][1:])  # of each frame


def _shapes(graph: onnx.GraphProto) -> dict[str, list[int]]:
    return {value.name: [size.dim_value for size in value.type.tensor_type.shape.dim]
            for value in [*graph.value_info, *graph.output]}


def _types(graph: onnx.GraphProto) -> dict[str, int]:
    types = {value.name: value.type.tensor_type.elem_type
             for value in [*graph.input, *graph.value_info, *graph.output]}
    types.update({tensor.name: tensor.data_type for tensor in graph.initializer})
    return types


class _Caster:
    """Writes the nodes anew, with a cast at every border between float32 and float16."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self._graph = graph
        self._is_float = {name for name, kind in _types(graph).items() if kind == _FLOAT}
        self._weights = {tensor.name: tensor for tensor in graph.initializer}
        self._type = dict.fromkeys(self._is_float, _FLOAT)
        self._casts: dict[tuple[str, int], str] = {}
        self._nodes: list[onnx.NodeProto] = []
        self._used_weights: dict[str, onnx.TensorProto] = {}

    def convert(self, node: onnx.NodeProto, wanted: int) -> None:
        """Write a node so that it computes in ``wanted``."""
        fixed = _ALWAYS_FLOAT.get(node.op_type, set())
        for position, name in enumerate(node.input):
            node.input[position] = self._as(name, _FLOAT if position in fixed else wanted)
        if node.op_type == 'Cast' and node.attribute[0].i == _FLOAT:
            node.attribute[0].i = wanted
        for name in node.output:
            if name in self._is_float:
                self._type[name] = wanted
        self._nodes.append(node)

    def _as(self, name: str, wanted: int) -> str:
        """Give the name of a tensor in the wanted type."""
        if name in self._weights:
            return self._weight(name, wanted)
        if name not in self._is_float or self._type[name] == wanted:
            return name
        if (name, wanted) not in self._casts:
            cast = f'{name}_{"half" if wanted == _HALF else "float"}'
            self._nodes.append(helper.make_node('Cast', [name], [cast], name=cast, to=wanted))
            self._casts[name, wanted] = cast
        return self._casts[name, wanted]

    def _weight(self, name: str, wanted: int) -> str:
        tensor = self._weights[name]
        if name in self._is_float and wanted == _HALF:
            values = numpy_helper.to_array(tensor)
            name = f'{name}_half'
            if name not in self._used_weights:
                tensor = numpy_helper.from_array(_halved(values, name), name)
        self._used_weights.setdefault(name, tensor)
        return name

    def finish(self) -> None:
        """Bring the outputs back to float32, and put all into the graph."""
        outputs = {output.name for output in self._graph.output if output.name in self._is_float}
        for node in list(self._nodes):
            for position, name in enumerate(node.output):
                if name in outputs and self._type[name] == _HALF:
                    self._rename(name, f'{name}_half')
                    node.output[position] = f'{name}_half'
                    self._nodes.append(helper.make_node(
                        'Cast', [f'{name}_half'], [name], name=name, to=_FLOAT))
        del self._graph.node[:], self._graph.initializer[:], self._graph.value_info[:]
        self._graph.node.extend(self._nodes)
        self._graph.initializer.extend(self._used_weights.values())

    def _rename(self, old: str, new: str) -> None:
        for node in self._nodes:
            node.input[:] = [new if name == old else name for name in node.input]


def _halved(values: np.ndarray, name: str) -> np.ndarray:
    with np.errstate(over='ignore'):
        halves = values.astype(np.float16)
    if not np.isfinite(halves).all():
        raise Float16Error(f'the weight {name} reaches {abs(values).max():.3g}, float16 ends at '
                           '65504; train longer or export for: --target cpu')
    return halves
