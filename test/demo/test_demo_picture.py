"""In what words the demo tells a run, and what it draws of it."""

import numpy as np
import pytest
from sample_run import BOXES, CLASSES, MASK

from edgenext_core.runtime.records import ClassMask, Detections
from edgenext_core.runtime.tasks import TASKS
from edgenext_demo.moments import Moment, Shown
from edgenext_demo.panels import draw_legend
from edgenext_demo.picture import annotate, compose, height_at
from edgenext_demo.summary import describe_accuracy
from edgenext_demo.tasks import DEMO_TASKS


def moment_of(frame_bgr, shown):
    return Moment(1.0, frame_bgr, shown)


@pytest.mark.parametrize(('task', 'record', 'words'), [
    ('classification', CLASSES, 'red 87 %'),
    ('detection', BOXES, '2 blue, 1 red'),
    ('detection', Detections(np.zeros((0, 4)), np.zeros(0, int), np.zeros(0)), 'nothing found'),
    ('segmentation', MASK, 'blue 75 %, red 25 %'),
])
def test_results_are_told_in_words(models, task, record, words):
    assert TASKS[task].describe(record, models[task].card) == words


def test_every_task_has_its_row():
    assert set(DEMO_TASKS) == set(TASKS)


def test_accuracy_is_told_in_words_by_task():
    assert describe_accuracy({
        'classification': {'top1': 0.5, 'frames': 8, 'per_class': {}},
        'detection': {'map50': 0.25, 'map': 0.125, 'frames': 7, 'objects': 9, 'per_class': {}},
        'segmentation': {'miou': 1.0, 'frames': 6, 'pixels': 5, 'per_class': {}},
    }) == ['top-1 0.500 over 8 frames', 'mAP@0.5 0.250 over 9 objects in 7 frames',
           'mIoU 1.000 over 6 frames']
    assert describe_accuracy({'detection': None}) == [
        'accuracy not measured: there is no truth, or it names other classes']


@pytest.mark.parametrize('shape', [(480, 640), (41, 33), (1, 2000), (1080, 1920)])
def test_a_picture_has_one_even_size_whatever_the_frames_are(models, shape):
    frame = np.zeros((*shape, 3), np.uint8)
    shown = [Shown(models['classification'], CLASSES, 15.0, 20.0),
             Shown(models['detection'], BOXES, 14.0, 30.0),
             Shown(models['segmentation'], ClassMask(np.zeros(shape, np.uint8)), 0.0, 0.0)]
    picture = compose(moment_of(frame, shown), width=640, height=480)
    assert picture.dtype == np.uint8
    assert picture.shape[1:] == (640, 3)
    assert picture.shape[0] % 2 == 0
    assert height_at(frame, width=640) % 2 == 0


def test_pictures_before_and_after_the_first_results_have_one_size(models):
    frame, shapes = np.zeros((48, 64, 3), np.uint8), set()
    for records in ((None, None, None),
                    (CLASSES, BOXES, ClassMask(np.zeros((48, 64), np.uint8)))):
        shown = [Shown(model, record, 0.0, 0.0)
                 for model, record in zip(models.values(), records)]
        shapes.add(compose(moment_of(frame, shown), width=640, height=480).shape)
    assert len(shapes) == 1


def test_a_legend_of_many_classes_takes_two_rows_at_most(models):
    card = models['segmentation'].card
    heights = []
    for count in (3, 30, 200):
        names = tuple(f'class number {index}' for index in range(count))
        many = card._replace(labels=names, colors_rgb=((9, 9, 9),) * count)
        heights.append(draw_legend(MASK, many, width=640).shape[0])
    assert heights[0] < heights[1] == heights[2]
    assert all(height % 2 == 0 for height in heights)


def test_boxes_lie_over_the_mask_in_whatever_order_the_nodes_come(models):
    frame = np.zeros((48, 64, 3), np.uint8)
    shown = [Shown(models['detection'], BOXES, 0.0, 0.0),
             Shown(models['segmentation'], ClassMask(np.full((48, 64), 2, np.uint8)), 0.0, 0.0)]
    pictures = [annotate(moment_of(frame, order), width=640, height=480)
                for order in (shown, shown[::-1])]
    np.testing.assert_array_equal(*pictures)
    assert (pictures[0] == (255, 0, 0)).all(axis=2).any()  # a box's blue, not dulled by the mask


@pytest.mark.parametrize('axis', [0, 1])
@pytest.mark.parametrize('drawn_length', [9, 21, 50, 63, 95, 189, 315])
def test_a_thin_object_in_a_mask_is_drawn_where_the_frame_has_it(models, drawn_length, axis):
    """
    Draw a line, as thin as can be seen, in the frame and in its mask, at every place.

    As a pixel is in the mask or not, one line may be off by half a pixel of the picture; on the
    whole the lines may not. The length is odd: then no pixel's centre falls between two.
    """
    length = 63
    thickness = -(-length // drawn_length)
    errors = []
    for place in range(8, length - 8 - thickness):
        mask = np.zeros((length, length), np.uint8)
        mask[(slice(None),) * axis + (slice(place, place + thickness),)] = 2
        frame = np.repeat(mask[..., np.newaxis], 3, axis=2) * 100
        seen = annotate(moment_of(frame, []), width=drawn_length, height=drawn_length)
        drawn = annotate(
            moment_of(np.zeros_like(frame),
                      [Shown(models['segmentation'], ClassMask(mask), 0.0, 0.0)]),
            width=drawn_length, height=drawn_length)
        errors.append(red_centre(drawn, axis) - red_centre(seen, axis))
    assert abs(np.mean(errors)) < 0.05
    assert np.abs(errors).max() < 0.7


def red_centre(picture, axis):
    """Give the centre of mass of what is red along an axis, in pixels."""
    red = picture[:, :, 2].sum(axis=1 - axis, dtype=float)
    red -= red.min()
    return float((red * np.arange(len(red))).sum() / red.sum())
