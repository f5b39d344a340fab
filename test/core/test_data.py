"""Data sets: windows, order, the cache of scenes, mask folders."""

import cv2
import numpy as np
import pytest
import torch

from edgenext_core.data.datasets import (
    Augmentation,
    ClassificationDataset,
    DetectionDataset,
    InputSize,
    SegmentationDataset,
    collate,
)
from edgenext_core.data.mask_folder import SegmentationFolder
from edgenext_core.data.sampler import EpochSampler
from edgenext_core.data.scene_cache import open_scenes, world_fingerprint
from edgenext_core.data.transforms import (
    Window,
    cut,
    cut_boxes,
    flip_boxes,
    jitter_colors,
    sample_window,
)
from edgenext_core.runtime.preprocess import resize_frame
from synthetic_street import Scene, draw_scene

SIZE = InputSize(64, 96, 'letterbox')
VIEW = Augmentation(64, 96, window=(0.5, 1.0), flip=0.5)


@pytest.fixture
def scene():
    """One white rectangle on black: where it is, the mask is 1 and a box is around it."""
    image = np.zeros((240, 320, 3), np.uint8)
    mask = np.zeros((240, 320), np.uint8)
    image[60:180, 100:220] = 255
    mask[60:180, 100:220] = 1
    return Scene(image, 3, np.array([[100, 60, 220, 180]], np.float32), np.array([2]), mask)


def test_a_window_lies_in_the_frame_and_has_the_wanted_shape():
    rng = np.random.default_rng(0)
    for size in ((480, 640), (33, 1000), (1000, 31)):
        window = sample_window(rng, frame_size=size, aspect=1.5, fraction=(0.3, 1.0))
        assert window.left >= 0 and window.left + window.width <= size[1]
        assert window.top >= 0 and window.top + window.height <= size[0]
        assert window.width / window.height == pytest.approx(1.5, abs=0.15)


def test_a_cut_box_frames_what_it_framed_before(scene):
    window = Window(40, 30, 200, 160)
    boxes, kept = cut_boxes(scene.boxes_xyxy, window)
    image = cut(scene.image_bgr, window)
    left, top, right, bottom = np.rint(boxes[0] * (200, 160, 200, 160)).astype(int)
    assert kept.tolist() == [True]
    assert image[top:bottom, left:right].min() == 255
    assert image.sum() == image[top:bottom, left:right].sum()


def test_a_box_of_which_too_little_is_left_is_dropped(scene):
    boxes, kept = cut_boxes(scene.boxes_xyxy, Window(0, 0, 130, 240))
    assert boxes.shape == (0, 4)
    assert kept.tolist() == [False]


def test_flipping_boxes_twice_changes_nothing():
    boxes = np.array([[0.1, 0.2, 0.4, 0.9]], np.float32)
    np.testing.assert_allclose(flip_boxes(flip_boxes(boxes)), boxes, atol=1e-6)


def test_colours_change_with_the_seed_and_not_at_strength_zero(scene):
    first, again, other = (
        jitter_colors(np.random.default_rng(seed), scene.image_bgr, 0.3) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert jitter_colors(np.random.default_rng(1), scene.image_bgr, 0) is scene.image_bgr


def test_every_epoch_has_every_sample_once_in_another_order():
    sampler = EpochSampler(10, seed=3)
    first = list(sampler)
    sampler.set_epoch(1)
    second = list(sampler)
    assert sorted(first) == list(range(10))
    assert sorted(second) == list(range(10, 20))
    assert first != [number - 10 for number in second]
    assert len(sampler) == 10


@pytest.mark.parametrize('kind', [ClassificationDataset, DetectionDataset])
def test_the_same_number_is_the_same_item_and_another_epoch_another_view(kind, scene):
    dataset = kind([scene], input_size=SIZE, augmentation=VIEW, seed=1)
    torch.testing.assert_close(dataset[4]['image'], dataset[4]['image'])
    assert (dataset[4]['image'] != dataset[5]['image']).any()


def test_a_whole_frame_is_resized_by_the_runtime_rule(scene):
    image = ClassificationDataset([scene], input_size=SIZE)[0]['image']
    expected, _ = resize_frame(
        scene.image_bgr, width=96, height=64, rule='letterbox', pad_value=114)
    np.testing.assert_array_equal(image.numpy(), expected)


def test_views_of_image_and_mask_show_the_same(scene):
    dataset = SegmentationDataset([scene], input_size=SIZE, augmentation=VIEW, ignore_index=255)
    for number in range(10):
        item = dataset[number]
        agree = (item['image'][..., 0] > 127) == (item['mask'] == 1)
        assert agree.float().mean() > 0.95


def test_the_border_of_a_letterboxed_mask_is_ignored(scene):
    item = SegmentationDataset([scene], input_size=SIZE, ignore_index=255)[0]
    assert (item['mask'] == 255).any()
    assert set(item['mask'].unique().tolist()) == {0, 1, 255}


@pytest.mark.parametrize('augmentation', [None, VIEW])
def test_boxes_of_an_item_frame_its_object(scene, augmentation):
    dataset = DetectionDataset([scene], input_size=SIZE, augmentation=augmentation)
    for number in range(10):
        item = dataset[number]
        white = item['image'][..., 0] > 200
        if len(item['boxes_xyxy']) == 0:
            continue
        left, top, right, bottom = (
            item['boxes_xyxy'][0] * torch.tensor([96, 64, 96, 64])).round().int().tolist()
        # At most a border of two pixels is blurred or cut off.
        assert white[top + 2:bottom - 2, left + 2:right - 2].all()
        assert white.sum() <= (bottom - top + 2) * (right - left + 2)


def test_a_batch_stacks_images_and_lists_boxes(scene):
    dataset = DetectionDataset([scene, scene], input_size=SIZE)
    batch = collate([dataset[0], dataset[1]])
    assert batch['image'].shape == (2, 64, 96, 3)
    assert [boxes.shape for boxes in batch['boxes_xyxy']] == [(1, 4), (1, 4)]
    assert batch['class_ids'][0].tolist() == [2]


def test_a_cached_scene_is_the_drawn_scene(tmp_path):
    scenes = open_scenes(tmp_path, first_seed=7, count=3, width=96, height=64, processes=1)
    for index in range(3):
        expected = draw_scene(7 + index, width=96, height=64)
        for found, wanted in zip(scenes[index], expected):
            np.testing.assert_array_equal(found, wanted)


def test_scenes_are_drawn_once(tmp_path):
    options = {'first_seed': 7, 'count': 2, 'width': 96, 'height': 64, 'processes': 1}
    open_scenes(tmp_path, **options)
    folder, = tmp_path.iterdir()
    written = (folder / 'images.npy').stat().st_mtime_ns
    open_scenes(tmp_path, **options)
    assert list(tmp_path.iterdir()) == [folder]
    assert (folder / 'images.npy').stat().st_mtime_ns == written
    assert folder.name.startswith(world_fingerprint())


def test_a_longer_set_shares_the_blocks_of_a_shorter_one(tmp_path, monkeypatch):
    monkeypatch.setattr('edgenext_core.data.scene_cache._BLOCK', 2)
    options = {'first_seed': 7, 'width': 32, 'height': 24, 'processes': 1}
    open_scenes(tmp_path, count=2, **options)
    shared = set(tmp_path.iterdir())
    scenes = open_scenes(tmp_path, count=5, **options)
    assert shared < set(tmp_path.iterdir())
    assert len(scenes) == 5
    expected = draw_scene(11, width=32, height=24)
    np.testing.assert_array_equal(scenes[4].image_bgr, expected.image_bgr)


@pytest.fixture
def mask_folder(tmp_path):
    for name in ('images', 'masks'):
        (tmp_path / 'train' / name).mkdir(parents=True)
    for index, stem in enumerate(('b', 'a')):
        picture = np.full((20, 30, 3), 40 * index, np.uint8)
        cv2.imwrite(str(tmp_path / 'train' / 'images' / f'{stem}.png'), picture)
        cv2.imwrite(str(tmp_path / 'train' / 'masks' / f'{stem}.png'), picture[..., 0] // 40)
    return tmp_path


def test_a_mask_folder_gives_pictures_in_the_order_of_names(mask_folder):
    folder = SegmentationFolder(mask_folder, split='train')
    assert len(folder) == 2
    assert folder[0].image_bgr[0, 0].tolist() == [40, 40, 40]
    assert folder[0].mask.shape == (20, 30)
    assert folder[0].mask.max() == 1


def test_a_folder_without_pictures_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'val/images holds no pictures'):
        SegmentationFolder(tmp_path, split='val')


def test_a_missing_mask_is_named(mask_folder):
    (mask_folder / 'train' / 'masks' / 'a.png').unlink()
    with pytest.raises(FileNotFoundError, match=r'masks/a\.png is missing'):
        SegmentationFolder(mask_folder, split='train')


def test_a_mask_of_another_size_is_refused(mask_folder):
    cv2.imwrite(str(mask_folder / 'train' / 'masks' / 'a.png'), np.zeros((5, 5), np.uint8))
    with pytest.raises(ValueError, match=r'shape \(5, 5\), expected one channel'):
        SegmentationFolder(mask_folder, split='train')[0]


def test_a_broken_picture_is_named(mask_folder):
    (mask_folder / 'train' / 'images' / 'a.png').write_bytes(b'no picture')
    with pytest.raises(ValueError, match=r'a\.png cannot be decoded'):
        SegmentationFolder(mask_folder, split='train')[0]
