import cv2
import numpy as np

from synthetic_street.atmosphere import choose_atmosphere
from synthetic_street.camera import NEAR_M, Camera, Place, clip_near, fixed_point
from synthetic_street.canvas import FIRST_OBJECT, Canvas, Sprite
from synthetic_street.mesh import Mesh, patch
from synthetic_street.truth import Thing, cast_visible
from synthetic_street.view import View

CAMERA = Camera(width=640, height=480, focal_px=576.0, horizon_px=216.0, height_m=1.2,
                lateral_m=0.0, heading=0.0, curvature=0.0)


def square(left, top, right, bottom):
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], float)
    return fixed_point(corners)


def sprite(*squares, own=True):
    return Sprite(along_m=5.0, polygons=[square(*s) for s in squares],
                  colors_bgr=[(0, 0, 0)] * len(squares), own=[own] * len(squares), surface=5)


def test_a_point_at_eye_height_projects_onto_the_horizon():
    pixels = CAMERA.project(np.array([[0.0, 1.2, 7.0], [1.0, 0.0, 10.0]]))
    np.testing.assert_allclose(pixels, [[319.5, 216.0], [319.5 + 57.6, 216.0 + 69.12]])


def test_a_right_bend_moves_far_things_to_the_right():
    bent = CAMERA._replace(curvature=0.002)
    points = np.array([[0.0, 0.0, 5.0], [0.0, 0.0, 50.0]])
    shift = bent.project(points)[:, 0] - CAMERA.project(points)[:, 0]
    np.testing.assert_allclose(shift, 576 * 0.5 * 0.002 * points[:, 2])


def test_clipping_keeps_what_is_far_enough_and_cuts_the_rest_at_the_near_plane():
    wall = np.array([[0, 0, -1], [0, 0, 3], [0, 2, 3], [0, 2, -1]], float)
    clipped = clip_near(wall)
    np.testing.assert_allclose([clipped[:, 2].min(), clipped[:, 2].max()], [NEAR_M, 3])
    assert len(clip_near(wall - [0, 0, 9])) == 0


def test_one_colour_is_shaded_as_many_are():
    rng = np.random.RandomState(0)
    for _ in range(10):
        atmosphere = choose_atmosphere(rng)
        np.testing.assert_allclose(atmosphere.shade_one((200, 120, 40), 12.0),
                                   atmosphere.shade([(200, 120, 40)], 12.0)[0])


def test_a_shade_far_away_is_the_haze():
    atmosphere = choose_atmosphere(np.random.RandomState(1))
    np.testing.assert_allclose(atmosphere.shade_one((255, 0, 0), 1e6),
                               np.minimum(atmosphere.haze_rgb[::-1], 255))


def test_a_block_shows_only_the_faces_that_look_at_the_camera():
    mesh = Mesh()
    mesh.add_block((-1, 1, -1, 1, 0), (-1, 1, -1, 1, 2.0), color_rgb=(100, 100, 100))
    atmosphere = choose_atmosphere(np.random.RandomState(0))
    view = View(camera=CAMERA, atmosphere=atmosphere, travelled_m=0.0, time_s=0.0)

    def faces(lateral_m):
        return len(mesh.sprite(view, Place(lateral_m, 8.0), yaw=0.0, surface=5).polygons)
    assert faces(0.0) == 1
    assert faces(4.0) == faces(-4.0) == 2


def test_a_patch_lies_inside_its_face():
    face = np.array([[0, 0, 0], [4, 0, 0], [4, 2, 0], [0, 2, 0]], float)
    np.testing.assert_allclose(patch(face, (0.25, 0.5, 0.75, 1.0)),
                               [[1, 1, 0], [3, 1, 0], [3, 2, 0], [1, 2, 0]])


def test_the_box_is_exactly_the_visible_part():
    surfaces = np.zeros((480, 640), np.uint8)
    far, near = sprite((100, 100, 199, 199)), sprite((150, 90, 260, 210))
    kept, identities, boxes = cast_visible(surfaces, [Thing(far, 0), Thing(near, 1)])
    assert [len(kept), len(boxes)] == [2, 2]
    assert boxes[0] == (0, (100, 100, 150, 200)) and boxes[1] == (1, (150, 90, 261, 211))
    assert np.count_nonzero(identities == FIRST_OBJECT) == 50 * 100


def test_what_is_mostly_hidden_is_left_out_and_shows_what_it_hid():
    surfaces = np.zeros((480, 640), np.uint8)
    hidden, near = sprite((100, 100, 199, 199)), sprite((130, 90, 260, 210))
    kept, identities, boxes = cast_visible(surfaces, [Thing(hidden, 0), Thing(near, 1)])
    assert [thing.class_id for thing in kept] == [1]
    assert set(np.unique(identities)) == {0, FIRST_OBJECT}


def test_what_is_too_small_or_outside_is_left_out():
    surfaces = np.zeros((480, 640), np.uint8)
    small, outside, thin = (sprite((10, 10, 30, 30)), sprite((700, 10, 800, 200)),
                            sprite((630, 10, 700, 200)))
    things = [Thing(small, 0), Thing(outside, 0), Thing(thin, 0)]
    assert cast_visible(surfaces, things).boxes == []


def test_a_pole_gives_the_mask_its_surface_but_no_box():
    surfaces = np.zeros((480, 640), np.uint8)
    plate = sprite((100, 100, 150, 150))
    pole = sprite((120, 150, 130, 300), own=False)
    sign = plate._replace(polygons=pole.polygons + plate.polygons,
                          colors_bgr=[(0, 0, 0)] * 2, own=[False, True])
    _, identities, boxes = cast_visible(surfaces, [Thing(sign, 5)])
    assert boxes == [(0, (100, 100, 151, 151))]
    assert identities[250, 125] == 5


def test_the_picture_and_the_truth_are_painted_at_the_same_place():
    canvas = Canvas(64, 48)
    canvas.image[:], canvas.identities[:] = 0, 0
    canvas.fill(square(10, 10, 40, 30), (255, 255, 255), surface=3)
    bright = cv2.erode((canvas.image[..., 0] > 250).astype(np.uint8), np.ones((3, 3)))
    assert np.all(canvas.identities[bright > 0] == 3)
    assert np.all(canvas.image[canvas.identities == 3].mean(axis=1) > 60)


def test_a_shadow_darkens_only_its_polygon():
    canvas = Canvas(64, 48)
    canvas.image[:] = 200
    canvas.darken(square(-5, 10, 20, 30), 0.5)
    assert np.all(canvas.image[11:30, :20] == 100)
    assert np.all(canvas.image[:, 23:] == 200)
