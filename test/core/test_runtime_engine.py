"""Opening a model: what is checked, what is refused and in which words."""

import json
import shutil

import numpy as np
import onnx
import pytest
from constant_models import (
    answers_of,
    card_of,
    write_constant_model,
    write_copying_segmenter,
)
from onnx import TensorProto

from edgenext_core.runtime.card_file import METADATA_KEY, card_from_json
from edgenext_core.runtime.engines.backends import open_engine
from edgenext_core.runtime.errors import EngineError, ModelCardError
from edgenext_core.runtime.tasks import TASKS

IMAGE = np.zeros((1, 24, 32, 3), np.uint8)


@pytest.mark.parametrize('task', TASKS)
def test_an_engine_gives_the_models_answers_by_name(tmp_path, task):
    path = write_constant_model(tmp_path / 'm.onnx', card_of(task), answers_of(task))

    engine = open_engine(path, threads=2)
    outputs = engine.infer(IMAGE)

    assert engine.backend == 'onnxruntime' and engine.version[0].isdigit()
    assert engine.card == card_from_json(json.dumps(card_of(task)))
    assert set(outputs) == set(answers_of(task))
    for name, value in answers_of(task).items():
        np.testing.assert_array_equal(outputs[name], value)


def test_the_network_sees_the_pixels_that_it_is_given(tmp_path):
    path = write_copying_segmenter(tmp_path / 'm.onnx', card_of('segmentation'))
    image = np.random.default_rng(0).integers(0, 3, IMAGE.shape).astype(np.uint8)

    card = card_of('segmentation', labels=[str(i) for i in range(256)],
                   colors_rgb=[[0, 0, 0]] * 256)
    outputs = open_engine(write_copying_segmenter(path, card)).infer(image)

    np.testing.assert_array_equal(outputs['class_ids'], image[:, :, :, 0])


def test_a_path_object_and_a_name_with_spaces_open(tmp_path):
    path = tmp_path / 'ein Modell é.onnx'
    write_constant_model(path, card_of('detection'), answers_of('detection'))

    assert open_engine(path).card.task == 'detection'


def larger(**sizes):
    return dict(card_of('detection')['input'], **sizes)


@pytest.mark.parametrize('task, card, answers, message', [
    ('detection', {'input': larger(height=48)}, {},
     r'input is image uint8 \(1, 48, 32, 3\), the graph has image uint8 \(1, 24, 32, 3\)'),
    ('detection', {'input': larger(name='pixels')}, {},
     r'input is pixels uint8 .* has image uint8'),
    ('classification', {'labels': ['a', 'b'], 'colors_rgb': [[0, 0, 0]] * 2}, {},
     r'output is probabilities float32 \(1, 2\), the graph has probabilities float32 \(1, 3\)'),
    ('detection', {'labels': ['a', 'b'], 'colors_rgb': [[0, 0, 0]] * 2}, {},
     r'output is scores float32 \(1, \?, 2\), the graph has scores float32 \(1, 3, 3\)'),
    ('detection', {}, {'boxes': np.zeros((1, 3, 5), np.float32)},
     r'output is boxes float32 \(1, \?, 4\), the graph has boxes float32 \(1, 3, 5\)'),
    ('detection', {}, {'boxes': np.zeros((1, 4, 4), np.float32)},
     r'm\.onnx: the graph gives scores for 3 anchors and another output for 4'),
    ('detection', {}, {'scores': np.zeros((1, 3, 3), np.float64)},
     r'output is scores float32 .*, the graph has scores float64'),
    ('segmentation', {}, {'class_ids': np.zeros((1, 6, 8), np.int32)},
     r'output is class_ids int32 \(1, 24, 32\), the graph has class_ids int32 \(1, 6, 8\)'),
    ('segmentation', {}, {'class_ids': np.zeros((1, 24, 32), np.int64)},
     r'the graph has class_ids int64'),
])
def test_a_card_that_lies_is_found_out_at_open(tmp_path, task, card, answers, message):
    path = write_constant_model(tmp_path / 'm.onnx', card_of(task, **card),
                                dict(answers_of(task), **answers))

    with pytest.raises(ModelCardError, match=message) as caught:
        open_engine(path)

    assert str(caught.value).startswith(path)
    assert 're-export the model with: edgenext export' in str(caught.value)


def test_a_card_of_another_task_than_the_graphs_is_found_out(tmp_path):
    path = write_constant_model(tmp_path / 'm.onnx', card_of('segmentation'),
                                answers_of('classification'))

    with pytest.raises(ModelCardError, match=r'output is class_ids .* graph has probabilities;'):
        open_engine(path)


@pytest.mark.parametrize('changes, shown', [
    ({'input_type': TensorProto.FLOAT}, r'image float32 \(1, 24, 32, 3\)'),
    ({'input_shape': (1, 3, 24, 32)}, r'image uint8 \(1, 3, 24, 32\)'),
    ({'input_shape': ('batch', 24, 32, 3)}, r'image uint8 \(\?, 24, 32, 3\)'),
])
def test_an_input_of_another_layout_is_found_out(tmp_path, changes, shown):
    path = write_constant_model(tmp_path / 'm.onnx', card_of('detection'),
                                answers_of('detection'), **changes)

    with pytest.raises(ModelCardError, match='the graph has ' + shown):
        open_engine(path)


def test_an_output_whose_shape_is_left_open_is_checked_by_running(tmp_path):
    path = write_constant_model(tmp_path / 'm.onnx', card_of('classification'),
                                {'probabilities': np.zeros((1, 4), np.float32)})
    model = onnx.load(path)
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_param = 'classes'
    onnx.save(model, path)

    with pytest.raises(ModelCardError, match=r'float32 \(1, 3\), the graph has .* \(1, 4\)'):
        open_engine(path)


@pytest.mark.parametrize('place', ['camera', 'light'])
def test_files_that_are_no_models_are_refused(tmp_path, place):
    path = tmp_path / (place + '.onnx')
    path.write_bytes(b'\xff\xd8\xff\xe0 a photograph')

    with pytest.raises(EngineError, match=place + r'\.onnx is a JPEG picture, expected an ONNX'):
        open_engine(str(path))


def test_a_missing_model_is_refused(tmp_path):
    with pytest.raises(EngineError, match='there is no model file'):
        open_engine(str(tmp_path / 'm.onnx'))


def test_a_damaged_graph_is_refused_with_the_backends_words(tmp_path):
    path = tmp_path / 'm.onnx'
    write_constant_model(path, card_of('detection'), answers_of('detection'))
    path.write_bytes(path.read_bytes().replace(b'Identity', b'Identitx'))

    with pytest.raises(EngineError, match=r'ONNX Runtime .* cannot load .*m\.onnx; .*Identitx'):
        open_engine(str(path))


def test_a_graph_with_names_that_are_no_text_is_refused(tmp_path):
    path = tmp_path / 'm.onnx'
    write_constant_model(path, card_of('detection'), answers_of('detection'))
    graph, mark, card = path.read_bytes().partition(METADATA_KEY.encode())
    path.write_bytes(graph.replace(b'scores', b'\x87cores') + mark + card)

    with pytest.raises(EngineError, match='cannot load'):
        open_engine(str(path))


def test_unknown_backends_and_thread_counts_are_refused(tmp_path):
    path = write_constant_model(tmp_path / 'm.onnx', card_of('detection'),
                                answers_of('detection'))

    with pytest.raises(EngineError, match="no backend 'cuda', expected one of: auto, tensorrt, "):
        open_engine(path, backend='cuda')
    with pytest.raises(EngineError, match='threads is 0, expected at least 1'):
        open_engine(path, threads=0)


def test_a_wrong_image_is_refused_in_one_line(tmp_path):
    path = write_copying_segmenter(tmp_path / 'm.onnx', card_of('segmentation', labels=[
        str(i) for i in range(256)], colors_rgb=[[0, 0, 0]] * 256))
    engine = open_engine(path)

    with pytest.raises(EngineError, match=r'failed to run the model \(it says: .*33') as caught:
        engine.infer(np.zeros((1, 24, 33, 3), np.uint8))
    assert '\n' not in str(caught.value)


def test_a_closed_engine_says_so_and_closes_twice(tmp_path):
    path = write_constant_model(tmp_path / 'm.onnx', card_of('detection'),
                                answers_of('detection'))
    engine = open_engine(path)

    engine.close()
    engine.close()

    with pytest.raises(EngineError, match='the engine is closed; open the model again'):
        engine.infer(IMAGE)


def test_an_open_engine_does_not_need_its_file(tmp_path):
    folder = tmp_path / 'models'
    folder.mkdir()
    engine = open_engine(write_constant_model(
        folder / 'm.onnx', card_of('detection'), answers_of('detection')))

    shutil.rmtree(str(folder))

    assert engine.infer(IMAGE)['boxes'].shape == (1, 3, 4)
