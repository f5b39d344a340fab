"""
What TensorRT 8.2 reads, the last one for the Jetson Nano.

Source: DEFINE_BUILTIN_OP_IMPORTER in builtin_op_importers.cpp of onnx/onnx-tensorrt, branch
8.2-GA, without TensorRT's own operators; docs/operators.md there.
"""

import onnx
from onnx import TensorProto, numpy_helper

from edgenext_core.runtime.errors import EdgeNextError

_OPERATORS = (
    'Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh AveragePool BatchNormalization '
    'Cast Ceil Celu Clip Concat Constant ConstantOfShape Conv ConvTranspose Cos Cosh CumSum '
    'DepthToSpace DequantizeLinear Div Dropout Einsum Elu Equal Erf Exp Expand EyeLike Flatten '
    'Floor GRU Gather GatherElements GatherND Gemm GlobalAveragePool GlobalLpPool GlobalMaxPool '
    'Greater GreaterOrEqual HardSigmoid Identity If ImageScaler InstanceNormalization IsNaN LRN '
    'LSTM LeakyRelu Less LessOrEqual Log LogSoftmax Loop LpNormalization LpPool MatMul Max '
    'MaxPool Mean Min Mul Neg NonMaxSuppression Not Or PRelu Pad ParametricSoftplus Pow '
    'QuantizeLinear RNN RandomUniform RandomUniformLike Range Reciprocal ReduceL1 ReduceL2 '
    'ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum '
    'ReduceSumSquare Relu Reshape Resize ReverseSequence Round ScaledTanh Scan Scatter '
    'ScatterElements ScatterND Selu Shape Sigmoid Sign Sin Sinh Size Slice Softmax Softplus '
    'Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum Tan Tanh ThresholdedRelu Tile TopK '
    'Transpose Unsqueeze Upsample Where')
OPERATORS = frozenset(_OPERATORS.split())
OPSET = 13
LARGEST_TOP_K = 3840
_BORDER_TYPES = (TensorProto.FLOAT, TensorProto.INT32)
_NAMES = {number: name for name, number in TensorProto.DataType.items()}


class ParserError(EdgeNextError):
    """A graph has what a parser does not read: export it for another target."""


def require_readable(model: onnx.ModelProto) -> None:
    """
    Check that TensorRT 8.2 can read a model.

    :param model: the model
    :raises ParserError: when its opset is newer, an operator is not known, a TopK has a K that is
        computed or too large, or a type at the border of the graph is neither float32 nor int32
    """
    problem = _problem_of_opset(model) or _problem_of_nodes(model.graph) or _problem_of_types(
        model.graph)
    if problem:
        raise ParserError('TensorRT 8.2, the last one for a Jetson Nano, cannot read this graph: '
                          f'{problem}; export for another target, or choose another network')


def _problem_of_opset(model: onnx.ModelProto) -> str | None:
    for opset in model.opset_import:
        if opset.domain or opset.version > OPSET:
            return (f'it is of opset {opset.domain or "ai.onnx"} {opset.version}, the newest read '
                    f'is ai.onnx {OPSET}')
    return None


def _problem_of_nodes(graph: onnx.GraphProto) -> str | None:
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type not in OPERATORS:
            return f'it has the operator {node.op_type}, which came later'
        if node.op_type != 'TopK':
            continue
        if node.input[1] not in constants:
            return 'the K of its TopK is computed, not a constant'
        count = int(numpy_helper.to_array(constants[node.input[1]]).item())
        if count > LARGEST_TOP_K:
            return f'the K of its TopK is {count}, at most {LARGEST_TOP_K} is possible'
    return None


def _problem_of_types(graph: onnx.GraphProto) -> str | None:
    for value in [*graph.input, *graph.output]:
        kind = value.type.tensor_type.elem_type
        if kind not in _BORDER_TYPES:
            return (f'its {value.name} is of type {_NAMES[kind]}, only FLOAT and INT32 can go in '
                    'and out')
    return None
