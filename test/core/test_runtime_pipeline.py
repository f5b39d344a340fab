"""Frame in, record out, through a real engine."""

import json

import numpy as np
import pytest
from constant_models import (
    LABELS,
    answers_of,
    card_of,
    newest_answers_of,
    write_constant_model,
    write_copying_segmenter,
)

from edgenext_core.runtime.engines.backends import open_engine
from edgenext_core.runtime.errors import (
    EngineError,
    FrameError,
    ModelCardError,
    SettingError,
)
from edgenext_core.runtime.model_card import require_task
from edgenext_core.runtime.pipeline import Pipeline, open_pipeline
from edgenext_core.runtime.settings import ClassificationSettings, DetectionSettings
from edgenext_core.runtime.tasks import TASKS

FRAME_SIZES = [(640, 480), (480, 640), (961, 541), (1, 1), (33, 777)]


def open_task(tmp_path, task, answers=None, **changes):
    return open_engine(write_constant_model(
        tmp_path / (task + '.onnx'), card_of(task, **changes), answers or answers_of(task)))


def frame_of(width, height):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)


@pytest.mark.parametrize('answers', [answers_of, newest_answers_of])
@pytest.mark.parametrize('task', TASKS)
@pytest.mark.parametrize('size', FRAME_SIZES)
def test_every_task_answers_for_every_frame_size(tmp_path, task, size, answers):
    engine = open_task(tmp_path, task, answers(task), outputs=list(answers(task)))
    record, times = Pipeline(engine).run(frame_of(*size))

    assert min(times) >= 0
    if task == 'classification':
        assert record.class_ids.tolist() == [1, 2]
    elif task == 'detection':
        expected = np.array([[0.25, 0.25, 0.5, 0.75], [0, 0, 0.5, 0.5]]) * (size * 2)
        np.testing.assert_allclose(record.boxes_xyxy, expected, rtol=1e-5)
        assert record.class_ids.tolist() == [0, 2]
    else:
        assert record.class_ids.shape == size[::-1]
        assert (record.class_ids == 2).all()


@pytest.mark.parametrize('rule', ['stretch', 'letterbox'])
@pytest.mark.parametrize('size', [(320, 240), (240, 320), (321, 239), (1000, 99)])
def test_a_mask_shows_things_where_the_frame_shows_them(tmp_path, rule, size):
    width, height = size
    card = card_of('segmentation', input=dict(
        card_of('segmentation')['input'], resize=rule, pad_value=1, height=480, width=480))
    engine = open_engine_of_copying_segmenter(tmp_path / 'm.onnx', card)
    frame = np.zeros((height, width, 3), np.uint8)
    frame[height // 3:2 * height // 3, width // 4:width // 2] = 2

    record, _ = Pipeline(engine).run(frame)

    assert record.class_ids.shape == (height, width)
    wrong = (record.class_ids != frame[:, :, 0]).sum()
    assert wrong <= 2 * (width + height)


def open_engine_of_copying_segmenter(path, card):
    names = LABELS + [str(index) for index in range(3, 128)]
    card = dict(card, labels=names, colors_rgb=[[0, 0, 0]] * len(names))
    return open_engine(write_copying_segmenter(path, card, height=480, width=480))


def test_settings_come_from_the_card_and_change_between_frames(tmp_path):
    detector = Pipeline(open_task(tmp_path, 'detection'))
    assert detector.settings == DetectionSettings(0.4, 0.5, 100)
    assert len(detector.run(frame_of(64, 48)).record.scores) == 2

    detector.settings = detector.settings._replace(score_threshold=0.2)
    assert len(detector.run(frame_of(64, 48)).record.scores) == 3
    detector.settings = detector.settings._replace(max_detections=1)
    assert len(detector.run(frame_of(64, 48)).record.scores) == 1


def test_a_frame_keeps_the_settings_that_it_began_with(tmp_path):
    detector = Pipeline(open_task(tmp_path, 'detection'))
    engine_infer = detector.engine.infer

    def infer_while_somebody_tunes(image):
        detector.settings = DetectionSettings(0.0, 1.0, 1)
        return engine_infer(image)
    detector.engine.infer = infer_while_somebody_tunes

    assert len(detector.run(frame_of(64, 48)).record.scores) == 2
    assert len(detector.run(frame_of(64, 48)).record.scores) == 1


def test_a_model_opens_in_one_line_with_settings_of_its_task(tmp_path):
    path = write_constant_model(tmp_path / 'm.onnx', card_of('detection'),
                                answers_of('detection'))

    with open_pipeline(path, score_threshold=0, max_detections=1) as detector:
        frame = frame_of(64, 48)
        record, times = detector.run(frame)
        assert detector.settings == DetectionSettings(0.0, 0.5, 1)
        assert detector.describe(record) == '1 car'
        assert detector.draw(frame, record).shape == frame.shape
    with pytest.raises(EngineError, match='the engine is closed'):
        detector.run(frame)


@pytest.mark.parametrize('settings, message', [
    ({'top_k': 3}, "no setting 'top_k' here, expected one of: score_threshold, nms_iou, max_d"),
    ({'score_threshold': 1.5}, 'score_threshold is 1.5, expected a number 0 to 1'),
    ({'score_threshold': float('nan')}, 'score_threshold is nan, expected a number 0 to 1'),
    ({'score_threshold': True}, 'score_threshold is True, expected a number'),
    ({'nms_iou': '0.5'}, "nms_iou is '0.5', expected a number 0 to 1"),
    ({'nms_iou': -0.1}, 'nms_iou is -0.1, expected'),
    ({'max_detections': 0}, 'max_detections is 0, expected a whole number 1 to 100000'),
    ({'max_detections': 2.0}, 'max_detections is 2.0, expected a whole number'),
])
def test_a_wrong_setting_is_refused_with_its_rule(tmp_path, settings, message):
    path = write_constant_model(tmp_path / 'm.onnx', card_of('detection'),
                                answers_of('detection'))

    with pytest.raises(SettingError, match=message):
        open_pipeline(path, **settings)


def write_imagenet_classifier(path, *, best):
    names = [str(index) for index in range(1500)]
    return write_constant_model(
        path, card_of('classification', labels=names, colors_rgb=[[0, 0, 0]] * 1500,
                      outputs=['scores', 'class_ids']),
        {'scores': np.linspace(1, 0, best, dtype=np.float32)[np.newaxis],
         'class_ids': np.arange(1000, 1000 + best, dtype=np.int32)[np.newaxis]})


def test_more_classes_than_the_model_gives_are_refused_whenever_they_are_asked_for(tmp_path):
    path = write_imagenet_classifier(tmp_path / 'm.onnx', best=40)
    refusal = ('top_k is 41, but the model gives the 40 most probable of its 1500 classes; set at '
               'most 40')

    with pytest.raises(SettingError, match=refusal):
        open_pipeline(path, top_k=41)
    with pytest.raises(SettingError, match=refusal):
        Pipeline(open_engine(path), ClassificationSettings(41))
    classifier = open_pipeline(path, top_k=40)
    with pytest.raises(SettingError, match=refusal):
        classifier.settings = ClassificationSettings(41)
    assert classifier.settings == ClassificationSettings(40)
    assert classifier.run(frame_of(64, 48)).record.class_ids.tolist() == list(range(1000, 1040))


def test_a_model_that_gives_all_its_classes_may_be_asked_for_more(tmp_path):
    answers = {'scores': np.array([[0.7, 0.2, 0.1]], np.float32),
               'class_ids': np.array([[1, 2, 0]], np.int32)}
    path = write_constant_model(tmp_path / 'm.onnx', card_of(
        'classification', outputs=list(answers)), answers)

    assert open_pipeline(path, top_k=9).run(frame_of(64, 48)).record.class_ids.tolist() == [
        1, 2, 0]


def test_a_model_for_several_frames_at_once_is_refused_and_closed(tmp_path):
    answers = {name: np.repeat(value, 4, axis=0)
               for name, value in newest_answers_of('classification').items()}
    path = write_constant_model(
        tmp_path / 'm.onnx', card_of('classification', outputs=list(answers), input=dict(
            card_of('classification')['input'], batch=4)), answers, input_shape=(4, 24, 32, 3))
    engine = open_engine(path)

    with pytest.raises(EngineError, match='the model takes 4 frames at once, a pipeline runs one '
                                          'after the other; export it without --batch'):
        Pipeline(engine)

    with pytest.raises(EngineError, match='the engine is closed'):
        engine.infer(np.zeros((4, 24, 32, 3), np.uint8))


@pytest.mark.parametrize('task', TASKS)
def test_a_card_is_required_to_be_for_a_task(tmp_path, task):
    card = open_task(tmp_path, task).card
    require_task(card, task)
    for other in set(TASKS) - {task}:
        with pytest.raises(ModelCardError, match=f'edgenext_xx_small is for {task}, expected one '
                                                 f'for {other}; choose'):
            require_task(card, other)


@pytest.mark.parametrize('task', TASKS)
def test_a_bad_frame_is_refused_and_the_next_one_works(tmp_path, task):
    pipeline = Pipeline(open_task(tmp_path, task))

    with pytest.raises(FrameError):
        pipeline.run(np.zeros((0, 0, 3), np.uint8))

    pipeline.run(frame_of(64, 48))


def test_a_model_that_gives_nan_fails_aloud(tmp_path):
    answers = dict(answers_of('detection'), scores=np.full((1, 3, 3), np.nan, np.float32))
    detector = Pipeline(open_task(tmp_path, 'detection', answers))

    with pytest.raises(EngineError, match='the model gave scores nan'):
        detector.run(frame_of(64, 48))


def test_card_is_the_engines(tmp_path):
    engine = open_task(tmp_path, 'detection', training={'data': 'x', 'epochs': [1, 2]})

    assert Pipeline(engine).card is engine.card
    assert json.dumps(engine.card.training) == '{"data": "x", "epochs": [1, 2]}'
