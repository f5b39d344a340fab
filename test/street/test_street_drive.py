import numpy as np
import pytest

from synthetic_street import HELD_OUT_SEED, Drive, StreetError
from synthetic_street import drive as drive_module
from synthetic_street.labels import STREET_SCENES

SMALL = {'width': 160, 'height': 120}


def labels_of(drive, *, segments, frames):
    return [drive.scene(frames * segment).label_id for segment in range(segments)]


def test_frames_in_any_order_are_the_frames_in_sequence():
    drive = Drive(3, rate_hz=2.0, **SMALL)
    in_sequence = [drive.scene(index) for index in range(10)]
    for index in (7, 0, 9, 4):
        for mine, other in zip(Drive(3, rate_hz=2.0, **SMALL).scene(index), in_sequence[index]):
            np.testing.assert_array_equal(mine, other)


def test_every_seven_segments_show_every_label_once_in_a_shuffled_order():
    labels = labels_of(Drive(9, rate_hz=1.0, **SMALL), segments=21, frames=2)
    every = set(range(len(STREET_SCENES.names)))
    assert all(set(labels[start:start + 7]) == every for start in (0, 7, 14))
    assert labels[:7] != labels[7:14]


@pytest.mark.parametrize('seed, held_out', [(5, False), (HELD_OUT_SEED, True),
                                            (HELD_OUT_SEED + 12, True)])
def test_held_out_drives_and_training_drives_share_no_street(monkeypatch, seed, held_out):
    seeds = []

    class Recorded(drive_module.Street):
        def __init__(self, street_seed, **options):
            seeds.append(street_seed)
            super().__init__(street_seed, **options)

    monkeypatch.setattr(drive_module, 'Street', Recorded)
    drive = Drive(seed, rate_hz=1.0, **SMALL)
    for segment in range(30):
        drive.scene(2 * segment)
    assert len(set(seeds)) == 30
    assert all((street_seed >= HELD_OUT_SEED) == held_out for street_seed in seeds)


def test_a_segment_lasts_as_long_as_asked():
    drive = Drive(HELD_OUT_SEED, rate_hz=4.0, segment_s=1.5, **SMALL)
    labels = [drive.scene(index).label_id for index in range(18)]
    assert all(len(set(labels[start:start + 6])) == 1 for start in (0, 6, 12))
    assert len(set(labels)) == 3


@pytest.mark.parametrize('options, message', [
    ({'seed': -1}, r'seed is -1, expected 0\.\.4294967295'),
    ({'width': 0}, 'a frame of 0x120 pixels cannot be drawn'),
    ({'rate_hz': 0.0}, 'rate_hz is 0.0, expected a positive number'),
    ({'rate_hz': float('inf')}, 'rate_hz is inf, expected a positive number'),
    ({'rate_hz': float('nan')}, 'rate_hz is nan, expected a positive number'),
    ({'segment_s': 4.0}, 'segment_s is 4.0, expected more than 0 and at most 3.0')])
def test_a_drive_that_cannot_be_says_why(options, message):
    with pytest.raises(StreetError, match=message):
        Drive(**{'seed': 0, **SMALL, **options})


def test_a_negative_frame_is_refused():
    with pytest.raises(StreetError, match='index is -1, expected 0 or more'):
        Drive(0, **SMALL).scene(-1)
