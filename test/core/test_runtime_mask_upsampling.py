"""The mask of the frame's size against the full computation: every pixel, except ties."""

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from edgenext_core.models.deeplabv3 import masks_from_logits
from edgenext_core.runtime.mask_upsampling import upsample_mask
from edgenext_core.runtime.preprocess import boxes_to_input, plan_resize

GRIDS = [(32, 32), (18, 24), (7, 5), (1, 9), (9, 1), (1, 1), (64, 40)]
FRAMES = [(640, 480), (333, 217), (97, 311), (512, 512), (20, 31), (1, 1), (1, 50), (50, 1)]
TIE = 2e-6
"""Two logits within this of each other, relative to the largest one, are equal up to rounding."""


def noise(classes, height, width, seed=0):
    return np.random.default_rng(seed).normal(size=(classes, height, width)).astype(np.float32)


def smooth(classes, height, width, seed=0):
    return np.stack([cv2.GaussianBlur(plane, (0, 0), 2)
                     for plane in noise(classes, height, width, seed)]).reshape(
                         classes, height, width)


def scenes(classes, height, width, seed=0):
    """Regions of one class each with soft borders, as a trained network gives them."""
    regions = smooth(classes, height, width, seed).argmax(axis=0)
    certain = 10 * (regions == np.arange(classes)[:, np.newaxis, np.newaxis])
    certain = certain.astype(np.float32)
    return np.stack([cv2.GaussianBlur(plane, (0, 0), 0.6) for plane in certain]).reshape(
        classes, height, width) + 0.3 * noise(classes, height, width, seed + 1)


def interpolate_by_torch(logits, geometry):
    """Sample the grid at the frame's pixel centres in float64: (K, height, width)."""
    width, height = geometry.frame_width, geometry.frame_height
    centres = np.zeros((max(width, height), 4))
    centres[:width, 0] = np.arange(width) + 0.5
    centres[:height, 1] = np.arange(height) + 0.5
    in_input = boxes_to_input_in_float64(centres, geometry)
    # grid_sample calls the input's edges -1 and 1.
    x = 2 * in_input[:width, 0] / geometry.input_width - 1
    y = 2 * in_input[:height, 1] / geometry.input_height - 1
    grid = torch.from_numpy(np.stack(np.meshgrid(x, y), axis=-1))[None]
    return F.grid_sample(torch.from_numpy(logits)[None].double(), grid, mode='bilinear',
                         padding_mode='border', align_corners=False)[0].numpy()


def boxes_to_input_in_float64(boxes, geometry):
    scale = np.array([geometry.resized_width / geometry.crop_width,
                      geometry.resized_height / geometry.crop_height] * 2)
    offset = np.array([geometry.left, geometry.top] * 2) - scale * np.array(
        [geometry.crop_left, geometry.crop_top] * 2)
    exact = boxes * scale + offset
    np.testing.assert_allclose(exact, boxes_to_input(boxes, geometry), rtol=1e-5, atol=1e-3)
    return exact


def assert_largest_except_ties(mask, logits, geometry):
    full = interpolate_by_torch(logits, geometry)
    assert mask.dtype == np.uint8 and mask.shape == full.shape[1:]
    differs = mask != full.argmax(axis=0)
    chosen = np.take_along_axis(full, mask[np.newaxis].astype(np.int64), axis=0)[0]
    assert (full.max(axis=0) - chosen)[differs].max(initial=0) <= TIE * np.abs(logits).max()
    assert differs.mean() < 1e-3 or differs.sum() <= 1


def plan(frame, grid, rule):
    return plan_resize(*frame, width=16 * grid[1], height=16 * grid[0], rule=rule)


@pytest.mark.parametrize('rule', ['stretch', 'letterbox'])
@pytest.mark.parametrize('make', [noise, smooth, scenes])
@pytest.mark.parametrize('grid', GRIDS)
def test_the_mask_is_that_of_the_full_computation(grid, make, rule):
    for seed, frame in enumerate(FRAMES):
        geometry = plan(frame, grid, rule)
        logits = make(9, *grid, seed=seed)
        assert_largest_except_ties(upsample_mask(logits, geometry), logits, geometry)


@pytest.mark.parametrize('classes', [1, 2, 3, 256])
def test_any_number_of_classes_works(classes):
    for make in (noise, scenes):
        logits = make(classes, 12, 10)
        geometry = plan((160, 117), (12, 10), 'letterbox')
        assert_largest_except_ties(upsample_mask(logits, geometry), logits, geometry)


def test_a_class_that_wins_at_no_corner_can_win_between_them():
    logits = np.array([[[3, 0]], [[0, 3]], [[2, 2]]], np.float32)
    geometry = plan_resize(200, 1, width=2, height=1, rule='stretch')

    mask = upsample_mask(logits, geometry)

    assert mask[0, [60, 100, 140]].tolist() == [0, 2, 1]
    assert_largest_except_ties(mask, logits, geometry)
    turned = upsample_mask(logits.transpose(0, 2, 1),
                           plan_resize(1, 200, width=1, height=2, rule='stretch'))
    np.testing.assert_array_equal(turned, mask.T)


def test_many_classes_that_take_turns_within_one_cell_are_all_seen():
    # Tangents of a parabola: each is the largest around the place where it touches.
    touch = np.linspace(0, 1, 30)
    logits = np.stack([-touch ** 2, 2 * touch - touch ** 2], axis=1).astype(np.float32)
    for shape, frame in (((30, 1, 2), (600, 1)), ((30, 2, 1), (1, 600))):
        geometry = plan_resize(*frame, width=shape[2], height=shape[1], rule='stretch')
        mask = upsample_mask(logits.reshape(shape), geometry)
        assert_largest_except_ties(mask, logits.reshape(shape), geometry)
        assert len(np.unique(mask)) == 30


@pytest.mark.parametrize('frame', [(640, 480), (300, 200), (1280, 720), (37, 53)])
def test_a_stretched_frame_gets_what_the_networks_own_evaluation_gives(frame):
    logits = scenes(21, 32, 32)
    geometry = plan_resize(*frame, width=512, height=512, rule='stretch')

    mask = upsample_mask(logits, geometry)

    full = masks_from_logits(torch.from_numpy(logits)[None], height=frame[1], width=frame[0])
    assert (mask != full[0].numpy()).sum() <= 2  # ties
    assert_largest_except_ties(mask, logits, geometry)


def test_equal_logits_give_one_of_the_equal_classes():
    logits = np.zeros((5, 6, 6), np.float32)
    logits[1] = logits[3] = 1
    mask = upsample_mask(logits, plan_resize(77, 55, width=96, height=96, rule='stretch'))
    assert (mask == 1).all()

    logits[3, :, 3:] = 2
    mask = upsample_mask(logits, plan_resize(96, 96, width=96, height=96, rule='stretch'))
    assert set(np.unique(mask)) == {1, 3} and (mask[:, :40] == 1).all()


def test_whole_numbers_tie_often_and_never_give_a_class_that_is_not_the_largest():
    logits = np.random.default_rng(5).integers(0, 3, (6, 20, 20)).astype(np.float32)
    geometry = plan_resize(160, 120, width=320, height=320, rule='letterbox')

    mask = upsample_mask(logits, geometry)

    full = interpolate_by_torch(logits, geometry)
    chosen = np.take_along_axis(full, mask[np.newaxis].astype(np.int64), axis=0)[0]
    np.testing.assert_allclose(chosen, full.max(axis=0), atol=TIE * 2)


@pytest.mark.parametrize('scale', [1e-30, 1e4, 1e38])
def test_the_size_of_logits_does_not_matter(scale):
    logits = np.clip(scenes(5, 16, 16) / 12, -1, 1) * np.float32(scale)
    geometry = plan_resize(200, 150, width=256, height=256, rule='stretch')

    with np.errstate(over='raise', invalid='raise', divide='raise'):
        mask = upsample_mask(logits, geometry)

    assert_largest_except_ties(mask, logits, geometry)


def test_the_largest_float32_does_not_overflow():
    logits = np.where(scenes(4, 8, 8) > 5, 3.4e38, -3.4e38).astype(np.float32)
    geometry = plan_resize(100, 80, width=128, height=128, rule='stretch')

    with np.errstate(over='raise', invalid='raise'):
        mask = upsample_mask(logits, geometry)

    assert_largest_except_ties(mask, logits, geometry)


def test_what_lies_beyond_the_letterboxs_border_counts_nowhere():
    geometry = plan_resize(640, 200, width=512, height=512, rule='letterbox')
    logits = scenes(6, 32, 32)
    before = upsample_mask(logits, geometry)
    # The frame covers 160 of 512 rows from 176 on, so points 0 to 9 and 22 to 31 are beyond it and
    # beyond its neighbours.
    logits[:, :10] = logits[:, 22:] = 0
    logits[5, :10] = logits[5, 22:] = 1000

    np.testing.assert_array_equal(upsample_mask(logits, geometry), before)


def test_the_logits_stay_as_they_were():
    logits = scenes(6, 8, 8)
    before = logits.copy()

    upsample_mask(logits, plan_resize(64, 48, width=128, height=128, rule='stretch'))

    np.testing.assert_array_equal(logits, before)


def test_a_border_lies_where_it_did():
    logits = np.zeros((2, 2, 2), np.float32)
    logits[0, :, 0] = 1
    logits[1, :, 1] = 3
    mask = upsample_mask(logits, plan_resize(16, 2, width=2, height=2, rule='stretch'))

    # Logits fall from 1 to 0 and rise from 0 to 3 between the centres 4 and 12: equal at 6.
    assert mask.tolist() == [[0] * 6 + [1] * 10] * 2
