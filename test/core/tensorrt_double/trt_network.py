"""
A network as the ONNX parser leaves it, with the layers that the real parser makes of a node.

What it makes of ReduceL2, LayerNormalization, Softmax, Gemm, Cast and of constants follows
onnx/onnx-tensorrt (8.2-GA) and a look at the layers that TensorRT-RTX 1.7 parses: a layer is named
after its node, further layers of a node and of no node have names of their own, and so have their
tensors; a node's outputs keep the ONNX names.
"""

import onnx

from tensorrt_double.api_table import OPSETS, VERSIONS
from tensorrt_double.importers import importers_of
from tensorrt_double.trt_types import Dims, dtype_name, log

_ELEMENTWISE = {'Add', 'Sub', 'Mul', 'Div', 'Pow', 'Min', 'Max', 'Sum', 'And', 'Or', 'Equal',
                'Less', 'Greater'}
_UNARY = {'Sqrt', 'Exp', 'Erf', 'Log', 'Abs', 'Neg', 'Reciprocal', 'Floor', 'Ceil', 'Not', 'Sin',
          'Cos', 'Round', 'Sign'}
_ACTIVATION = {'Relu', 'Sigmoid', 'Tanh', 'HardSigmoid', 'LeakyRelu', 'Elu', 'Softplus',
               'HardSwish', 'Gelu'}
_SHUFFLE = {'Reshape', 'Transpose', 'Flatten', 'Squeeze', 'Unsqueeze', 'DepthToSpace'}
_OTHER = {'Conv': 'CONVOLUTION', 'ConvTranspose': 'DECONVOLUTION', 'MatMul': 'MATRIX_MULTIPLY',
          'Concat': 'CONCATENATION', 'Slice': 'SLICE', 'Expand': 'SLICE', 'Pad': 'SLICE',
          'Gather': 'GATHER', 'Resize': 'RESIZE', 'TopK': 'TOPK', 'ArgMax': 'TOPK',
          'MaxPool': 'POOLING', 'AveragePool': 'POOLING', 'Identity': 'IDENTITY',
          'Where': 'SELECT', 'LayerNormalization': 'NORMALIZATION', 'Shape': 'SHAPE',
          'QuantizeLinear': 'QUANTIZE', 'DequantizeLinear': 'DEQUANTIZE'}


class _Layer:
    """One layer: ``inputs`` and ``outputs`` are names of tensors."""

    def __init__(self, kind, name, inputs, outputs):
        self.kind = kind
        self.name = name
        self.inputs = inputs
        self.outputs = outputs
        self.precision = None
        self.output_types = {}


class RefusedError(Exception):
    """What the parser answers with False."""

    def __init__(self, node, code, text):
        super().__init__(text)
        self.node = node
        self.code = code


class ParserError:
    """An error of the parser."""

    def code(self):
        return self._code

    def desc(self):
        return self._desc

    def file(self):
        return 'ModelImporter.cpp'

    def func(self):
        return 'parseGraph'

    def line(self):
        return 0

    def node(self):
        return self._node

    def node_name(self):
        return self._node_name

    def node_operator(self):
        return self._node_operator

    def __str__(self):
        return f'In node {self._node} (parseGraph): {self._code}: {self._desc}'


class ITensor:
    """A tensor of a network; a new Python object whenever it is asked for."""

    @property
    def name(self):
        return self._name

    @property
    def dtype(self):
        return getattr(self._trt.DataType, self._network._tensors[self._name][0])

    @property
    def shape(self):
        return Dims(self._network._tensors[self._name][1])

    @property
    def is_network_input(self):
        return self._name in self._network._inputs

    @property
    def is_network_output(self):
        return self._name in self._network._outputs


class ILayer:
    """A layer of a network, as ``get_layer`` gives it: of no type of its own."""

    @property
    def name(self):
        return self._layer.name

    @name.setter
    def name(self, value):
        self._layer.name = value

    @property
    def type(self):
        kinds = self._trt.LayerType.__members__
        return kinds.get(self._layer.kind, kinds['IDENTITY'])

    @property
    def num_inputs(self):
        return len(self._layer.inputs)

    @property
    def num_outputs(self):
        return len(self._layer.outputs)

    def get_input(self, index):
        return self._tensor(self._layer.inputs[index])

    def get_output(self, index):
        return self._tensor(self._layer.outputs[index])

    def get_output_type(self, index):
        return self.get_output(index).dtype

    def _tensor(self, name):
        return self._network._tensor(name) if name else None

    @property
    def precision(self):
        return self._layer.precision or self._trt.DataType.FLOAT

    @precision.setter
    def precision(self, value):
        self._layer.precision = value

    @property
    def precision_is_set(self):
        return self._layer.precision is not None

    def reset_precision(self):
        self._layer.precision = None

    def set_output_type(self, index, dtype):
        if not 0 <= index < len(self._layer.outputs):
            raise IndexError('index out of range')
        self._layer.output_types[index] = dtype

    def output_type_is_set(self, index):
        return index in self._layer.output_types

    def reset_output_type(self, index):
        self._layer.output_types.pop(index, None)


class INetworkDefinition:
    """A network, empty before it is parsed into."""

    @property
    def num_layers(self):
        return len(self._layers)

    @property
    def num_inputs(self):
        return len(self._inputs)

    @property
    def num_outputs(self):
        return len(self._outputs)

    @property
    def name(self):
        return self._name

    @name.setter
    def name(self, value):
        self._name = value

    def get_layer(self, index):
        return self._trt._make('ILayer', network=self, layer=self._layers[index])

    def get_input(self, index):
        return self._tensor(self._inputs[index])

    def get_output(self, index):
        return self._tensor(self._outputs[index])

    def _tensor(self, name):
        return self._trt._make('ITensor', network=self, name=name)

    @property
    def has_implicit_batch_dimension(self):
        return not self._explicit_batch

    def get_flag(self, flag):
        return bool(self._flags & 1 << int(flag))

    @property
    def flags(self):
        return self._flags


class OnnxParser:
    """The parser; it says False and keeps the errors."""

    def __init__(self, network, logger):
        self._network = network
        self._logger = logger
        self._errors = []

    @property
    def num_errors(self):
        return len(self._errors)

    def get_error(self, index):
        return self._errors[index]

    def clear_errors(self):
        self._errors = []

    def supports_operator(self, op_name):
        return op_name in importers_of(self._trt._version)

    def parse_from_file(self, model):
        with open(model, 'rb') as stream:
            return self.parse(stream.read())

    def parse(self, model, path=None):
        content = bytes(model)
        try:
            _read_into(self._network, content, self._trt._version)
        except RefusedError as refusal:
            node = refusal.node
            self._errors.append(self._trt._make(
                'ParserError', code=refusal.code, desc=str(refusal), node=-1,
                node_name=node.name if node else '', node_operator=node.op_type if node else ''))
            log(self._logger, 'ERROR', f'[{refusal.code}] {refusal}')
            return False
        self._network._onnx = content
        return True


def _read_into(network, content, version):
    try:
        model = onnx.load_from_string(content)
        onnx.checker.check_model(model)
        inferred = onnx.shape_inference.infer_shapes(
            model, check_type=True, strict_mode=True, data_prop=True)
    except Exception as error:
        raise RefusedError(None, 'MODEL_DESERIALIZE_FAILED',
                       f'Failed to parse the ONNX model. {error}') from error
    if not network._explicit_batch:
        raise RefusedError(
            None, 'INVALID_VALUE', 'Assertion failed: This version of the ONNX parser only '
            'supports TensorRT INetworkDefinitions with an explicit batch dimension')
    opset = next(entry.version for entry in model.opset_import if entry.domain in ('', 'ai.onnx'))
    if opset > OPSETS[version]:
        raise RefusedError(None, 'UNSUPPORTED_GRAPH',
                       f'opset {opset}, this parser supports operators up to {OPSETS[version]}')
    graph = inferred.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for value in [*graph.input, *graph.value_info, *graph.output]:
        _note(network, value.name, value.type.tensor_type.elem_type,
              [size.dim_value if size.HasField('dim_value') else -1
               for size in value.type.tensor_type.shape.dim], version)
    for tensor in graph.initializer:
        _note(network, tensor.name, tensor.data_type, tensor.dims, version)
    network._inputs[:] = [value.name for value in graph.input if value.name not in constants]
    network._outputs[:] = [value.name for value in graph.output]
    for name in network._inputs:
        if network._tensors[name][0] == 'UINT8':
            for node in graph.node:
                if name in node.input and node.op_type != 'Cast':
                    raise RefusedError(node, 'UNSUPPORTED_NODE',
                                       f'{node.op_type} takes UINT8, which only a Cast may')
    writer = _Writer(network, constants)
    importers = importers_of(version)
    for node in graph.node:
        if node.op_type not in importers:
            raise RefusedError(node, 'UNSUPPORTED_NODE', 'No importer registered for op: '
                           f'{node.op_type}. Attempting to import as plugin. Plugin not found')
        writer.write(node)


def _note(network, name, elem_type, shape, version):
    dtype = dtype_name(elem_type, version)
    if dtype is None:
        raise RefusedError(
            None, 'UNSUPPORTED_NODE', 'Assertion failed: Failed to convert ONNX data type: '
            f'Unsupported ONNX data type: {onnx.TensorProto.DataType.Name(elem_type)} '
            f'({elem_type})')
    network._tensors[name] = (dtype, tuple(shape))


class _Writer:
    """Writes the layers of a node."""

    def __init__(self, network, constants):
        self._network = network
        self._constants = constants
        self._written = set()

    def write(self, node):
        weights = {'Conv': 1, 'ConvTranspose': 1}.get(node.op_type)
        inputs = []
        for index, name in enumerate(node.input):
            if weights is None or index < weights or name not in self._constants:
                inputs.append(self._constant(name))
        outputs = list(node.output)
        kind = node.op_type
        if kind.startswith(('Reduce', 'Global')):
            self._reduce(node, inputs, outputs)
        elif kind == 'Softmax':
            self._chain(node, inputs, outputs, ['SOFTMAX', 'SHUFFLE'])
        elif kind == 'Clip' and '' not in inputs and self._constants.keys() >= set(inputs[1:]):
            self._add('ACTIVATION', node.name, inputs[:1], outputs)
        elif kind == 'Clip':
            self._chain(node, inputs, outputs, ['ELEMENTWISE', 'ELEMENTWISE'])
        elif kind == 'Gemm':
            self._add('MATRIX_MULTIPLY', node.name, inputs[:2], [self._own(node, outputs)])
            self._add('ELEMENTWISE', '', [self._own(node, outputs), *inputs[2:]], outputs)
        elif kind == 'Split':
            for number, name in enumerate(outputs):
                self._add('SLICE', f'{node.name}_{number}' if number else node.name,
                          inputs[:1], [name])
        elif kind == 'Cast':
            cast = 'CAST' in self._network._trt.LayerType.__members__
            self._add('CAST' if cast else 'IDENTITY', node.name, inputs, outputs)
        else:
            self._add(_kind(kind), node.name, inputs, outputs)

    def _reduce(self, node, inputs, outputs):
        if node.op_type != 'ReduceL2':
            self._add('REDUCE', node.name, inputs[:1], outputs)
            return
        squares, total = f'{node.name}_squares', f'{node.name}_sum'
        self._like(squares, inputs[0])
        self._like(total, outputs[0])
        self._add('ELEMENTWISE', '', [inputs[0], inputs[0]], [squares])
        self._add('REDUCE', node.name, [squares], [total])
        self._add('UNARY', f'{node.name}_1', [total], outputs)

    def _chain(self, node, inputs, outputs, kinds):
        between = self._own(node, outputs)
        self._add(kinds[0], node.name, inputs, [between])
        self._add(kinds[1], '', [between], outputs)

    def _own(self, node, outputs):
        name = f'{node.name}_output'
        self._like(name, outputs[0])
        return name

    def _like(self, name, other):
        self._network._tensors[name] = self._network._tensors[other]

    def _constant(self, name):
        if name in self._constants and name not in self._written:
            self._written.add(name)
            self._add('CONSTANT', name, [], [name])
        return name

    def _add(self, kind, name, inputs, outputs):
        number = len(self._network._layers)
        self._network._layers.append(_Layer(
            kind, name or f'(Unnamed Layer* {number}) [{kind.title()}]', inputs, outputs))


def _kind(op_type):
    if op_type in _ELEMENTWISE:
        return 'ELEMENTWISE'
    if op_type in _UNARY:
        return 'UNARY'
    if op_type in _ACTIVATION:
        return 'ACTIVATION'
    if op_type in _SHUFFLE:
        return 'SHUFFLE'
    return _OTHER.get(op_type, 'IDENTITY')


def newest(version, than):
    """Tell whether a version is that one or newer."""
    return VERSIONS.index(version) >= VERSIONS.index(than)
