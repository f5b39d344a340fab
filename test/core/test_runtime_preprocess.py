"""Resizing and its undoing: every aspect ratio, odd sizes, and what is no frame."""

import json

import cv2
import numpy as np
import pytest
from constant_models import card_of

from edgenext_core.runtime.card_file import card_from_json
from edgenext_core.runtime.errors import FrameError, SettingError
from edgenext_core.runtime.preprocess import (
    apply_geometry,
    boxes_to_frame,
    boxes_to_input,
    mask_to_frame,
    plan_resize,
    preprocess,
    resize_frame,
)

FRAME_SIZES = [(640, 480), (480, 640), (1280, 720), (961, 541), (333, 777), (1920, 1080),
               (101, 17), (17, 101), (320, 256), (2, 3), (1, 1), (1, 50), (50, 1), (639, 3)]
INPUT_SIZES = [(320, 256), (224, 224), (97, 131)]
WHOLE_FRAME_RULES = ('stretch', 'letterbox')


def each(*lists):
    return [()] if not lists else [(head, *tail) for head in lists[0] for tail in each(*lists[1:])]


@pytest.mark.parametrize('frame_size, input_size, rule', each(
    FRAME_SIZES, INPUT_SIZES, ('stretch', 'letterbox', 'center_crop')))
def test_boxes_survive_the_way_to_the_input_and_back(frame_size, input_size, rule):
    geometry = plan_resize(*frame_size, width=input_size[0], height=input_size[1], rule=rule)
    boxes = np.random.default_rng(0).uniform(0, 1, (50, 4)) * (frame_size * 2)

    back = boxes_to_frame(boxes_to_input(boxes, geometry), geometry)

    np.testing.assert_allclose(back, boxes, atol=1e-3 * max(1, max(frame_size) / 1000))


@pytest.mark.parametrize('frame_size, input_size, rule', each(
    [size for size in FRAME_SIZES if min(size) > 100], INPUT_SIZES,
    ('stretch', 'letterbox', 'center_crop')))
def test_boxes_lie_where_the_resized_pixels_lie(frame_size, input_size, rule):
    width, height = frame_size
    x, y, radius = 0.43 * width, 0.56 * height, 0.06 * min(frame_size)
    blob = np.outer(np.exp(-((np.arange(height) + 0.5 - y) / radius) ** 2),
                    np.exp(-((np.arange(width) + 0.5 - x) / radius) ** 2))
    frame = np.repeat((255 * blob).round().astype(np.uint8)[:, :, np.newaxis], 3, axis=2)

    resized, geometry = resize_frame(frame, width=input_size[0], height=input_size[1], rule=rule,
                                     pad_value=0)
    (box,) = boxes_to_input(np.array([[x, y, x, y]]), geometry)

    mass = resized[:, :, 0] / resized[:, :, 0].sum()
    centre = ((mass.sum(axis=0) * (np.arange(input_size[0]) + 0.5)).sum(),
              (mass.sum(axis=1) * (np.arange(input_size[1]) + 0.5)).sum())
    np.testing.assert_allclose(centre, box[:2], atol=0.05)


@pytest.mark.parametrize('frame_size, input_size, rule', each(
    FRAME_SIZES, INPUT_SIZES, WHOLE_FRAME_RULES))
def test_masks_come_back_by_pixel_centres(frame_size, input_size, rule):
    width, height = frame_size
    geometry = plan_resize(width, height, width=input_size[0], height=input_size[1], rule=rule)
    mask = np.arange(input_size[0] * input_size[1]).reshape(input_size[::-1]).astype(np.int32)

    back = mask_to_frame(mask, geometry)

    assert back.shape == (height, width)
    for positions, found, axis in (
            (np.arange(width) + 0.5, back[0] % input_size[0] + 0.5, 0),
            (np.arange(height) + 0.5, back[:, 0] // input_size[0] + 0.5, 1)):
        wanted = boxes_to_input(np.repeat(positions[:, np.newaxis], 4, axis=1), geometry)[:, axis]
        assert np.abs(wanted - found).max() <= 0.5 + 1e-3


@pytest.mark.parametrize('frame_size', FRAME_SIZES)
def test_a_letterbox_border_never_reaches_the_frame(frame_size):
    geometry = plan_resize(*frame_size, width=320, height=256, rule='letterbox')
    mask = np.full((256, 320), 9, np.uint8)
    mask[geometry.top:geometry.top + geometry.resized_height,
         geometry.left:geometry.left + geometry.resized_width] = 1

    assert (mask_to_frame(mask, geometry) == 1).all()


@pytest.mark.parametrize('frame_size', [(640, 480), (480, 640), (641, 479)])
@pytest.mark.parametrize('rule', WHOLE_FRAME_RULES)
def test_a_mask_of_the_frame_survives_a_larger_input(frame_size, rule):
    mask = np.random.default_rng(0).integers(0, 8, frame_size[::-1]).astype(np.uint8)

    resized, geometry = resize_frame(mask, width=1000, height=999, rule=rule, pad_value=255,
                                     interpolation=cv2.INTER_NEAREST)

    np.testing.assert_array_equal(mask_to_frame(resized, geometry), mask)


def test_a_letterbox_is_centred_and_padded():
    frame = np.full((100, 400, 3), 200, np.uint8)

    image, geometry = resize_frame(frame, width=200, height=200, rule='letterbox', pad_value=114)

    assert (geometry.left, geometry.top) == (0, 75)
    assert (geometry.resized_width, geometry.resized_height) == (200, 50)
    assert (image[:75] == 114).all() and (image[125:] == 114).all()
    assert (image[75:125] == 200).all()


def test_a_centre_crop_keeps_the_ratio_and_the_middle():
    frame = np.zeros((100, 400, 3), np.uint8)
    frame[:, 150:250] = 200

    image, geometry = resize_frame(frame, width=50, height=50, rule='center_crop', pad_value=0)

    assert (geometry.crop_left, geometry.crop_width) == (150, 100)
    assert (image == 200).all()


def test_a_frame_of_the_input_size_is_not_changed():
    frame = np.random.default_rng(0).integers(0, 256, (24, 32, 3)).astype(np.uint8)
    for rule in ('stretch', 'letterbox', 'center_crop'):
        image, _ = resize_frame(frame, width=32, height=24, rule=rule, pad_value=0)
        np.testing.assert_array_equal(image, frame)


@pytest.mark.parametrize('frame_size', [(1920, 1080), (1280, 720), (1001, 777)])
def test_shrinking_a_lot_averages_as_an_area_does(frame_size):
    noise = np.random.default_rng(0).integers(0, 256, (*frame_size[::-1], 3)).astype(np.uint8)

    image, _ = resize_frame(noise, width=256, height=192, rule='stretch', pad_value=0)

    exact = cv2.resize(noise, (256, 192), interpolation=cv2.INTER_AREA)
    bilinear = cv2.resize(noise, (256, 192), interpolation=cv2.INTER_LINEAR)
    assert image.std() < 0.6 * bilinear.std()
    assert abs(image.mean() - exact.mean()) < 1


def test_a_frame_of_extreme_ratio_stays_small_on_its_way():
    frame = np.zeros((2, 40000, 3), np.uint8)
    for rule in ('stretch', 'letterbox', 'center_crop'):
        image, _ = resize_frame(frame, width=320, height=256, rule=rule, pad_value=0)
        assert image.shape == (256, 320, 3)


def test_preprocess_gives_a_contiguous_batch_of_one_for_any_memory_layout():
    card = card_from_json(json.dumps(card_of('detection')))
    frame = np.random.default_rng(0).integers(0, 256, (48, 64, 3)).astype(np.uint8)
    expected, _ = preprocess(frame, card)

    for layout in (np.asfortranarray(frame), np.repeat(frame, 2, axis=1)[:, ::2],
                   frame[::-1][::-1], np.flip(np.flip(frame, 2).copy(), 2)):
        image, geometry = preprocess(layout, card)
        assert image.shape == (1, 24, 32, 3) and image.dtype == np.uint8
        assert image.flags.c_contiguous
        assert (geometry.frame_width, geometry.frame_height) == (64, 48)
        np.testing.assert_array_equal(image, expected)


def test_preprocess_leaves_the_frame_as_it_was():
    card = card_from_json(json.dumps(card_of('detection')))
    frame = np.full((24, 32, 3), 7, np.uint8)
    frame.flags.writeable = False

    preprocess(frame, card)

    assert (frame == 7).all()


@pytest.mark.parametrize('frame', [
    None, [[1, 2, 3]], np.zeros((4, 4), np.uint8), np.zeros((4, 4, 1), np.uint8),
    np.zeros((4, 4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8), np.zeros((4, 0, 3), np.uint8),
    np.zeros((4, 4, 3), np.float32), np.zeros((4, 4, 3), np.int8),
    np.zeros((1, 4, 4, 3), np.uint8), np.zeros((3, 4, 4), np.uint8)])
def test_what_is_no_frame_is_refused(frame):
    with pytest.raises(FrameError, match=r'the frame is .*, expected .*\(H, W, 3\) uint8 BGR'):
        preprocess(frame, card_from_json(json.dumps(card_of('detection'))))


def test_an_unknown_rule_is_refused():
    with pytest.raises(SettingError, match="'squash', expected stretch, letterbox or center_crop"):
        plan_resize(4, 4, width=2, height=2, rule='squash')


def test_a_mask_and_its_picture_take_the_same_geometry():
    frame = np.zeros((100, 200, 3), np.uint8)
    frame[20:60, 40:120] = 255
    image, geometry = resize_frame(frame, width=64, height=64, rule='letterbox', pad_value=0)

    mask = apply_geometry(frame[:, :, 0] // 255, geometry, pad_value=0,
                          interpolation=cv2.INTER_NEAREST)

    assert np.abs((image[:, :, 0] > 127).astype(int) - mask).sum() <= 100
