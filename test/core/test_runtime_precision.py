"""Which layers must compute in float32, and what is read back from an engine."""

import json

import onnx
import pytest
import tensorrt_double
from tensorrt_double.api_table import API, names_of
from tiny_networks import make_network
from tiny_onnx import NORM_NODES, SENSITIVE_NODES, write_tiny_network

from edgenext_core.export.graphs import folded_graph
from edgenext_core.export.onnx_file import to_onnx
from edgenext_core.export.targets import EXPORT_TARGETS
from edgenext_core.runtime.engines.precision import (
    Kind,
    Precision,
    is_float16,
    read_precision,
    sensitive_layers,
    sensitive_nodes,
)


def parse(trt, path):
    builder = trt.Builder(trt.Logger())
    flag = getattr(trt.NetworkDefinitionCreationFlag, 'EXPLICIT_BATCH', None)
    network = builder.create_network(0 if flag is None else 1 << int(flag))
    parser = trt.OnnxParser(network, trt.Logger())
    with open(path, 'rb') as stream:
        assert parser.parse(stream.read())
    return network


def test_layer_norm_l2_norm_and_softmax_are_found_in_every_version(tensorrt_version, tmp_path):
    import tensorrt
    network = parse(tensorrt, write_tiny_network(tmp_path / 'x.onnx',
                                                 uint8=tensorrt_version != '8.2'))
    names = {layer.name for layer in sensitive_layers(network)}
    assert names.issuperset(SENSITIVE_NODES)
    assert not names.intersection({'pixels', 'planes', 'stem', 'tokens', 'mixed', 'best'})
    assert not is_float16(network)


@pytest.mark.parametrize('tensorrt_version', ['8.6', '10.3', '10.13', '11'], indirect=True)
def test_a_layer_norm_in_one_piece_is_found(tensorrt_version, tmp_path):
    import tensorrt
    network = parse(tensorrt, write_tiny_network(tmp_path / 'x.onnx', opset=17))
    names = {layer.name for layer in sensitive_layers(network)}
    assert names.issuperset({'norm', *SENSITIVE_NODES} - set(NORM_NODES))


def test_they_are_found_in_the_networks_of_the_real_parser(tmp_path):
    trt = pytest.importorskip('tensorrt_rtx')
    network = parse(trt, write_tiny_network(tmp_path / 'x.onnx'))
    names = {layer.name for layer in sensitive_layers(network)}
    assert names.issuperset(SENSITIVE_NODES)
    assert not names.intersection({'pixels', 'planes', 'stem', 'tokens', 'mixed'})


@pytest.mark.parametrize('task', ['classification', 'detection', 'segmentation'])
def test_the_double_and_the_real_parser_agree_on_the_demo_models(tmp_path, task):
    trt = pytest.importorskip('tensorrt_rtx')
    real = sensitive_layers(parse(trt, f'engines/demo/{task}.onnx'))
    with tensorrt_double.installed('8.6', tmp_path):
        import tensorrt
        double = sensitive_layers(parse(tensorrt, f'engines/demo/{task}.onnx'))
        assert len(double) == len(real)
        assert {layer.name for layer in double if layer.type.name == 'REDUCE'} <= {
            layer.name.rsplit('_', 1)[0] for layer in real} | {layer.name for layer in real}
        del double


def test_a_batch_has_the_layers_of_one_frame(tmp_path):
    graph = folded_graph('classification', make_network('classification'), height=64, width=64)
    found = []
    with tensorrt_double.installed('8.6', tmp_path):
        import tensorrt
        for batch in (1, 3):
            path = str(tmp_path / f'{batch}.onnx')
            onnx.save(to_onnx(graph, height=64, width=64, batch=batch,
                              target=EXPORT_TARGETS['jetson-nano']), path)
            network = parse(tensorrt, path)
            found.append([layer.name for layer in sensitive_layers(network)])
            del network

    assert found[0] == found[1]


KINDS = {'P': Kind.OTHER, 'R': Kind.ROW, 'S': Kind.SUM, 'A': Kind.ARITHMETIC, 'M': Kind.SHAPE}
"""Product, row, sum, arithmetic, and what moves values."""


@pytest.mark.parametrize('what, kinds, sources, outputs, expected', [
    ('arithmetic on a product stays out', 'PAAP', [[], [0], [1], [2]], [3], set()),
    ('what follows a sum', 'PSAAP', [[], [0], [0, 1], [2], [3]], [4], {1, 2, 3}),
    ('not beyond another kind', 'PSAMAP', [[], [0], [1], [2], [3], [4]], [5], {1, 2}),
    ('a square that only a sum takes', 'PASP', [[], [0, 0], [1], [2]], [3], {1, 2}),
    ('not one that others take', 'PASP', [[], [0], [1], [1, 2]], [3], {2}),
    ('all behind the last product', 'PAMA', [[], [0], [1], [2]], [3], {1, 2, 3}),
    ('not what only moves products', 'PMM', [[], [0], [1]], [2], set()),
    ('what moves values between them', 'PSMMRP', [[], [0], [1], [2], [3], [4]], [5],
     {1, 2, 3, 4}),
    ('not what moves values on', 'PSMP', [[], [0], [1], [2]], [3], {1}),
    ('a row and what follows', 'PRAP', [[], [0], [1], [2]], [3], {1, 2}),
    ('two outputs', 'PPAM', [[], [0], [1], [0]], [2, 3], {2}),
])
def test_the_rule(what, kinds, sources, outputs, expected):
    found = sensitive_nodes([KINDS[letter] for letter in kinds], sources, outputs)
    assert found == expected, what


class Engine:
    """Says what it is told to say."""

    def __init__(self, information):
        self.information = information

    def create_engine_inspector(self):
        return self

    def get_engine_information(self, layer_information_format):
        return json.dumps(self.information)


class Trt:
    """The part of TensorRT that asks for JSON."""

    class LayerInformationFormat:
        """The formats."""

        JSON = 'JSON'


@pytest.mark.parametrize('name, text, expected', [
    ('Format/Datatype', 'Row major linear FP32', Precision(0, 0, 1)),
    ('Format/Datatype', 'Channel major FP16 format where channel % 8 == 0', Precision(1, 0, 1)),
    ('Format/Datatype', 'Row major linear FP16 format', Precision(1, 0, 1)),
    ('Format/Datatype', 'Four wide channel vectorized row major Int8 format', Precision(0, 1, 1)),
    ('Datatype', 'Int8', Precision(0, 1, 1)),
    ('Datatype', 'UInt8', Precision(0, 0, 0)),
    ('Format/Datatype', 'Half', Precision(1, 0, 1)),
    ('Format/Datatype', 'Float', Precision(0, 0, 1)),
    ('Format/Datatype', 'Row major linear INT32 format', Precision(0, 0, 0)),
    ('Datatype', 'Half', Precision(1, 0, 1)),
    ('Datatype', 'Float', Precision(0, 0, 1)),
    ('Datatype', 'Int32', Precision(0, 0, 0)),
])
def test_every_way_to_say_float16_is_read(name, text, expected):
    layers = [{'Name': 'x', 'Outputs': [{'Name': 'y', name: text}]}]
    assert read_precision(Trt, Engine({'Layers': layers})) == expected


@pytest.mark.parametrize('information', [{}, {'Layers': []}, {'Layers': ['names', 'only']},
                                         {'Layers': [{'Name': 'x'}]}])
def test_an_engine_that_says_nothing_has_an_unknown_precision(information):
    precision = read_precision(Trt, Engine(information))
    assert str(precision) == 'unknown'


def test_a_precision_is_written_as_a_few_words():
    assert str(Precision(6, 0, 22)) == 'float16 in 6 of 22 layers'
    assert str(Precision(6, 9, 22)) == 'int8 in 9 and float16 in 6 of 22 layers'
    assert str(Precision(0, 0, 22)) == 'float32'


@pytest.mark.parametrize('version', tensorrt_double.VERSIONS)
def test_the_kinds_of_layers_are_those_of_tensorrt(version):
    from edgenext_core.runtime.engines.precision import _KINDS, _PRODUCTS
    later = {'NORMALIZATION', 'CAST', 'SQUEEZE', 'UNSQUEEZE', 'FULLY_CONNECTED'}
    assert set(_KINDS) | _PRODUCTS <= names_of(version, API['LayerType']) | later
