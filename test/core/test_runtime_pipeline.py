"""Frame in, record out, through a real engine."""

import json

import numpy as np
import pytest
from constant_models import (
    LABELS,
    answers_of,
    card_of,
    write_constant_model,
    write_copying_segmenter,
)

from edgenext_core.runtime.engines.interface import open_engine
from edgenext_core.runtime.errors import EngineError, FrameError, ModelCardError
from edgenext_core.runtime.model_card import TASKS
from edgenext_core.runtime.pipeline import Classifier, Detector, Segmenter

PIPELINES = {'classification': Classifier, 'detection': Detector, 'segmentation': Segmenter}
FRAME_SIZES = [(640, 480), (480, 640), (961, 541), (1, 1), (33, 777)]


def open_task(tmp_path, task, answers=None, **changes):
    return open_engine(write_constant_model(
        tmp_path / (task + '.onnx'), card_of(task, **changes), answers or answers_of(task)))


def frame_of(width, height):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)


@pytest.mark.parametrize('task', TASKS)
@pytest.mark.parametrize('size', FRAME_SIZES)
def test_every_task_answers_for_every_frame_size(tmp_path, task, size):
    record, times = PIPELINES[task](open_task(tmp_path, task)).run(frame_of(*size))

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

    record, _ = Segmenter(engine).run(frame)

    assert record.class_ids.shape == (height, width)
    wrong = (record.class_ids != frame[:, :, 0]).sum()
    assert wrong <= 2 * (width + height)


def open_engine_of_copying_segmenter(path, card):
    names = LABELS + [str(index) for index in range(3, 128)]
    card = dict(card, labels=names, colors_rgb=[[0, 0, 0]] * len(names))
    return open_engine(write_copying_segmenter(path, card, height=480, width=480))


def test_settings_come_from_the_card_and_change_live(tmp_path):
    detector = Detector(open_task(tmp_path, 'detection'))
    assert (detector.score_threshold, detector.nms_iou, detector.max_detections) == (0.4, 0.5, 100)
    assert len(detector.run(frame_of(64, 48))[0].scores) == 2

    detector.score_threshold = 0.2
    assert len(detector.run(frame_of(64, 48))[0].scores) == 3
    detector.max_detections = 1
    assert len(detector.run(frame_of(64, 48))[0].scores) == 1

    classifier = Classifier(open_task(tmp_path, 'classification'), top_k=3)
    assert len(classifier.run(frame_of(64, 48))[0].scores) == 3


def test_a_setting_of_zero_is_a_setting(tmp_path):
    detector = Detector(open_task(tmp_path, 'detection'), score_threshold=0.0, nms_iou=0.0)

    assert (detector.score_threshold, detector.nms_iou) == (0.0, 0.0)


@pytest.mark.parametrize('task', TASKS)
def test_a_model_of_another_task_is_refused(tmp_path, task):
    engine = open_task(tmp_path, task)
    for other in set(TASKS) - {task}:
        with pytest.raises(ModelCardError, match='edgenext_xx_small is for {}, expected one for '
                                                 '{}; choose'.format(task, other)):
            PIPELINES[other](engine)


@pytest.mark.parametrize('task', TASKS)
def test_a_bad_frame_is_refused_and_the_next_one_works(tmp_path, task):
    pipeline = PIPELINES[task](open_task(tmp_path, task))

    with pytest.raises(FrameError):
        pipeline.run(np.zeros((0, 0, 3), np.uint8))

    pipeline.run(frame_of(64, 48))


def test_a_model_that_gives_nan_fails_aloud(tmp_path):
    answers = dict(answers_of('detection'), scores=np.full((1, 3, 3), np.nan, np.float32))
    detector = Detector(open_task(tmp_path, 'detection', answers))

    with pytest.raises(EngineError, match='the model gave scores nan'):
        detector.run(frame_of(64, 48))


def test_card_is_the_engines(tmp_path):
    engine = open_task(tmp_path, 'detection', training={'data': 'x', 'epochs': [1, 2]})

    assert Detector(engine).card is engine.card
    assert json.dumps(engine.card.training) == '{"data": "x", "epochs": [1, 2]}'
