import numpy as np
import pytest

from synthetic_street import HELD_OUT_SEED, Street, StreetError, draw_scene
from synthetic_street.labels import STREET_OBJECTS, STREET_SCENES, STREET_SURFACES
from synthetic_street.truth import MIN_HEIGHT_PX, MIN_WIDTH_PX

VEHICLE = STREET_SURFACES.names.index('vehicle')
PERSON = STREET_SURFACES.names.index('person')
TRAFFIC_OBJECT = STREET_SURFACES.names.index('traffic_object')
SURFACE_OF = {'car': VEHICLE, 'truck': VEHICLE, 'pedestrian': PERSON, 'cyclist': PERSON,
              'traffic_light': TRAFFIC_OBJECT, 'stop_sign': TRAFFIC_OBJECT,
              'cone': TRAFFIC_OBJECT}
KEY_OBJECTS = {'vehicle_ahead': {'car', 'truck'}, 'pedestrian_ahead': {'pedestrian'},
               'stop_sign': {'stop_sign'}, 'red_light': {'traffic_light'},
               'green_light': {'traffic_light'}, 'roadworks': {'cone'}}
SIGNS = {'stop_sign', 'traffic_light', 'cone'}


def names_of(scene):
    return [STREET_OBJECTS.names[i] for i in scene.box_class_ids]


@pytest.fixture(scope='module')
def scenes():
    drawn = []
    for label_id in range(len(STREET_SCENES.names)):
        for seed in range(4):
            street = Street(HELD_OUT_SEED + 10 * label_id + seed, label_id=label_id)
            drawn += [street.scene(time_s) for time_s in (0.0, 1.4, 3.0)]
    return drawn


def assert_same(first, second):
    for mine, other in zip(first, second):
        np.testing.assert_array_equal(mine, other)


def test_a_scene_has_the_stated_shapes_and_types():
    scene = draw_scene(3, width=320, height=240)
    assert scene.image_bgr.shape == (240, 320, 3) and scene.image_bgr.dtype == np.uint8
    assert scene.mask.shape == (240, 320) and scene.mask.dtype == np.uint8
    assert scene.boxes_xyxy.shape == (len(scene.box_class_ids), 4)
    assert scene.boxes_xyxy.dtype == np.float32 and scene.box_class_ids.dtype == np.int64
    assert isinstance(scene.label_id, int)


def test_the_same_seed_draws_the_same_scene_and_another_seed_another():
    assert_same(draw_scene(5), draw_scene(5))
    assert np.any(draw_scene(5).image_bgr != draw_scene(6).image_bgr)


def test_a_street_does_not_remember_what_was_drawn_before():
    street = Street(8)
    street.scene(2.5)
    assert_same(street.scene(0.7), Street(8).scene(0.7))


def test_a_street_keeps_its_label_and_changes_little_in_a_moment():
    street = Street(21)
    first, second = street.scene(1.0), street.scene(1.02)
    assert first.label_id == second.label_id == street.scene(3.0).label_id
    assert np.mean(first.mask != second.mask) < 0.02


def test_times_outside_the_street_show_its_ends():
    street = Street(4)
    assert_same(street.scene(99.0), street.scene(3.0))
    assert_same(street.scene(-1.0), street.scene(0.0))


def test_seeds_choose_every_label_about_equally_often():
    counts = np.bincount([Street(seed, width=64, height=48).label_id for seed in range(140)],
                         minlength=len(STREET_SCENES.names))
    assert counts.min() > 8


def test_a_label_that_does_not_exist_is_refused():
    with pytest.raises(StreetError, match=r'label_id is 7, expected 0\.\.6'):
        Street(0, label_id=7)


@pytest.mark.parametrize('seed', [-1, 2 ** 32])
def test_a_seed_that_does_not_exist_is_refused(seed):
    with pytest.raises(StreetError, match=rf'seed is {seed}, expected 0\.\.4294967295'):
        draw_scene(seed)


@pytest.mark.parametrize('width, height', [(640, 0), (15, 64), (4097, 2000), (640, 159)])
def test_a_size_that_cannot_be_drawn_is_refused(width, height):
    with pytest.raises(StreetError, match=f'a frame of {width}x{height} pixels cannot be drawn, '
                                          'expected 16 to 4096 each way and a width of at most 4'):
        draw_scene(0, width=width, height=height)


@pytest.mark.parametrize('width, height', [(16, 16), (64, 16), (16, 400), (101, 77)])
def test_the_smallest_the_widest_and_odd_sizes_can_be_drawn(width, height):
    for seed in range(12):
        assert draw_scene(seed, width=width, height=height).mask.shape == (height, width)


def test_every_label_shows_its_key_object_all_the_time(scenes):
    for scene in scenes:
        label, names = STREET_SCENES.names[scene.label_id], names_of(scene)
        if label in KEY_OBJECTS:
            assert KEY_OBJECTS[label] & set(names), label
        if label == 'roadworks':
            assert names.count('cone') >= 3


def test_no_label_shows_the_key_sign_of_another(scenes):
    for scene in scenes:
        allowed = KEY_OBJECTS.get(STREET_SCENES.names[scene.label_id], set())
        assert not (set(names_of(scene)) & SIGNS) - allowed


def test_the_vehicle_ahead_stands_in_the_middle_of_the_picture(scenes):
    for scene in scenes:
        if STREET_SCENES.names[scene.label_id] == 'vehicle_ahead':
            assert any(x0 < 320 + 60 and x1 > 320 - 60
                       for (x0, _, x1, _), name in zip(scene.boxes_xyxy, names_of(scene))
                       if name in ('car', 'truck'))


def test_masks_hold_only_known_surfaces_and_most_of_them(scenes):
    seen = set()
    for scene in scenes:
        seen |= set(np.unique(scene.mask).tolist())
    assert seen == set(range(len(STREET_SURFACES.names)))


def test_boxes_are_inside_the_frame_and_not_too_small(scenes):
    for scene in scenes:
        x0, y0, x1, y1 = scene.boxes_xyxy.T
        assert np.all(x0 >= 0) and np.all(y0 >= 0) and np.all(x1 <= 640) and np.all(y1 <= 480)
        assert np.all(x1 - x0 >= MIN_WIDTH_PX) and np.all(y1 - y0 >= MIN_HEIGHT_PX)


def test_every_edge_of_a_box_touches_the_object_in_the_mask(scenes):
    for scene in scenes:
        for (x0, y0, x1, y1), name in zip(scene.boxes_xyxy.astype(int), names_of(scene)):
            mine = scene.mask[y0:y1, x0:x1] == SURFACE_OF[name]
            assert mine[0].any() and mine[-1].any() and mine[:, 0].any() and mine[:, -1].any()


def test_nothing_is_drawn_without_a_box(scenes):
    for scene in scenes:
        unboxed = np.isin(scene.mask, (VEHICLE, PERSON))
        for x0, y0, x1, y1 in scene.boxes_xyxy.astype(int):
            unboxed[y0:y1, x0:x1] = False
        assert not unboxed.any()


def test_the_lit_lamp_has_the_colour_of_the_label(scenes):
    for scene in scenes:
        label = STREET_SCENES.names[scene.label_id]
        if label not in ('red_light', 'green_light'):
            continue
        index = names_of(scene).index('traffic_light')
        x0, y0, x1, y1 = scene.boxes_xyxy[index].astype(int)
        center = y0 + (y1 - y0) * (0.18 if label == 'red_light' else 0.82)
        rows = slice(int(center) - 2, int(center) + 3)
        lamp = scene.image_bgr[rows, (x0 + x1) // 2 - 2:(x0 + x1) // 2 + 3].reshape(-1, 3)
        _, green, red = lamp.mean(axis=0)
        assert max(green, red) > 120
        assert red > green if label == 'red_light' else green > red


@pytest.mark.parametrize('seed', [2, 30, 77])
def test_the_truth_does_not_depend_on_the_resolution(seed):
    large, small = draw_scene(seed, width=640, height=480), draw_scene(seed, width=320, height=240)
    assert large.label_id == small.label_id
    assert np.mean(large.mask[::2, ::2] == small.mask) > 0.97
    np.testing.assert_array_equal(large.box_class_ids, small.box_class_ids)
    np.testing.assert_allclose(large.boxes_xyxy / 2, small.boxes_xyxy, atol=2.0)
