"""Network outputs to records: thresholds, suppression, limits, geometry, and bad numbers."""

import json

import numpy as np
import pytest
from constant_models import card_of

from edgenext_core.runtime.card_file import card_from_json
from edgenext_core.runtime.errors import EngineError
from edgenext_core.runtime.postprocess import (
    classification_from_outputs,
    detections_from_outputs,
    mask_from_outputs,
)
from edgenext_core.runtime.preprocess import boxes_to_input, plan_resize
from edgenext_core.runtime.settings import (
    ClassificationSettings,
    DetectionSettings,
    SegmentationSettings,
)

CARD = card_from_json(json.dumps(card_of('detection')))
CLASSIFIER_CARD = card_from_json(json.dumps(card_of('classification')))
SAME_SIZE = plan_resize(100, 100, width=100, height=100, rule='stretch')


def detect(boxes, scores, *, geometry=SAME_SIZE, score_threshold=0.4, nms_iou=0.5,
           max_detections=100):
    outputs = {'boxes': np.array([boxes], np.float32), 'scores': np.array([scores], np.float32)}
    settings = DetectionSettings(score_threshold, nms_iou, max_detections)
    return detections_from_outputs(outputs, geometry, CARD, settings)


def classify(probabilities, *, top_k):
    outputs = {'probabilities': np.array([probabilities], np.float32)}
    return classification_from_outputs(outputs, SAME_SIZE, CLASSIFIER_CARD,
                                       ClassificationSettings(top_k))


def card_with_outputs(task, *outputs):
    return card_from_json(json.dumps(card_of(task, outputs=outputs)))


def classify_sorted(scores, class_ids, *, top_k):
    outputs = {'scores': np.array([scores], np.float32),
               'class_ids': np.array([class_ids], np.int32)}
    return classification_from_outputs(
        outputs, SAME_SIZE, card_with_outputs('classification', 'scores', 'class_ids'),
        ClassificationSettings(top_k))


def overlap(first, second):
    size = np.minimum(first[2:], second[2:]) - np.maximum(first[:2], second[:2])
    common = np.prod(np.maximum(size, 0))
    return common / (np.prod(first[2:] - first[:2]) + np.prod(second[2:] - second[:2]) - common)


def test_classes_come_by_falling_probability_and_equals_by_index():
    record = classify([0.1, 0.3, 0.3, 0.2, 0.1], top_k=4)

    assert record.class_ids.tolist() == [1, 2, 3, 0]
    assert record.class_ids.dtype == np.int64 and record.scores.dtype == np.float32
    np.testing.assert_allclose(record.scores, [0.3, 0.3, 0.2, 0.1])


def test_top_k_above_the_number_of_classes_gives_all():
    assert classify([0.4, 0.6], top_k=9).class_ids.tolist() == [1, 0]


def test_classes_that_the_graph_has_sorted_are_taken_from_the_front():
    record = classify_sorted([0.5, 0.3, 0.2], [2, 0, 1], top_k=2)

    assert record.class_ids.tolist() == [2, 0]
    assert record.class_ids.dtype == np.int64 and record.scores.dtype == np.float32
    np.testing.assert_allclose(record.scores, [0.5, 0.3])
    assert classify_sorted([0.5, 0.3, 0.2], [2, 0, 1], top_k=9).class_ids.tolist() == [2, 0, 1]


@pytest.mark.parametrize('bad', [-1, 3])
def test_a_sorted_class_without_a_label_is_refused(bad):
    with pytest.raises(EngineError, match=r'class ids .* its card has 3 labels; export it again'):
        classify_sorted([0.5, 0.3, 0.2], [2, bad, 1], top_k=1)


def test_detections_are_thresholded_sorted_and_in_pixels():
    record = detect([[0.1, 0.1, 0.3, 0.4], [0.5, 0.5, 0.9, 0.8], [0, 0, 0.2, 0.2]],
                    [[0.0, 0.5], [0.9, 0.0], [0.39, 0.39]])

    np.testing.assert_allclose(record.boxes_xyxy, [[50, 50, 90, 80], [10, 10, 30, 40]], rtol=1e-6)
    assert record.class_ids.tolist() == [0, 1]
    np.testing.assert_allclose(record.scores, [0.9, 0.5])
    assert (record.boxes_xyxy.dtype, record.class_ids.dtype, record.scores.dtype) == (
        np.float32, np.int64, np.float32)


def test_a_score_at_the_threshold_counts():
    assert len(detect([[0, 0, 1, 1]], [[0.5]], score_threshold=0.5).scores) == 1
    assert len(detect([[0, 0, 1, 1]], [[0.0]], score_threshold=0.0).scores) == 1


def test_one_anchor_may_be_two_classes():
    record = detect([[0.1, 0.1, 0.3, 0.4]], [[0.6, 0.7]])

    assert record.class_ids.tolist() == [1, 0]


def test_nothing_found_is_an_empty_record():
    for boxes, scores in (([[0, 0, 1, 1]], [[0.1, 0.2]]),
                          (np.zeros((0, 4)), np.zeros((0, 2)))):
        record = detect(boxes, scores)
        assert record.boxes_xyxy.shape == (0, 4) and record.boxes_xyxy.dtype == np.float32
        assert record.class_ids.shape == (0,) and record.class_ids.dtype == np.int64
        assert record.scores.shape == (0,) and record.scores.dtype == np.float32


def test_suppression_stays_within_a_class():
    boxes = [[0.1, 0.1, 0.5, 0.5], [0.11, 0.1, 0.5, 0.5], [0.1, 0.11, 0.5, 0.5]]

    record = detect(boxes, [[0.9, 0.0], [0.8, 0.0], [0.0, 0.7]])

    assert record.class_ids.tolist() == [0, 1]
    np.testing.assert_allclose(record.scores, [0.9, 0.7])


def test_suppression_equals_the_greedy_rule_on_fractions_of_a_pixel():
    generator = np.random.default_rng(3)
    corners = generator.uniform(0, 0.7, (120, 2))
    boxes = np.hstack([corners, corners + generator.uniform(0.005, 0.3, (120, 2))])
    scores = generator.uniform(0, 1, (120, 3))

    record = detect(boxes, scores, nms_iou=0.45, max_detections=1000)

    boxes, scores = boxes.astype(np.float32) * 100, scores.astype(np.float32)
    kept = []
    for anchor, class_id in sorted(np.argwhere(scores >= 0.4).tolist(),
                                   key=lambda pair: -scores[pair[0], pair[1]]):
        if all(class_id != other or overlap(boxes[anchor], boxes[index]) <= 0.45
               for index, other in kept):
            kept.append((anchor, class_id))
    assert record.class_ids.tolist() == [class_id for _, class_id in kept]
    np.testing.assert_allclose(record.boxes_xyxy, boxes[[anchor for anchor, _ in kept]],
                               rtol=1e-4)


def test_the_limit_keeps_the_best():
    boxes = [[index / 10, 0, index / 10 + 0.05, 1] for index in range(10)]
    scores = [[0.5 + index / 100] for index in range(10)]

    record = detect(boxes, scores, max_detections=3)

    np.testing.assert_allclose(record.scores, [0.59, 0.58, 0.57])


def test_the_limit_changes_nothing_about_the_best():
    generator = np.random.default_rng(4)
    corners = generator.uniform(0, 0.3, (700, 2))
    boxes = np.hstack([corners, corners + generator.uniform(0.3, 0.5, (700, 2))])
    scores = generator.uniform(0.4, 1, (700, 1))
    everything = detect(boxes, scores, max_detections=1000)

    for limit in (1, 3, 20, len(everything.scores), 500):
        record = detect(boxes, scores, max_detections=limit)
        for limited, full in zip(record, everything):
            np.testing.assert_array_equal(limited, full[:limit])


def test_very_many_candidates_are_bounded_to_the_best():
    generator = np.random.default_rng(0)
    corners = generator.uniform(0, 0.9, (5000, 2))

    record = detect(np.hstack([corners, corners + 0.001]),
                    generator.uniform(0, 1, (5000, 10)), score_threshold=0, max_detections=5000)

    assert 900 < len(record.scores) <= 1000
    assert record.scores.min() > 0.95


def test_boxes_are_clipped_and_those_without_area_dropped():
    record = detect([[-0.5, -0.5, 0.2, 0.2], [0.9, 0.9, 1.5, 1.5], [1.1, 0, 1.3, 0.5],
                     [0.5, 0.5, 0.5, 0.9], [0.7, 0.5, 0.6, 0.9]], [[0.9]] * 5)

    np.testing.assert_allclose(record.boxes_xyxy, [[0, 0, 20, 20], [90, 90, 100, 100]], rtol=1e-6)


@pytest.mark.parametrize('rule', ['stretch', 'letterbox'])
@pytest.mark.parametrize('frame_size', [(640, 480), (481, 641), (1920, 1080), (33, 777)])
def test_boxes_are_in_the_frames_own_pixels(rule, frame_size):
    geometry = plan_resize(*frame_size, width=320, height=256, rule=rule)
    expected = np.array([[0.11, 0.2, 0.37, 0.5], [0.5, 0.6, 1, 1]]) * (frame_size * 2)

    record = detect(boxes_to_input(expected, geometry) / [320, 256, 320, 256],
                    [[0.9], [0.8]], geometry=geometry)

    np.testing.assert_allclose(record.boxes_xyxy, expected, atol=0.01)


@pytest.mark.parametrize('bad', [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_never_look_like_nothing_found(bad):
    with pytest.raises(EngineError, match=r'the model gave scores -?(nan|inf), expected finite'):
        detect([[0, 0, 1, 1], [0, 0, 1, 1]], [[0.1, 0.1], [bad, 0.1]])
    with pytest.raises(EngineError, match=r'the model gave boxes -?(nan|inf), expected finite'):
        detect([[0, 0, 1, bad]], [[0.9, 0.1]])
    with pytest.raises(EngineError, match=r'the model gave probabilities -?(nan|inf), expected'):
        classify([0.5, bad], top_k=1)
    with pytest.raises(EngineError, match=r'the model gave scores -?(nan|inf), expected'):
        classify_sorted([0.5, 0.3, bad], [0, 1, 2], top_k=1)
    logits = np.zeros((1, 3, 4, 4), np.float32)
    logits[0, 1, 2, 3] = bad
    with pytest.raises(EngineError, match=r'the model gave logits -?(nan|inf), expected'):
        mask_from_outputs({'logits': logits}, SAME_SIZE,
                          card_with_outputs('segmentation', 'logits'), SegmentationSettings())


def test_a_mask_comes_back_at_the_frames_size():
    card = card_from_json(json.dumps(card_of('segmentation')))
    ids = np.zeros((1, 24, 32), np.int32)
    ids[:, :, 16:] = 2

    record = mask_from_outputs({'class_ids': ids}, plan_resize(
        333, 77, width=32, height=24, rule='stretch'), card, SegmentationSettings())

    assert record.class_ids.shape == (77, 333) and record.class_ids.dtype == np.uint8
    assert (record.class_ids[:, :166] == 0).all() and (record.class_ids[:, 167:] == 2).all()


def test_coarse_logits_become_a_mask_at_the_frames_size():
    logits = np.zeros((1, 3, 2, 4), np.float32)
    logits[:, 1, :, :2] = logits[:, 2, :, 2:] = 1

    record = mask_from_outputs(
        {'logits': logits}, plan_resize(300, 77, width=32, height=24, rule='stretch'),
        card_with_outputs('segmentation', 'logits'), SegmentationSettings())

    assert record.class_ids.shape == (77, 300) and record.class_ids.dtype == np.uint8
    assert (record.class_ids[:, :150] == 1).all() and (record.class_ids[:, 150:] == 2).all()


@pytest.mark.parametrize('bad', [-1, 3, 256])
def test_a_class_without_a_label_is_refused(bad):
    card = card_from_json(json.dumps(card_of('segmentation')))
    ids = np.zeros((1, 24, 32), np.int32)
    ids[0, 3, 4] = bad

    with pytest.raises(EngineError, match=r'class ids .* its card has 3 labels; export it again'):
        mask_from_outputs({'class_ids': ids}, plan_resize(
            64, 48, width=32, height=24, rule='stretch'), card, SegmentationSettings())
