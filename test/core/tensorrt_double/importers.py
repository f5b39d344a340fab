"""
The ONNX operators that each parser imports.

The names in DEFINE_BUILTIN_OP_IMPORTER of onnx/onnx-tensorrt, builtin_op_importers.cpp at 8.2-GA,
8.5-GA and 8.6-GA and onnxOpImporters.cpp at 10.1-GA, but TensorRT's own ones; that of 10.1 stands
for 10.3, 10.13 and 11, whose parsers are newer and not published there.
"""

from tensorrt_double.api_table import VERSIONS

_ADDED = {
    '8.2': (
        'Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh AveragePool '
        'BatchNormalization Cast Ceil Celu Clip Concat Constant ConstantOfShape Conv '
        'ConvTranspose Cos Cosh CumSum DepthToSpace DequantizeLinear Div Dropout Einsum '
        'Elu Equal Erf Exp Expand EyeLike Flatten Floor GRU Gather GatherElements '
        'GatherND Gemm GlobalAveragePool GlobalLpPool GlobalMaxPool Greater '
        'GreaterOrEqual HardSigmoid Identity If ImageScaler InstanceNormalization IsNaN '
        'LRN LSTM LeakyRelu Less LessOrEqual Log LogSoftmax Loop LpNormalization LpPool '
        'MatMul Max MaxPool Mean Min Mul Neg NonMaxSuppression Not Or PRelu Pad '
        'ParametricSoftplus Pow QuantizeLinear RNN RandomUniform RandomUniformLike Range '
        'Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean '
        'ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape Resize '
        'ReverseSequence Round ScaledTanh Scan Scatter ScatterElements ScatterND Selu '
        'Shape Sigmoid Sign Sin Sinh Size Slice Softmax Softplus Softsign SpaceToDepth '
        'Split Sqrt Squeeze Sub Sum Tan Tanh ThresholdedRelu Tile TopK Transpose '
        'Unsqueeze Upsample Where'),
    '8.5': (
        'GridSample HardSwish MeanVarianceNormalization Mod NonZero OneHot RandomNormal '
        'RandomNormalLike RoiAlign Shrink Trilu Xor'),
    '8.6': (
        'GroupNormalization IsInf LayerNormalization'),
    '10.3': (
        'CastLike DeformConv Gelu Hardmax Mish'),
}


def importers_of(version):
    """Give the operators that a version's parser imports."""
    known = VERSIONS[:VERSIONS.index(version) + 1]
    return {name for first, names in _ADDED.items() if first in known for name in names.split()}
