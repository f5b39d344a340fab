"""How two models' answers to one frame are compared, and by which gates."""

import json

import numpy as np
import pytest
from constant_models import card_of

from edgenext_core.measure.compare import COMPARISONS, Difference, compare_numbers
from edgenext_core.measure.gates import GATES, lower_precision
from edgenext_core.runtime.card_file import card_from_json
from edgenext_core.runtime.records import Classification, ClassMask, Detections
from edgenext_core.runtime.tasks import TASKS

THRESHOLD = 0.3


def card(task):
    return card_from_json(json.dumps(card_of(task)))


def pair(task, first, second):
    return COMPARISONS[task].pair(first, second, card(task))


def found(*rows):
    """Give objects of rows (left, top, right, bottom, class, score)."""
    table = np.array(rows, np.float32).reshape(-1, 6)
    return Detections(table[:, :4], table[:, 4].astype(np.int64), table[:, 5])


def tally(first, second):
    return COMPARISONS['detection'].tally(first, second, THRESHOLD)


def test_every_task_can_be_compared():
    assert set(COMPARISONS) == set(TASKS)
    assert all(set(gates.shares) == set(TASKS) for gates in GATES.values())


def test_the_difference_of_numbers_is_what_numpy_says():
    first, second = np.array([[3.0, -8.0]]), np.array([[3.0, -7.0]])
    difference = compare_numbers(first, second)
    assert difference.largest == 1 and difference.relative == 1 / 8
    assert difference.cosine == pytest.approx(65 / np.sqrt(73 * 58))


def test_small_numbers_are_not_blown_up():
    assert compare_numbers(np.array([0.5]), np.array([0.25])).relative == 0.25


@pytest.mark.parametrize('first, second, cosine', [(0, 0, 1), (0, 1, 0), (1, 0, 0)])
def test_zeros_have_an_angle(first, second, cosine):
    assert compare_numbers(np.full(3, float(first)), np.full(3, float(second))).cosine == cosine


@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_as_far_away_as_can_be(value):
    for numbers in ([1.0, value], [value, value]):
        difference = compare_numbers(np.array([1.0, 2.0]), np.array(numbers))
        assert difference == Difference(np.inf, np.inf, -1)
    assert compare_numbers(np.array([value]), np.array([value])).largest == np.inf


def test_classes_are_compared_by_class_whatever_their_order_and_form():
    best_first = {'scores': np.array([[0.7, 0.2, 0.1]], np.float32),
                  'class_ids': np.array([[1, 2, 0]], np.int32)}
    swapped = {'scores': np.array([[0.6, 0.3]], np.float32),
               'class_ids': np.array([[2, 1]], np.int32)}
    by_class = {'probabilities': np.array([[0.1, 0.7, 0.2]], np.float32)}

    np.testing.assert_array_equal(*pair('classification', best_first, by_class)['scores'])
    one, other = pair('classification', by_class, swapped)['scores']  # class 0 is not given
    np.testing.assert_allclose(one, [0.7, 0.2], rtol=1e-6)
    np.testing.assert_allclose(other, [0.3, 0.6], rtol=1e-6)


def test_candidates_are_compared_with_the_most_similar_ones_whatever_their_order():
    draw = np.random.default_rng(0)
    first = {'boxes': draw.uniform(0, 1, (1, 40, 4)), 'scores': draw.uniform(0, 1, (1, 40, 3))}
    order = draw.permutation(40)
    second = {name: value[:, order] + 1e-4 for name, value in first.items()}
    for one, other in pair('detection', first, second).values():
        assert len(one) == 20
        np.testing.assert_allclose(other - one, 1e-4, rtol=1e-6)


def test_logits_are_compared_where_both_have_them_on_one_grid():
    logits = {'logits': np.zeros((1, 3, 4, 5), np.float32)}
    assert set(pair('segmentation', logits, logits)) == {'logits'}
    for other in ({'logits': np.zeros((1, 3, 4, 6), np.float32)},
                  {'class_ids': np.zeros((1, 24, 32), np.int32)}):
        assert pair('segmentation', logits, other) == {}


def test_a_frame_counts_where_both_best_classes_are_the_same():
    def classes(*ids):
        return Classification(np.array(ids), np.array([0.6, 0.3], np.float32))
    compare = COMPARISONS['classification'].tally
    assert compare(classes(2, 0), classes(2, 1), 0) == (1, 1, 0)
    assert compare(classes(2, 0), classes(0, 2), 0) == (0, 1, None)


def test_pixels_of_the_same_class_are_counted():
    first, second = np.zeros((4, 5), np.uint8), np.zeros((4, 5), np.uint8)
    second[0, :3] = 2
    assert COMPARISONS['segmentation'].tally(ClassMask(first), ClassMask(second), 0) == (
        17, 20, None)


@pytest.mark.parametrize('other, expected', [
    ((0, 0, 10, 10, 1, 0.8), (1, 1, 0.1)),
    ((0, 0, 10, 6, 1, 0.9), (1, 1, 0)),
    ((0, 0, 10, 10, 1, 0.1), (1, 1, 0.8)),  # below the threshold, but there
    ((0, 0, 10, 4, 1, 0.9), (0, 2, None)),  # too small
    ((0, 0, 10, 10, 2, 0.9), (0, 2, None)),  # of another class
    ((20, 0, 30, 10, 1, 0.1), (0, 1, None)),  # elsewhere, and no object by itself
])
def test_objects_are_matched_by_class_and_overlap(other, expected):
    same, counted, difference = tally(found((0, 0, 10, 10, 1, 0.9)), found(other))
    assert (same, counted) == expected[:2]
    assert difference == (None if expected[2] is None else pytest.approx(expected[2], abs=1e-6))


def test_a_box_is_matched_once_and_a_better_score_chooses_first():
    one = found((0, 0, 10, 10, 0, 0.9), (0, 0, 10, 9, 0, 0.8))
    assert tally(one, found((0, 0, 10, 10, 0, 0.9))) == (1, 2, 0)
    assert tally(found((0, 0, 10, 10, 0, 0.9)), one) == (1, 2, 0)


@pytest.mark.parametrize('sides, counted', [
    ((found(), found()), 0), ((found((0, 0, 5, 5, 0, 0.9)), found()), 1),
    ((found(), found((0, 0, 5, 5, 0, 0.9), (8, 8, 9, 9, 0, 0.2))), 1),
])
def test_frames_without_objects_are_counted_rightly(sides, counted):
    assert tally(*sides) == (0, counted, None)


@pytest.mark.parametrize('precisions, lower', [
    (['float32', 'float32'], 'float32'), (['float32', 'float16'], 'float16'),
    (['float16 in 97 of 231 layers', 'float32'], 'float16'),
    (['int8 in 20 and float16 in 3 of 90 layers', 'float16'], 'int8'),
    (['float32', 'unknown'], 'float16'),
    (['int8 in 20 and float16 in 3 of 90 layers', 'unknown'], 'int8'),
])
def test_the_lower_precision_gives_the_gates(precisions, lower):
    assert lower_precision(precisions) == lower
