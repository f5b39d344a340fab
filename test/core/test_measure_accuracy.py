"""Accuracies against values worked out by hand."""

import numpy as np
import pytest

from edgenext_core.measure.accuracy import (
    AccuracyError,
    AveragePrecisionMeter,
    IouMeter,
    Top1Meter,
    confusion_matrix,
)
from edgenext_core.runtime.records import Classification, ClassMask, Detections


def classes(*class_ids):
    return Classification(np.array(class_ids, np.int64), np.linspace(.9, .1, len(class_ids)))


def boxes(*rows):
    """Rows are left, top, right, bottom, class, score."""
    rows = np.array(rows, np.float32).reshape(-1, 6)
    return Detections(rows[:, :4], rows[:, 4].astype(np.int64), rows[:, 5])


def measure(meter, pairs):
    for found, truth in pairs:
        meter.add(found, truth)
    return meter.accuracy()


def map50(found, truth):
    return measure(AveragePrecisionMeter(8), [(found, truth)]).figures['map50']


def test_top1_counts_the_most_probable_class_only():
    measured = measure(Top1Meter(3), [(classes(2, 1), classes(2)), (classes(1, 2), classes(2)),
                                      (classes(0), classes(0)), (classes(), classes(0))])
    assert measured.figures == {'top1': 0.5}
    assert measured.per_class == {0: 0.5, 2: 0.5}
    assert measured.frames == 4


@pytest.mark.parametrize('meter', [Top1Meter, AveragePrecisionMeter, IouMeter])
def test_no_frame_is_no_accuracy(meter):
    with pytest.raises(AccuracyError, match='no frame whose truth is known'):
        meter(3).accuracy()


def test_perfect_boxes_have_average_precision_one():
    truth = boxes([10, 10, 30, 40, 3, 1], [50, 20, 90, 60, 5, 1])
    measured = measure(AveragePrecisionMeter(6), [(truth, truth), (boxes(), boxes())])
    assert measured.figures == pytest.approx({'map50': 1.0, 'map': 1.0})
    assert measured.per_class == pytest.approx({3: 1.0, 5: 1.0})
    assert (measured.frames, measured.support) == (2, {'objects': 2})


def test_half_of_the_objects_found_gives_the_recall_points_up_to_a_half():
    truth = boxes([0, 0, 20, 20, 1, 1], [50, 50, 70, 70, 1, 1])
    found = boxes([0, 0, 20, 20, 1, .9])
    # Precision is 1 at the 51 of COCO's 101 recall points from 0 to 0.5, and 0 beyond.
    assert map50(found, truth) == pytest.approx(51 / 101)


def test_a_wrong_box_of_higher_score_halves_the_precision():
    truth = boxes([0, 0, 20, 20, 1, 1])
    found = boxes([60, 60, 80, 80, 1, .9], [0, 0, 20, 20, 1, .8])
    assert map50(found, truth) == pytest.approx(.5)


def test_iou_just_below_one_half_does_not_count_and_just_above_does():
    truth = boxes([0, 0, 100, 10, 1, 1])
    assert map50(boxes([0, 0, 49, 10, 1, .9]), truth) == 0.0
    assert map50(boxes([0, 0, 51, 10, 1, .9]), truth) == pytest.approx(1.0)


def test_cocos_mean_counts_the_share_of_thresholds_that_a_box_passes():
    truth, found = boxes([0, 0, 100, 10, 1, 1]), boxes([0, 0, 72, 10, 1, .9])
    measured = measure(AveragePrecisionMeter(2), [(found, truth)])
    # An IoU of 0.72 passes 0.50, 0.55, 0.60, 0.65 and 0.70, five of the ten thresholds.
    assert measured.figures == pytest.approx({'map50': 1.0, 'map': 0.5})


def test_a_class_that_is_never_true_does_not_enter_the_mean():
    truth, found = boxes([0, 0, 20, 20, 1, 1]), boxes([0, 0, 20, 20, 1, .9], [5, 5, 9, 9, 4, .99])
    assert map50(found, truth) == pytest.approx(1.0)


def test_no_box_found_is_zero_and_no_object_true_is_no_accuracy():
    assert map50(boxes(), boxes([0, 0, 9, 9, 0, 1])) == 0.0
    with pytest.raises(AccuracyError, match='the truth of 1 frames holds no object'):
        map50(boxes([0, 0, 9, 9, 0, 1]), boxes())


def test_confusion_has_truth_in_rows_and_leaves_void_out():
    found = np.array([[0, 1], [1, 0]], np.uint8)
    truth = np.array([[0, 0], [1, 255]], np.uint8)
    np.testing.assert_array_equal(confusion_matrix(found, truth, num_classes=2), [[1, 1], [0, 1]])


def test_mean_iou_is_over_classes_that_occur_and_counts_pixels_of_all_frames():
    found = [np.array([[0, 0, 1, 1]], np.uint8), np.array([[0, 0, 0, 0]], np.uint8)]
    truth = [np.array([[0, 1, 1, 1]], np.uint8), np.array([[0, 0, 255, 255]], np.uint8)]
    measured = measure(IouMeter(3), zip(map(ClassMask, found), map(ClassMask, truth)))
    # Class 0: 3 right of 3 + 1; class 1: 2 right of 2 + 1; class 2 never occurs.
    assert measured.per_class == pytest.approx({0: 3 / 4, 1: 2 / 3})
    assert measured.figures == pytest.approx({'miou': (3 / 4 + 2 / 3) / 2})
    assert (measured.frames, measured.support) == (2, {'pixels': 6})


def test_masks_of_void_alone_are_no_accuracy():
    void = ClassMask(np.full((2, 2), 255, np.uint8))
    with pytest.raises(AccuracyError, match='no pixel of a class that the model knows'):
        measure(IouMeter(3), [(ClassMask(np.zeros((2, 2), np.uint8)), void)])
