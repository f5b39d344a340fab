"""Views: what a network sees of a picture, and the truth that goes with it."""

import cv2
import numpy as np
import pytest
import torch
from torchvision import tv_tensors
from torchvision.transforms import v2

from edgenext_core.data.sampler import EpochSampler
from edgenext_core.data.samples import Sample
from edgenext_core.data.view_dataset import (
    ViewDataset,
    box_targets,
    class_target,
    collate,
    mask_target,
)
from edgenext_core.data.views import (
    Augmentation,
    RandomColors,
    RandomWindow,
    random_view,
    whole_view,
)
from edgenext_core.labels.label_set import LabelSet
from edgenext_core.runtime.preprocess import resize_frame
from edgenext_core.runtime.records import Classification, ClassMask, Detections
from edgenext_core.train.tasks import TRAINING_TASKS

SIZE = (64, 96)
VIEW = Augmentation(SIZE, window=(0.5, 1.0), flip=0.5)
BOXES = np.array([[100, 60, 220, 180]], np.float32)


class Frames(list):
    labels = LabelSet(('a', 'b'), ((0, 0, 0), (1, 1, 1)))


@pytest.fixture
def image():
    """One white rectangle on black."""
    image = np.zeros((240, 320, 3), np.uint8)
    image[60:180, 100:220] = 255
    return image


def dataset(image, truth, targets, view, *, copies=1, seed=0):
    return ViewDataset(Frames([Sample(image, truth)] * copies), targets=targets, view=view,
                       seed=seed)


def classified(image, view, *, seed=0):
    truth = Classification(np.array([3]), np.ones(1))
    return dataset(image, truth, class_target, view, seed=seed)


def detected(image, view, *, boxes=BOXES, copies=1):
    truth = Detections(boxes, np.full(len(boxes), 2), np.ones(len(boxes), np.float32))
    return dataset(image, truth, box_targets, view, copies=copies)


def segmented(image, view):
    return dataset(image, ClassMask((image[..., 0] > 0).astype(np.uint8)), mask_target, view)


def boxes_view(augmentation):
    return random_view(augmentation, ending=TRAINING_TASKS['detection'].view_ending)


def windows(frame_size, share, count=200):
    frame = tv_tensors.Image(torch.zeros(3, *frame_size, dtype=torch.uint8))
    cut = RandomWindow(SIZE, share=share)
    return [cut.make_params([frame])['geometry'] for _ in range(count)]


def test_a_window_lies_in_the_frame_and_has_the_wanted_shape():
    torch.manual_seed(0)
    for frame_size in ((480, 640), (33, 1000), (1000, 31)):
        for window in windows(frame_size, (0.3, 1.0)):
            assert window.crop_left >= 0
            assert window.crop_left + window.crop_width <= frame_size[1]
            assert window.crop_top >= 0
            assert window.crop_top + window.crop_height <= frame_size[0]
            # Each side is rounded to whole pixels.
            assert abs(window.crop_width - 1.5 * window.crop_height) <= 1.5


def test_windows_are_as_large_as_asked_for_and_lie_everywhere():
    torch.manual_seed(0)
    found = windows((480, 640), (0.4, 0.9), count=2000)
    shares = np.array([window.crop_width / 640 for window in found])
    assert shares.min() == pytest.approx(0.4, abs=0.01)
    assert shares.max() == pytest.approx(0.9, abs=0.01)
    assert shares.mean() == pytest.approx(0.65, abs=0.02)
    places = np.array([window.crop_left / (640 - window.crop_width) for window in found])
    assert (places.min(), places.max()) == (0, 1)
    assert places.mean() == pytest.approx(0.5, abs=0.02)


def test_a_whole_window_is_the_frame_as_the_robot_resizes_it(image):
    item = classified(image, random_view(Augmentation((60, 80))))[0]
    expected, _ = resize_frame(image, width=80, height=60, rule='stretch', pad_value=0)
    np.testing.assert_array_equal(item['image'].numpy(), expected)


@pytest.mark.parametrize('rule', ['stretch', 'letterbox', 'center_crop'])
def test_a_whole_frame_is_resized_by_the_runtime_rule(rule):
    image = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    item = classified(image, whole_view(SIZE, rule=rule))[0]
    expected, _ = resize_frame(image, width=96, height=64, rule=rule, pad_value=114)
    np.testing.assert_array_equal(item['image'].numpy(), expected)
    assert item['class_id'] == 3


def test_views_of_image_and_mask_show_the_same(image):
    views = segmented(image, random_view(VIEW))
    for number in range(10):
        item = views[number]
        agree = (item['image'][..., 0] > 127) == (item['mask'] == 1)
        assert agree.float().mean() > 0.95


def test_the_border_of_a_letterboxed_mask_is_void(image):
    item = segmented(image, whole_view(SIZE, rule='letterbox'))[0]
    assert set(item['mask'].unique().tolist()) == {0, 1, 255}
    assert item['mask'].dtype == torch.uint8


@pytest.mark.parametrize('view', [whole_view(SIZE, rule='letterbox'), boxes_view(VIEW)])
def test_boxes_of_an_item_frame_its_object(image, view):
    views = detected(image, view)
    seen = 0
    for number in range(10):
        item = views[number]
        white = item['image'][..., 0] > 200
        if len(item['boxes_xyxy']) == 0:
            continue
        seen += 1
        left, top, right, bottom = (
            item['boxes_xyxy'][0] * torch.tensor([96, 64, 96, 64])).round().int().tolist()
        # At most a border of two pixels is blurred or cut off.
        assert white[top + 2:bottom - 2, left + 2:right - 2].all()
        assert white.sum() <= (bottom - top + 2) * (right - left + 2)
    assert seen > 5


@pytest.mark.parametrize(('right', 'kept'), [(150, 1), (145, 0)])
def test_a_box_of_which_too_little_is_left_is_dropped_with_its_class(image, right, kept):
    """Of a box 120 pixels wide, a window that ends 50 or 45 pixels inside it shows 42 or 38 %."""
    cut = RandomWindow((240, right), share=(1, 1))
    truth = {'image': tv_tensors.Image(torch.from_numpy(image).permute(2, 0, 1)),
             **box_targets(Detections(BOXES, np.array([2]), np.ones(1)), (240, 320))}
    params = cut.make_params([truth['image']])
    params['geometry'] = params['geometry']._replace(crop_left=0, crop_top=0)
    ending, = TRAINING_TASKS['detection'].view_ending
    item = ending({key: cut.transform(value, params) for key, value in truth.items()})
    assert len(item['boxes_xyxy']) == len(item['class_ids']) == kept
    if kept:
        assert item['boxes_xyxy'].tolist() == [[100, 60, 150, 180]]


def test_a_picture_without_objects_has_no_boxes(image):
    none = np.zeros((0, 4), np.float32)
    for view in (boxes_view(VIEW), whole_view(SIZE, rule='letterbox')):
        item = detected(image, view, boxes=none)[0]
        assert item['boxes_xyxy'].shape == (0, 4)
        assert item['class_ids'].shape == (0,)


def test_a_mirrored_view_mirrors_the_truth(image):
    plain, mirrored = (
        detected(image, boxes_view(Augmentation((240, 320), flip=flip)))[0] for flip in (0, 1))
    torch.testing.assert_close(mirrored['image'], plain['image'].flip(1))
    left, top, right, bottom = plain['boxes_xyxy'][0].tolist()
    assert mirrored['boxes_xyxy'][0].tolist() == pytest.approx([1 - right, top, 1 - left, bottom])


def test_colours_change_with_the_seed_and_not_at_strength_zero(image):
    picture = tv_tensors.Image(torch.from_numpy(image).permute(2, 0, 1))
    changed = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        changed.append(RandomColors(0.3)(picture))
    assert (changed[0] == changed[1]).all()
    assert (changed[0] != changed[2]).any()
    assert (RandomColors(0)(picture) == picture).all()


def test_transforms_of_torchvision_see_rgb():
    class First(v2.Transform):
        def transform(self, inpt, params):
            seen.append(inpt[:, 0, 0].tolist())
            return inpt

    seen = []
    blue = np.zeros((64, 96, 3), np.uint8)
    blue[..., 0] = 255
    item = classified(blue, random_view(VIEW, ending=[First()]))[0]
    assert seen == [[0, 0, 255]]
    assert item['image'][0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize('make', [classified, segmented])
def test_the_same_number_is_the_same_item_and_another_epoch_another_view(image, make):
    views = make(image, random_view(VIEW))
    torch.testing.assert_close(views[4]['image'], views[4]['image'])
    assert (views[4]['image'] != views[5]['image']).any()


def test_another_seed_is_another_view(image):
    first, second = (classified(image, random_view(VIEW), seed=seed)[0] for seed in (0, 1))
    assert (first['image'] != second['image']).any()


def test_drawing_a_view_leaves_the_random_numbers_of_others_alone(image):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first = classified(image, random_view(VIEW))[7]['image']
    torch.testing.assert_close(torch.rand(3), expected)
    torch.testing.assert_close(classified(image, random_view(VIEW))[7]['image'], first)


def test_a_batch_stacks_images_and_lists_boxes(image):
    views = detected(image, whole_view(SIZE, rule='stretch'), copies=2)
    batch = collate([views[0], views[1]])
    assert batch['image'].shape == (2, 64, 96, 3)
    assert batch['image'].dtype == torch.uint8
    assert [boxes.shape for boxes in batch['boxes_xyxy']] == [(1, 4), (1, 4)]
    assert batch['class_ids'][0].tolist() == [2]


def test_every_epoch_has_every_sample_once_in_another_order():
    sampler = EpochSampler(10, seed=3)
    first = list(sampler)
    sampler.set_epoch(1)
    second = list(sampler)
    assert sorted(first) == list(range(10))
    assert sorted(second) == list(range(10, 20))
    assert first != [number - 10 for number in second]
    assert len(sampler) == 10


def test_shrinking_a_window_skips_no_pixels():
    """Fine stripes become grey, not other stripes."""
    stripes = np.zeros((480, 640, 3), np.uint8)
    stripes[:, ::2] = 255
    shrunk = classified(stripes, random_view(Augmentation((48, 64))))[0]['image'].numpy()
    assert np.abs(shrunk.astype(int) - 127).max() <= 2
    area = cv2.resize(stripes, (64, 48), interpolation=cv2.INTER_AREA)
    assert np.abs(shrunk.astype(int) - area).max() <= 2
