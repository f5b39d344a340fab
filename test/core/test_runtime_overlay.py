"""Overlays: a new picture of the frame's size, drawn where it belongs, at any size."""

import json

import numpy as np
import pytest
from constant_models import card_of

from edgenext_core.runtime.card_file import card_from_json
from edgenext_core.runtime.errors import FrameError
from edgenext_core.runtime.overlay import draw_classification, draw_detections, draw_mask
from edgenext_core.runtime.records import Classification, ClassMask, Detections

CARDS = {task: card_from_json(json.dumps(card_of(task)))
         for task in ('classification', 'detection', 'segmentation')}
SIZES = [(320, 240), (640, 480), (1920, 1080), (480, 640), (1000, 40), (40, 1000), (7, 5), (1, 1)]


def detections(boxes):
    return Detections(np.array(boxes, np.float32).reshape(-1, 4),
                      np.arange(len(boxes), dtype=np.int64) % 3,
                      np.linspace(0.9, 0.5, len(boxes)).astype(np.float32))


def grey(width, height):
    return np.full((height, width, 3), 128, np.uint8)


@pytest.mark.parametrize('width, height', SIZES)
def test_every_overlay_is_a_new_picture_of_the_frames_size(width, height):
    frame = grey(width, height)
    size = (width, height, width, height)
    boxes = np.array([[0, 0, 1, 1], [0.2, 0.3, 0.5, 0.6], [0.9, 0, 1, 0.1]]) * size
    pictures = (
        draw_classification(frame, Classification(np.array([1, 0, 2]), np.array(
            [0.7, 0.2, 0.1], np.float32)), CARDS['classification']),
        draw_detections(frame, detections(boxes), CARDS['detection']),
        draw_mask(frame, ClassMask(np.ones((height, width), np.uint8)), CARDS['segmentation']))

    for picture in pictures:
        assert picture.shape == frame.shape and picture.dtype == np.uint8
        assert not np.shares_memory(picture, frame)
        assert (picture != frame).any() or frame.size < 10
    assert (frame == 128).all()


@pytest.mark.parametrize('width, height', SIZES)
def test_nothing_found_leaves_the_picture(width, height):
    frame = grey(width, height)
    none = Classification(np.zeros(0, np.int64), np.zeros(0, np.float32))

    np.testing.assert_array_equal(draw_classification(frame, none, CARDS['classification']), frame)
    np.testing.assert_array_equal(draw_detections(frame, detections([]), CARDS['detection']),
                                  frame)


def test_a_box_is_drawn_on_its_edges_in_its_colour():
    picture = draw_detections(grey(640, 480), detections([[200, 200, 400, 300]]),
                              CARDS['detection'])

    blue_green_red = (255, 120, 0)
    assert tuple(picture[299, 300]) == tuple(picture[250, 200]) == blue_green_red
    assert tuple(picture[250, 399]) == blue_green_red
    assert tuple(picture[250, 300]) == (128, 128, 128)
    assert (picture[310:] == 128).all() and (picture[:, 410:] == 128).all()


def test_the_best_box_lies_on_top():
    boxes = [[100, 100, 300, 300]] * 2

    picture = draw_detections(grey(640, 480), detections(boxes), CARDS['detection'])

    assert tuple(picture[200, 100]) == (255, 120, 0)


def test_a_mask_blends_its_colour_and_leaves_void_alone():
    ids = np.zeros((480, 640), np.uint8)
    ids[:, 320:] = 255
    ids[400:, :320] = 2

    picture = draw_mask(grey(640, 480), ClassMask(ids), CARDS['segmentation'])

    assert (picture[:, 320:] == 128).all()
    weights = (picture[440, 100].astype(float) - 128) / (np.array([0, 140, 255]) - 128)
    np.testing.assert_allclose(weights, 0.55, atol=0.05)


def test_an_overlay_draws_on_a_frame_of_any_memory_layout():
    frame = np.random.default_rng(0).integers(0, 256, (96, 128, 3)).astype(np.uint8)
    ids = np.random.default_rng(0).integers(0, 3, (96, 128)).astype(np.uint8)
    flipped_frame, flipped_ids = np.ascontiguousarray(frame[:, ::-1]), np.asfortranarray(ids)
    expected = draw_mask(frame, ClassMask(ids), CARDS['segmentation'])

    np.testing.assert_array_equal(
        draw_mask(flipped_frame[:, ::-1], ClassMask(flipped_ids), CARDS['segmentation']), expected)


def test_a_mask_of_another_size_and_a_foreign_frame_are_refused():
    with pytest.raises(FrameError, match=r'the mask is \(4, 4\), the frame \(48, 64\)'):
        draw_mask(grey(64, 48), ClassMask(np.zeros((4, 4), np.uint8)), CARDS['segmentation'])
    with pytest.raises(FrameError, match=r'expected a non-empty \(H, W, 3\) uint8'):
        draw_detections(np.zeros((4, 4), np.uint8), detections([]), CARDS['detection'])
