"""
Which layers of a network compute in float16, and which must not.

Sums of squares, means and exponentials overflow in float16 or lose what they are for, so layer
normalisation, L2 normalisation, softmax and the decoding of boxes stay in float32, and so does a
classifier's last layer, whose rounding an exponential would multiply. They are found by what they
do, not by name: the parser invents names as it likes.
"""

import enum
import json
import re
from typing import Any, Dict, Iterator, List, NamedTuple, Sequence, Set


class Kind(enum.Enum):
    """What a node of a graph does, as far as its precision is concerned."""

    SUM = 'sum, mean, norm or softmax'
    ARITHMETIC = 'element by element'
    SHAPE = 'moves or picks values'
    ROW = 'product that gives one row of numbers'
    OTHER = 'any other product, pooling, resizing or constant'


_KINDS = {
    'REDUCE': Kind.SUM, 'NORMALIZATION': Kind.SUM, 'SOFTMAX': Kind.SUM,
    'ELEMENTWISE': Kind.ARITHMETIC, 'UNARY': Kind.ARITHMETIC, 'ACTIVATION': Kind.ARITHMETIC,
    'SHUFFLE': Kind.SHAPE, 'SLICE': Kind.SHAPE, 'CONCATENATION': Kind.SHAPE,
    'GATHER': Kind.SHAPE, 'TOPK': Kind.SHAPE, 'IDENTITY': Kind.SHAPE, 'CAST': Kind.SHAPE,
    'SQUEEZE': Kind.SHAPE, 'UNSQUEEZE': Kind.SHAPE,
}
"""By ``LayerType``."""
_PRODUCTS = {'CONVOLUTION', 'MATRIX_MULTIPLY', 'FULLY_CONNECTED', 'DECONVOLUTION'}
_WORDS = tuple((kind, re.compile(words, re.IGNORECASE)) for kind, words in (
    ('float16', 'FP16|Half|Float16'), ('float32', 'FP32|Float'), ('int8', r'\bInt8')))
"""What an engine says of a tensor, in any version; the first that fits."""


class Precision(NamedTuple):
    """How many layers of an engine give float16, how many int8, and how many any such number."""

    float16: int
    int8: int
    all: int

    def __str__(self) -> str:
        """Write it as diagnostics do."""
        if not self.all:
            return 'unknown'
        parts = [f'{name} in {count}' for name, count in (('int8', self.int8),
                                                          ('float16', self.float16)) if count]
        return f'{" and ".join(parts)} of {self.all} layers' if parts else 'float32'


def sensitive_nodes(kinds: Sequence[Kind], sources: Sequence[Sequence[int]],
                    outputs: Sequence[int]) -> Set[int]:
    """
    Find the nodes of a graph that must compute in float32.

    These are every sum and row; all arithmetic on their results, up to the next node of another
    kind; arithmetic whose result goes to such nodes only, as the squares under a sum do; all
    arithmetic behind the last product, as the decoding of boxes; and what moves values from these
    to these or to an output.

    :param kinds: of the nodes, each behind those whose results it takes
    :param sources: of each node, the nodes whose results it takes, constants left out
    :param outputs: the nodes whose results leave the graph
    :return: their indices
    """
    readers: List[List[int]] = [[] for _ in kinds]
    for index, taken in enumerate(sources):
        for source in taken:
            readers[source].append(index)
    found: Set[int] = set()
    for index, kind in enumerate(kinds):
        if kind in (Kind.SUM, Kind.ROW) or (
                kind is Kind.ARITHMETIC and found.intersection(sources[index])):
            found.add(index)
    found.update([source for index in found for source in sources[index]
                  if kinds[source] is Kind.ARITHMETIC and found.issuperset(readers[source])])
    found.update(index for index in _behind_products(kinds, sources, outputs)
                 if kinds[index] is Kind.ARITHMETIC)
    for index, kind in enumerate(kinds):
        if kind is Kind.SHAPE and sources[index] and found.issuperset(sources[index]):
            found.add(index)
    for index in reversed(range(len(kinds))):
        if kinds[index] is Kind.SHAPE and index not in outputs and not (
                readers[index] and found.issuperset(readers[index])):
            found.discard(index)
    return found


def _behind_products(kinds: Sequence[Kind], sources: Sequence[Sequence[int]],
                     outputs: Sequence[int]) -> Set[int]:
    """Find the nodes from which no product leads to an output."""
    behind: Set[int] = set()
    waiting = list(outputs)
    while waiting:
        index = waiting.pop()
        if kinds[index] not in (Kind.OTHER, Kind.ROW) and index not in behind:
            behind.add(index)
            waiting.extend(sources[index])
    return behind


def sensitive_layers(network: Any) -> List[Any]:
    """
    Find the layers of a network that must compute in float32.

    :param network: a parsed ``INetworkDefinition``
    :return: the layers that give floating-point numbers among :func:`sensitive_nodes`
    """
    layers = [network.get_layer(index) for index in range(network.num_layers)]
    kinds = [_kind(layer) for layer in layers]
    makers = {name: index for index, layer in enumerate(layers) for name in _outputs(layer)}
    taken = [[makers[name] for name in _inputs(layer) if name in makers] for layer in layers]
    constants = {index for index, layer in enumerate(layers) if layer.type.name == 'CONSTANT'}
    # The parser may write a constant behind its reader, and moves it about.
    while True:
        moved = {index for index, kind in enumerate(kinds) if kind is Kind.SHAPE
                 and taken[index] and constants.issuperset(taken[index])} - constants
        if not moved:
            break
        constants |= moved
    sources = [[source for source in those if source not in constants] for those in taken]
    outputs = [makers[network.get_output(index).name] for index in range(network.num_outputs)
               if network.get_output(index).name in makers]
    return [layers[index] for index in sorted(sensitive_nodes(kinds, sources, outputs))
            if layers[index].get_output(0).dtype.name in ('FLOAT', 'HALF')]


def is_quantized(network: Any) -> bool:
    """
    Tell whether a model says by itself which layers compute in int8.

    :param network: a parsed ``INetworkDefinition``
    :return: whether any layer quantizes
    """
    return any(layer.type.name == 'QUANTIZE'
               for layer in map(network.get_layer, range(network.num_layers)))


def is_float16(network: Any) -> bool:
    """
    Tell whether a model says by itself which layers compute in float16.

    Float16 weights alone do not: a cast in front of float32 arithmetic saves space in the file.

    :param network: a parsed ``INetworkDefinition``
    :return: whether any product is one of float16 numbers
    """
    return any(layer.type.name in _PRODUCTS and layer.get_output(0).dtype.name == 'HALF'
               for layer in map(network.get_layer, range(network.num_layers)))


def read_precision(trt: Any, engine: Any) -> Precision:
    """
    Read from an engine what its layers compute in.

    :param trt: the module that the engine is of
    :param engine: an ``ICudaEngine``, built with detailed profiling
    :return: the precision; of no layers when the engine says nothing about them
    """
    inspector = engine.create_engine_inspector()
    text = inspector.get_engine_information(trt.LayerInformationFormat.JSON)
    layers = [layer for layer in json.loads(text).get('Layers', []) if isinstance(layer, dict)]
    kinds = [_kind_of_output(layer) for layer in layers]
    return Precision(kinds.count('float16'), kinds.count('int8'), len(kinds) - kinds.count(''))


def _kind_of_output(layer: Dict[str, Any]) -> str:
    """Give what a layer writes; one text up to TensorRT 10, a field of its own from 11 on."""
    for tensor in layer.get('Outputs', []):
        text = str(tensor.get('Datatype', tensor.get('Format/Datatype', '')))
        for kind, words in _WORDS:
            if words.search(text):
                return kind
    return ''


def is_row(shape: Sequence[int]) -> bool:
    """
    Tell whether a tensor is one row of numbers, so that it costs next to nothing to compute.

    :param shape: of the tensor
    :return: whether all sizes but one are 1
    """
    return sum(size != 1 for size in shape) <= 1


def _kind(layer: Any) -> Kind:
    name = layer.type.name
    if name in _PRODUCTS:
        # Of each frame of a batch.
        return Kind.ROW if is_row(tuple(layer.get_output(0).shape)[1:]) else Kind.OTHER
    return _KINDS.get(name, Kind.OTHER)


def _inputs(layer: Any) -> Iterator[str]:
    tensors = (layer.get_input(index) for index in range(layer.num_inputs))
    return (tensor.name for tensor in tensors if tensor is not None)


def _outputs(layer: Any) -> Iterator[str]:
    return (layer.get_output(index).name for index in range(layer.num_outputs))
