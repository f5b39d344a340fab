"""The command edgenext verify, on models that answer as a test wants, and on the demo's."""

import json
import sys

import cv2
import numpy as np
import onnx
import pytest
import tensorrt_double
from built_engines import build
from constant_models import answers_of, card_of, write_constant_model
from full_disk import files_limited_to
from onnx import numpy_helper
from source_tree import ROOT
from tiny_onnx import write_tiny_network

from edgenext_core import cli

DEMO = ROOT / 'engines' / 'demo'


@pytest.fixture
def verify(capsys):
    """Give a function that runs the command and returns status, output and errors."""
    def verify(*words):
        status = cli.main(['verify', *map(str, words)])
        told = capsys.readouterr()
        errors = [line for line in told.err.splitlines() if line.startswith('edgenext: ')]
        assert len(errors) <= 1
        return status, told.out, ''.join(errors)
    return verify


@pytest.fixture
def images(tmp_path):
    """Give a folder with three pictures and a file that is none."""
    folder = tmp_path / 'pictures'
    folder.mkdir()
    draw = np.random.default_rng(0)
    for number in range(3):
        cv2.imwrite(str(folder / f'{number}.png'),
                    draw.integers(0, 256, (30 + number, 40, 3)).astype(np.uint8))
    (folder / 'broken.jpg').write_bytes(b'\xff\xd8\xff nothing')
    return folder


def constant(path, task, answers=None, **changes):
    """Write a model that answers always the same."""
    changes.setdefault('outputs', list(answers or answers_of(task)))
    return write_constant_model(path, card_of(task, **changes), answers or answers_of(task))


def in_precision(precision):
    return {'target': 'cpu', 'precision': precision, 'checkpoint_sha256': '', 'versions': {}}


def perturbed(source, path, *, name, factor):
    """Write a copy of a model with one weight scaled."""
    model = onnx.load(str(source))
    tensor = next(tensor for tensor in model.graph.initializer if name in tensor.name)
    values = numpy_helper.to_array(tensor)
    tensor.CopyFrom(numpy_helper.from_array((values * factor).astype(values.dtype), tensor.name))
    onnx.save(model, str(path))
    return path


@pytest.mark.parametrize('task', ['classification', 'detection', 'segmentation'])
def test_a_model_agrees_with_itself(verify, tmp_path, images, task):
    model = constant(tmp_path / 'a.onnx', task)
    report = tmp_path / 'new' / 'report.json'
    status, out, _ = verify(model, model, '--images', images, '--report', report)

    assert status == 0 and out.splitlines()[-1] == 'A and B agree, by the gates of float32'
    assert f'3 pictures of {images}, 1 could not be decoded' in out
    written = json.loads(report.read_text('utf-8'))
    assert written['kind'] == 'edgenext verify' and written['passed']
    assert written['pictures'] == {'folder': str(images), 'frames': 3, 'unreadable': 1}
    assert written['a'] == written['b'] and written['a']['backend'] == 'onnxruntime'
    assert all(finding['holds'] and finding['worst_frame'] == ''
               for finding in written['findings'])
    assert 0 < written['latency']['a']['p50_ms'] <= written['latency']['a']['p99_ms']


def test_without_pictures_it_says_that_they_are_drawn(verify, tmp_path):
    model = constant(tmp_path / 'a.onnx', 'classification')
    status, out, _ = verify(model, model)
    assert status == 0 and '16 drawn pictures, so this says little of real ones' in out


@pytest.mark.parametrize('task, name, value, failed', [
    ('classification', 'probabilities', [[0.1, 0.699, 0.201]], 'scores, relative difference'),
    ('classification', 'probabilities', [[0.7, 0.1, 0.2]], 'frames with the same best class'),
    ('detection', 'scores', [[[0.85, 0, 0], [0, 0, 0.6], [0.3, 0, 0]]],
     'their scores, largest difference'),
    ('detection', 'scores', [[[0, 0.9, 0], [0, 0, 0.6], [0.3, 0, 0]]],
     'objects that both find, of 48'),
    ('detection', 'boxes', [[[0.25, 0.25, 0.5, 0.76], [0, 0, 0.5, 0.5], [0.5, 0, 1, 1]]],
     'boxes, relative difference'),
    ('segmentation', 'class_ids', np.full((1, 24, 32), 1), 'pixels of the same class'),
])
def test_a_model_that_differs_fails_at_the_gate_for_that(verify, tmp_path, task, name, value,
                                                         failed):
    answers = answers_of(task)
    answers[name] = np.asarray(value).astype(answers[name].dtype)
    status, out, _ = verify(constant(tmp_path / 'a.onnx', task),
                            constant(tmp_path / 'b.onnx', task, answers))
    assert status == 1
    assert out.splitlines()[-1].startswith('A and B differ by more than they may in float32: ')
    assert failed in out.splitlines()[-1]


@pytest.mark.parametrize('precision, status', [('float32', 1), ('float16', 0), ('int8', 0)])
def test_the_gates_are_those_of_the_lower_precision(verify, tmp_path, precision, status):
    answers = {'probabilities': np.array([[0.101, 0.699, 0.2]], np.float32)}
    one = constant(tmp_path / 'a.onnx', 'classification')
    other = constant(tmp_path / 'b.onnx', 'classification', answers,
                     export=in_precision(precision))
    for pair in ((one, other), (other, one)):
        assert verify(*pair)[0] == status


def test_an_int8_file_may_move_every_number_but_few_answers(verify, tmp_path):
    one = constant(tmp_path / 'a.onnx', 'classification')
    for scores, status in (([[0.3, 0.4, 0.3]], 0), ([[0.4, 0.3, 0.3]], 1)):
        other = constant(tmp_path / 'b.onnx', 'classification',
                         {'probabilities': np.array(scores, np.float32)},
                         export=in_precision('int8'))
        assert verify(one, other)[0] == status


def test_numbers_that_are_not_finite_fail_in_int8_too(verify, tmp_path):
    answers = answers_of('detection')
    answers['boxes'][0, 2, 0], answers['scores'][0, 2] = np.nan, 0
    one = constant(tmp_path / 'a.onnx', 'detection', export=in_precision('int8'))
    other = constant(tmp_path / 'b.onnx', 'detection', answers, export=in_precision('int8'))
    status, out, _ = verify(one, other)
    assert status == 1 and 'differ by more than they may in int8: boxes, ' in out


def test_weights_kept_in_float16_count_as_float16_unless_both_are_of_one_file(verify, tmp_path):
    one = write_tiny_network(tmp_path / 'a.onnx')
    model = onnx.load(one)
    for tensor in [tensor for tensor in model.graph.initializer if tensor.name == 'kernel']:
        values = numpy_helper.to_array(tensor).astype(np.float16)
        tensor.CopyFrom(numpy_helper.from_array(values, 'kernel_stored'))
    model.graph.node.insert(0, onnx.helper.make_node('Cast', ['kernel_stored'], ['kernel'], to=1))
    other = tmp_path / 'b.onnx'
    onnx.save(model, str(other))

    status, out, _ = verify(one, other)
    assert status == 0 and out.splitlines()[-1] == 'A and B agree, by the gates of float16'
    assert 'float32 with weights stored in float16' in out.splitlines()[1]
    assert verify(other, other)[1].splitlines()[-1] == 'A and B agree, by the gates of float32'
    again = tmp_path / 'again.onnx'
    again.write_bytes(other.read_bytes())
    assert verify(other, again)[1].splitlines()[-1] == 'A and B agree, by the gates of float32'
    model.producer_name = 'rounded elsewhere'
    onnx.save(model, str(again))
    assert verify(other, again)[1].splitlines()[-1] == 'A and B agree, by the gates of float16'


def test_outputs_of_different_forms_are_compared_by_their_results(verify, tmp_path):
    logits = np.zeros((1, 3, 24, 32), np.float32)
    logits[:, 2] = 1
    one = constant(tmp_path / 'a.onnx', 'segmentation', {'logits': logits})
    other = constant(tmp_path / 'b.onnx', 'segmentation',
                     {'class_ids': np.full((1, 24, 32), 2, np.int32)})
    report = tmp_path / 'report.json'
    status, out, _ = verify(one, other, '--report', report)
    assert status == 0
    assert 'only results are compared: A gives logits, B gives class_ids, which are no' in out
    assert not json.loads(report.read_text())['numbers_compared']


def test_classes_of_both_forms_are_compared_as_numbers(verify, tmp_path):
    one = constant(tmp_path / 'a.onnx', 'classification')
    other = constant(tmp_path / 'b.onnx', 'classification', {
        'scores': np.array([[0.7, 0.2, 0.1]], np.float32),
        'class_ids': np.array([[1, 2, 0]], np.int32)})
    status, out, _ = verify(one, other)
    assert status == 0 and 'scores, relative difference' in out


@pytest.mark.parametrize('changes, told', [
    ({'input': dict(card_of('classification')['input'], height=48)},
     'the input (height, width): (24, 32) and (48, 32)'),
    ({'input': dict(card_of('classification')['input'], resize='letterbox')},
     'the resize rule: stretch and letterbox'),
    ({'labels': ['car', 'cone', 'person']}, "the labels: number 1 is 'person' and 'cone'"),
    ({'labels': ['car', 'person'], 'colors_rgb': [[0, 0, 0], [1, 1, 1]]},
     'the number of labels: 3 and 2'),
])
def test_models_of_different_kinds_are_refused(verify, tmp_path, changes, told):
    one = constant(tmp_path / 'a.onnx', 'classification')
    other = constant(tmp_path / 'b.onnx', 'classification', **changes)
    status, out, error = verify(one, other)
    assert (status, out) == (1, '')
    assert told in error and error.endswith('; give two files of one model')


def test_models_of_different_tasks_are_refused(verify, tmp_path):
    status, _, error = verify(constant(tmp_path / 'a.onnx', 'classification'),
                              constant(tmp_path / 'b.onnx', 'detection'))
    assert status == 1 and 'differ in the task: classification and detection; give' in error


def test_numbers_that_make_no_sense_name_model_and_picture(verify, tmp_path, images):
    answers = {'probabilities': np.array([[0.1, np.nan, 0.2]], np.float32)}
    other = constant(tmp_path / 'b.onnx', 'classification', answers)
    status, _, error = verify(constant(tmp_path / 'a.onnx', 'classification'), other,
                              '--images', images)
    assert status == 1 and f'{other} on 0.png: the model gave probabilities nan' in error


@pytest.mark.parametrize('side', ['a', 'b'])
@pytest.mark.parametrize('value', [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_null_in_the_report(verify, tmp_path, side, value):
    models = {name: constant(tmp_path / f'{name}.onnx', 'detection') for name in 'ab'}
    answers = answers_of('detection')
    answers['boxes'][0, 2, 0] = value
    answers['scores'][0, 2] = 0  # no record has this box
    constant(tmp_path / f'{side}.onnx', 'detection', answers)
    report = tmp_path / 'report.json'
    status, out, _ = verify(models['a'], models['b'], '--report', report)
    assert status == 1 and 'boxes, relative difference' in out.splitlines()[-1]
    findings = json.loads(report.read_text(), parse_constant=pytest.fail)['findings']
    assert findings[0]['value'] is None and not findings[1]['holds']


@pytest.mark.parametrize('content, told', [
    (None, 'is not a folder'), ({}, 'holds no image'), ({'notes.txt': b'x'}, 'holds no image'),
    ({'a.png': b'x', 'b.png': b''}, 'there is no picture to compare on, 2 could not be decoded'),
])
def test_folders_without_pictures_are_refused(verify, tmp_path, content, told):
    folder = tmp_path / 'pictures'
    if content is not None:
        folder.mkdir()
        for name, data in content.items():
            (folder / name).write_bytes(data)
    model = constant(tmp_path / 'a.onnx', 'classification')
    status, _, error = verify(model, model, '--images', folder)
    assert status == 1 and told in error


def test_a_file_that_takes_several_frames_at_once_is_refused(verify, tmp_path):
    model = write_tiny_network(tmp_path / 'a.onnx', batch=2)
    status, _, error = verify(model, model)
    assert status == 1 and 'takes 2 frames at once' in error


@pytest.mark.parametrize('name', ['absent.onnx', 'absent.engine'])
def test_a_missing_file_is_a_sentence(verify, tmp_path, name):
    model = constant(tmp_path / 'a.onnx', 'classification')
    status, _, error = verify(model, tmp_path / name)
    assert status == 1 and 'there is no' in error and name in error


def test_a_full_disk_names_the_report_and_leaves_no_half_file(verify, tmp_path):
    model = constant(tmp_path / 'a.onnx', 'classification')
    report = tmp_path / 'report.json'
    with files_limited_to(100):
        status, _, error = verify(model, model, '--report', report)
    assert (status, error) == (1, f'edgenext: {report}: File too large')
    assert sorted(path.name for path in tmp_path.iterdir()) == ['a.onnx']


def test_without_onnx_it_verifies_all_the_same(verify, tmp_path, monkeypatch):
    model = constant(tmp_path / 'a.onnx', 'classification')
    monkeypatch.setitem(sys.modules, 'onnx', None)
    status, out, _ = verify(model, model)
    assert status == 0 and 'run: pip install onnx\n' in out


def test_what_float16_would_cut_off_is_listed(verify, tmp_path, images):
    model = write_tiny_network(tmp_path / 'a.onnx', opset=17)
    loud = perturbed(model, tmp_path / 'b.onnx', name='kernel', factor=5000)
    report = tmp_path / 'report.json'
    status, out, _ = verify(loud, loud, '--images', images, '--report', report)
    assert status == 0
    assert 'the inputs of 1 of 10 layers come near (above 30000) on 3 pictures' in out
    assert '  norm (LayerNormalization): up to ' in out
    layer, = json.loads(report.read_text())['ranges']['layers']
    assert layer['layer'] == 'norm' and layer['largest'] > 30000


def test_int8_files_have_no_ranges_to_look_at(verify, tmp_path):
    model = constant(tmp_path / 'a.onnx', 'classification', export=in_precision('int8'))
    assert 'neither file is a float32 graph' in verify(model, model)[1]


def test_an_engine_is_verified_against_the_file_that_it_was_built_from(verify, tmp_path):
    with tensorrt_double.installed('8.2', tmp_path):
        model = write_tiny_network(tmp_path / 'a.onnx', uint8=False)
        engine = build(model)
        status, out, _ = verify(model, engine, '--backend-a', 'onnxruntime')
        assert status == 0 and out.splitlines()[-1].endswith('by the gates of float16')
        assert ', on onnxruntime ' in out.splitlines()[0]
        assert ', on tensorrt 8.2' in out.splitlines()[1]


@pytest.mark.parametrize('task', ['classification', 'detection', 'segmentation'])
def test_a_demo_model_agrees_with_itself_and_not_with_a_damaged_copy(verify, tmp_path, images,
                                                                     task):
    model = DEMO / f'{task}.onnx'
    assert verify(model, model, '--images', images)[0] == 0
    damaged = tmp_path / 'damaged.onnx'
    graph = onnx.load(str(model)).graph
    largest = max(graph.initializer, key=lambda tensor: np.prod(tensor.dims))
    perturbed(model, damaged, name=largest.name, factor=0.5)
    status, out, _ = verify(model, damaged, '--images', images)
    assert status == 1 and 'FAILED' in out
