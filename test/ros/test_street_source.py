"""The synthetic street as a source of frames."""

import itertools

import numpy as np

from edgenext_core.runtime.frame_sources import DEFAULT_RATE_HZ
from edgenext_core.runtime.tasks import TASKS
from edgenext_ros.street_source import open_street
from synthetic_street import Drive, draw_scene


def test_the_synthetic_source_is_the_drive_of_its_seed_with_its_truth():
    source = open_street('synthetic', seed=1000000, width=64, height=48, rate_hz=0.0)
    frames = list(itertools.islice(source.frames, 2))
    scene = Drive(1000000, width=64, height=48, rate_hz=DEFAULT_RATE_HZ).scene(1)
    assert source.rate_hz == DEFAULT_RATE_HZ
    np.testing.assert_array_equal(frames[1].image_bgr, scene.image_bgr)
    label, boxes, mask = (frames[1].truth[task] for task in TASKS)
    assert (label.class_ids.tolist(), label.scores.tolist()) == ([scene.label_id], [1.0])
    np.testing.assert_array_equal(boxes.boxes_xyxy, scene.boxes_xyxy)
    np.testing.assert_array_equal(boxes.class_ids, scene.box_class_ids)
    assert set(boxes.scores) <= {1.0}
    np.testing.assert_array_equal(mask.class_ids, scene.mask)


def test_the_synthetic_stills_are_one_scene_a_seed():
    source = open_street('synthetic-stills', seed=1000000, width=64, height=48, rate_hz=0.0)
    frame = next(itertools.islice(source.frames, 2, None))
    np.testing.assert_array_equal(frame.image_bgr,
                                  draw_scene(1000002, width=64, height=48).image_bgr)
