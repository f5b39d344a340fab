"""The target table, and what TensorRT 8.2 reads."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgenext_core.export.targets import EXPORT_TARGETS, ExportError, find_target
from edgenext_core.export.tensorrt_8_2 import OPERATORS, ParserError, require_readable
from edgenext_core.runtime.model_card import INPUT_DTYPES, PRECISIONS, TARGETS


def test_there_is_a_row_for_each_target_of_the_card():
    assert list(EXPORT_TARGETS) == list(TARGETS)
    for target in EXPORT_TARGETS.values():
        assert target.precision in PRECISIONS
        assert target.input_dtype in INPUT_DTYPES
    assert len({target.suffix for target in EXPORT_TARGETS.values()}) == len(TARGETS)


def test_a_target_is_found_by_name_and_the_nearest_one_is_named():
    assert find_target('tensorrt') is EXPORT_TARGETS['tensorrt']
    with pytest.raises(ExportError, match="no target 'nano', did you mean jetson-nano"):
        find_target('nano')


def graph_of(nodes, *, dtype=TensorProto.FLOAT, out=TensorProto.FLOAT, opset=13, k=3):
    """Give a model of some nodes from ``image`` to ``out``."""
    graph = helper.make_graph(
        nodes, 'one', [helper.make_tensor_value_info('image', dtype, (1, 5000))],
        [helper.make_tensor_value_info('out', out, None)],
        [numpy_helper.from_array(np.array([k], np.int64), 'k')])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid('', opset)])


def test_what_8_2_imports_is_readable():
    require_readable(graph_of([helper.make_node('Relu', ['image'], ['out'])]))
    require_readable(graph_of([helper.make_node('TopK', ['image', 'k'], ['out', 'ids'])], k=3840))
    assert 'LayerNormalization' not in OPERATORS and 'HardSwish' not in OPERATORS
    assert len(OPERATORS) == 130


@pytest.mark.parametrize(('model', 'problem'), [
    (graph_of([helper.make_node('HardSwish', ['image'], ['out'])]),
     'it has the operator HardSwish, which came later'),
    (graph_of([helper.make_node('Relu', ['image'], ['out'])], opset=17),
     'it is of opset ai.onnx 17, the newest read is ai.onnx 13'),
    (graph_of([helper.make_node('TopK', ['image', 'k'], ['out', 'ids'])], k=3841),
     'the K of its TopK is 3841, at most 3840 is possible'),
    (graph_of([helper.make_node('Identity', ['k'], ['count']),
               helper.make_node('TopK', ['image', 'count'], ['out', 'ids'])]),
     'the K of its TopK is computed, not a constant'),
    (graph_of([helper.make_node('Cast', ['image'], ['out'], to=TensorProto.FLOAT)],
              dtype=TensorProto.UINT8), 'its image is of type UINT8, only FLOAT and INT32'),
    (graph_of([helper.make_node('ArgMax', ['image'], ['out'])], out=TensorProto.INT64),
     'its out is of type INT64, only FLOAT and INT32'),
])
def test_what_8_2_does_not_read_is_refused_in_one_sentence(model, problem):
    with pytest.raises(ParserError) as caught:
        require_readable(model)
    assert str(caught.value) == (
        'TensorRT 8.2, the last one for a Jetson Nano, cannot read this graph: '
        f'{problem}{str(caught.value).partition(problem)[2]}')
    assert 'export for another target' in str(caught.value)


def test_an_operator_of_another_domain_is_refused():
    model = graph_of([helper.make_node('FusedConv', ['image'], ['out'], domain='com.microsoft')])
    model.opset_import.append(helper.make_opsetid('com.microsoft', 1))
    with pytest.raises(ParserError, match='opset com.microsoft 1'):
        require_readable(model)

