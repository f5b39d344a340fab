"""Which layers must compute in float32, and what is read back from an engine."""

import json

import pytest

from edgenext_core.runtime.engines.precision import (
    Kind,
    Precision,
    read_precision,
    sensitive_nodes,
)

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
    ('Format/Datatype', 'Row major linear FP32', Precision(0, 1)),
    ('Format/Datatype', 'Channel major FP16 format where channel % 8 == 0', Precision(1, 1)),
    ('Format/Datatype', 'Row major linear FP16 format', Precision(1, 1)),
    ('Format/Datatype', 'Half', Precision(1, 1)),
    ('Format/Datatype', 'Float', Precision(0, 1)),
    ('Format/Datatype', 'Row major linear INT32 format', Precision(0, 0)),
    ('Datatype', 'Half', Precision(1, 1)),
    ('Datatype', 'Float', Precision(0, 1)),
    ('Datatype', 'Int32', Precision(0, 0)),
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
    assert str(Precision(6, 22)) == 'float16 in 6 of 22 layers'
