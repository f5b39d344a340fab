"""The model card: what it holds, which rules it keeps, how it is read from a file."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
from constant_models import answers_of, card_of, write_constant_model
from onnx import TensorProto, helper

from edgenext_core.runtime.card_file import (
    FORMAT,
    METADATA_KEY,
    card_from_json,
    card_to_json,
    read_card,
)
from edgenext_core.runtime.engines.onnx_metadata import read_metadata, stores_float16
from edgenext_core.runtime.errors import EngineError, ModelCardError
from edgenext_core.runtime.tasks import TASKS


def changed(task, field, value):
    """Give a card's JSON with one field, given as 'a.b', replaced or (None) removed."""
    card = json.loads(json.dumps(card_of(task)))
    inside = card
    for part in field.split('.')[:-1]:
        inside = inside[part]
    if value is None:
        del inside[field.split('.')[-1]]
    else:
        inside[field.split('.')[-1]] = value
    return json.dumps(card)


@pytest.mark.parametrize('task', TASKS)
def test_a_card_survives_being_written_and_read(task):
    card = card_from_json(json.dumps(card_of(task)))

    assert card_from_json(card_to_json(card)) == card
    assert json.loads(card_to_json(card)) == card_of(task)


@pytest.mark.parametrize('field, value, rule', [
    ('format', 'one', 'a whole number 1 to 2'),
    ('format', True, 'a whole number 1 to 2'),
    ('format', 0, 'a whole number 1 to 2'),
    ('task', 'pose', 'one of classification, detection, segmentation'),
    ('task', ['detection'], 'one of classification, detection, segmentation'),
    ('architecture', ' ', 'a non-empty string'),
    ('labels', [], 'a non-empty list of non-empty strings'),
    ('labels', 'car', 'a non-empty list of non-empty strings'),
    ('labels', ['car', '', 'cone'], 'a non-empty list of non-empty strings'),
    ('labels', ['car', 'cone'], 'one colour for each of the 2 labels'),
    ('colors_rgb', [[0, 0, 256]] * 3, 'whole number 0 to 255'),
    ('colors_rgb', [[0, 0]] * 3, 'whole number 0 to 255'),
    ('colors_rgb', [[0, 0, 0]] * 4, 'one colour for each of the 3 labels'),
    ('input', 5, 'an object'),
    ('input.name', 7, 'a non-empty string'),
    ('input.height', 0, 'a whole number 1 to 8192'),
    ('input.width', 32.0, 'a whole number 1 to 8192'),
    ('input.width', 100000, 'a whole number 1 to 8192'),
    ('input.resize', 'squash', 'one of stretch, letterbox for detection'),
    ('input.resize', 'center_crop', 'one of stretch, letterbox for detection'),
    ('input.pad_value', 256, 'a whole number 0 to 255'),
    ('normalization', [], 'an object'),
    ('normalization.mean', [1, 2], 'three finite numbers'),
    ('normalization.mean', [1, 2, float('nan')], 'three finite numbers'),
    ('normalization.std', [1, 2, 0], 'three finite numbers above 0'),
    ('defaults', [], 'an object'),
    ('defaults.score_threshold', 1.5, 'a number 0 to 1'),
    ('defaults.score_threshold', float('nan'), 'a number 0 to 1'),
    ('defaults.nms_iou', '0.5', 'a number 0 to 1'),
    ('defaults.max_detections', 0, 'a whole number 1 to 100000'),
    ('defaults.max_detections', 2.5, 'a whole number 1 to 100000'),
    ('training', 'world', 'an object'),
    ('input.dtype', 'float16', 'one of uint8, float32'),
    ('input.layout', 'NCHW', 'NHWC'),
    ('input.batch', 0, 'a whole number 1 to 1024'),
    ('input.batch', True, 'a whole number 1 to 1024'),
    ('outputs', ['scores'], '["boxes", "scores"]'),
    ('outputs', 'scores', '["boxes", "scores"]'),
    ('export', 'cpu', 'an object'),
    ('export.target', 'orin', 'one of cpu, tensorrt, jetson-nano'),
    ('export.precision', 'fp16', 'one of float32, float16, int8'),
    ('export.checkpoint_sha256', 'abc', '64 hexadecimal digits, or nothing'),
    ('export.checkpoint_sha256', 7, '64 hexadecimal digits, or nothing'),
    ('export.versions', {'onnx': 1}, 'names and texts'),
    ('accuracy', [], 'an object'),
])
def test_a_broken_field_is_named_with_its_value_and_rule(field, value, rule):
    with pytest.raises(ModelCardError) as caught:
        card_from_json(changed('detection', field, value))

    message = str(caught.value)
    assert rule in message
    assert 're-export the model with: edgenext export' in message
    if 'one colour' not in rule:
        assert 'field {} is {}'.format(field, json.dumps(value)[:50]) in message


@pytest.mark.parametrize('field', [
    'format', 'task', 'architecture', 'labels', 'colors_rgb', 'input', 'input.name',
    'input.height', 'input.width', 'input.resize', 'input.pad_value', 'normalization',
    'normalization.mean', 'normalization.std', 'defaults', 'defaults.score_threshold',
    'defaults.nms_iou', 'defaults.max_detections', 'training', 'input.dtype', 'input.layout',
    'input.batch', 'outputs', 'export', 'export.target', 'export.precision',
    'export.checkpoint_sha256', 'export.versions', 'accuracy'])
def test_a_missing_field_is_named(field):
    with pytest.raises(ModelCardError, match='field {} is missing'.format(field)):
        card_from_json(changed('detection', field, None))


def test_a_classifier_may_crop_but_needs_top_k():
    assert card_from_json(changed('classification', 'input.resize',
                                  'center_crop')).input.resize == 'center_crop'
    with pytest.raises(ModelCardError, match=r'defaults\.top_k is 0, expected a whole number'):
        card_from_json(changed('classification', 'defaults.top_k', 0))


@pytest.mark.parametrize('task', TASKS)
def test_a_card_of_the_first_format_says_what_was_true_of_all_its_models(task):
    raw = card_of(task)
    for field in ('outputs', 'export', 'accuracy'):
        del raw[field]
    for field in ('dtype', 'layout', 'batch'):
        del raw['input'][field]
    card = card_from_json(json.dumps(dict(raw, format=1)))

    assert card.input[-3:] == ('uint8', 'NHWC', 1)
    assert card.outputs == TASKS[task].output_forms[-1]
    assert card.export == ('cpu', 'float32', '', {})
    assert card.accuracy == {}
    assert card_from_json(card_to_json(card)) == card


@pytest.mark.parametrize('field', ['task', 'input', 'labels'])
def test_a_broken_card_of_the_first_format_is_refused_by_the_same_rules(field):
    raw = dict(card_of('detection'), format=1)
    raw[field] = 5

    with pytest.raises(ModelCardError, match=f'field {field} is 5'):
        card_from_json(json.dumps(raw))


def test_a_newer_format_asks_for_an_update():
    with pytest.raises(ModelCardError, match='format 3, this version reads up to 2; update'):
        card_from_json(changed('detection', 'format', FORMAT + 1))


@pytest.mark.parametrize('text', ['', '{', 'hello', '[1]', '"card"', 'null'])
def test_a_card_that_is_no_object_is_refused(text):
    with pytest.raises(ModelCardError, match=r'the model card is .*edgenext export'):
        card_from_json(text)


def test_a_mask_of_more_than_256_classes_is_refused():
    names = [str(index) for index in range(257)]
    card = card_of('segmentation', labels=names, colors_rgb=[[0, 0, 0]] * 257)

    with pytest.raises(ModelCardError, match='257 names, expected at most 256'):
        card_from_json(json.dumps(card))


def test_fields_of_a_later_minor_change_are_passed_over():
    card_from_json(json.dumps(card_of('detection', thanks='to all')))


@pytest.mark.parametrize('task', TASKS)
def test_a_card_is_read_from_a_file(tmp_path, task):
    path = write_constant_model(tmp_path / 'm.onnx', card_of(task), answers_of(task))

    assert read_card(path) == card_from_json(json.dumps(card_of(task)))


def test_metadata_equals_what_onnx_runtime_reads(tmp_path):
    path = write_constant_model(tmp_path / 'm.onnx', card_of('detection', architecture='é世'),
                                answers_of('detection'))
    model = onnx.load(path)
    for key, value in (('empty', ''), ('long', 'x' * 100000), ('naïve', '{}')):
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    model.producer_name, model.model_version, model.domain = 'test', 2 ** 60, 'robots'
    model.doc_string = 'a description'
    onnx.save(model, path)

    session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
    assert read_metadata(path) == session.get_modelmeta().custom_metadata_map


def test_a_model_without_a_card_says_so(tmp_path):
    path = write_constant_model(tmp_path / 'm.onnx', None, answers_of('detection'))

    with pytest.raises(ModelCardError, match=r'm\.onnx has no model card.*edgenext export'):
        read_card(path)


def test_a_broken_card_in_a_file_names_the_file(tmp_path):
    path = write_constant_model(tmp_path / 'm.onnx', '{}', answers_of('detection'))

    with pytest.raises(ModelCardError, match=r'm\.onnx: model card field format is missing'):
        read_card(path)


@pytest.mark.parametrize('content, message', [
    (b'', 'is empty, expected an ONNX model'),
    (b'\xff\xd8\xff\xe0\x00\x10JFIF', 'is a JPEG picture, expected an ONNX model'),
    (b'\x89PNG\r\n\x1a\n', 'is a PNG picture'),
    (b'PK\x03\x04', 'a zip archive'),
    (b'<!DOCTYPE html>', 'an HTML or XML page'),
    (b'{"format": 1}', 'a JSON text'),
    (b'version https://git-lfs.github.com/spec/v1', 'git lfs pull'),
    (b'hello, I am a text', 'is not an ONNX model'),
    (bytes(range(256)), 'is not an ONNX model'),
    (b'\x08', 'is truncated'),
    (b'\x08\x08', 'is truncated'),
    (b'\x08' + b'\xff' * 20, 'is not an ONNX model'),
    (b'\x0d\x00\x00', 'is not an ONNX model'),
])
def test_a_foreign_file_is_refused(tmp_path, content, message):
    path = tmp_path / 'm.onnx'
    path.write_bytes(content)

    with pytest.raises(EngineError, match=message):
        read_card(str(path))


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(EngineError, match=r'there is no model file .*nothing\.onnx; check'):
        read_card(str(tmp_path / 'nothing.onnx'))
    with pytest.raises(EngineError, match='is not a file, expected an ONNX model'):
        read_card(str(tmp_path))


def test_a_model_truncated_anywhere_is_refused_with_a_sentence(tmp_path):
    path = tmp_path / 'm.onnx'
    write_constant_model(path, card_of('detection'), answers_of('detection'))
    content = path.read_bytes()

    for size in range(1, len(content), 7):
        path.write_bytes(content[:size])
        with pytest.raises((EngineError, ModelCardError)) as caught:
            read_card(str(path))
        assert 'is truncated' in str(caught.value) or 'no model card' in str(caught.value)


def test_metadata_is_read_without_reading_the_weights(tmp_path):
    path = tmp_path / 'm.onnx'
    write_constant_model(path, card_of('detection'), answers_of('detection'))
    content = path.read_bytes()
    key = METADATA_KEY.encode()

    assert content.index(b'the_boxes') < content.index(key)
    path.write_bytes(content.replace(b'the_boxes', b'\xff' * 9))
    assert read_card(str(path)).task == 'detection'


@pytest.mark.parametrize('raw', [True, False])
@pytest.mark.parametrize('kinds, expected', [
    ((TensorProto.FLOAT, TensorProto.INT64), False), ((), False),
    ((TensorProto.FLOAT, TensorProto.FLOAT16), True), ((TensorProto.FLOAT16,), True),
])
def test_weights_kept_in_float16_are_seen(tmp_path, kinds, expected, raw):
    path = write_constant_model(tmp_path / 'model.onnx', card_of('segmentation'),
                                answers_of('segmentation'))
    model = onnx.load(path)
    for number, kind in enumerate(kinds):
        values = np.arange(300).astype(helper.tensor_dtype_to_np_dtype(kind))
        model.graph.initializer.append(
            helper.make_tensor(f'weight_{number}', kind, [300],
                               values.tobytes() if raw else values.tolist(), raw=raw))
    onnx.save(model, path)
    assert stores_float16(path) == expected
