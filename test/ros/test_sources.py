"""Sources of frames."""

import itertools

import cv2
import numpy as np
import pytest

from edgenext_ros.sources import DEFAULT_RATE_HZ, SourceError, open_source
from synthetic_street import Drive, draw_scene


def _open(name, **changes):
    settings = {'seed': 1000000, 'width': 64, 'height': 48, 'rate_hz': 0.0, 'loop': False}
    settings.update(changes)
    return open_source(str(name), **settings)


def _write_video(path, *, frames=5, rate_hz=12.0):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), rate_hz, (64, 48))
    for number in range(frames):
        writer.write(np.full((48, 64, 3), 40 * number, np.uint8))
    writer.release()


def test_the_synthetic_source_is_the_drive_of_its_seed_with_its_truth():
    source = _open('synthetic')
    frames = list(itertools.islice(source.frames, 2))
    scene = Drive(1000000, width=64, height=48, rate_hz=DEFAULT_RATE_HZ).scene(1)
    assert source.rate_hz == DEFAULT_RATE_HZ
    np.testing.assert_array_equal(frames[1].image_bgr, scene.image_bgr)
    np.testing.assert_array_equal(frames[1].scene.mask, scene.mask)


def test_the_synthetic_stills_are_one_scene_a_seed():
    frame = next(itertools.islice(_open('synthetic-stills').frames, 2, None))
    np.testing.assert_array_equal(frame.image_bgr,
                                  draw_scene(1000002, width=64, height=48).image_bgr)


def test_a_video_gives_its_frames_at_its_rate(tmp_path):
    _write_video(tmp_path / 'clip.avi')
    source = _open(tmp_path / 'clip.avi')
    frames = list(source.frames)
    assert source.rate_hz == 12.0
    assert [frame.number for frame in frames] == [0, 1, 2, 3, 4]
    assert [round(frame.image_bgr.mean() / 40) for frame in frames] == [0, 1, 2, 3, 4]


def test_a_video_starts_again_in_a_loop(tmp_path):
    _write_video(tmp_path / 'clip.avi', frames=2)
    frames = itertools.islice(_open(tmp_path / 'clip.avi', loop=True).frames, 5)
    assert [frame.number for frame in frames] == [0, 1, 0, 1, 0]


def test_a_folder_gives_its_images_in_the_order_of_their_names(tmp_path):
    for number, name in enumerate(('b.png', 'a.PNG', 'c.png')):
        cv2.imwrite(str(tmp_path / name), np.full((4, 4, 3), number, np.uint8))
    (tmp_path / 'notes.txt').write_text('not a picture')
    source = _open(tmp_path)
    assert [frame.image_bgr[0, 0, 0] for frame in source.frames] == [1, 0, 2]
    assert source.rate_hz == DEFAULT_RATE_HZ


def test_a_single_image_is_a_source_of_one_frame(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((4, 4, 3), np.uint8))
    assert len(list(_open(tmp_path / 'a.png').frames)) == 1


def test_an_image_that_cannot_be_decoded_leaves_a_gap(tmp_path):
    (tmp_path / 'a.png').write_bytes(b'no picture')
    cv2.imwrite(str(tmp_path / 'b.png'), np.zeros((4, 4, 3), np.uint8))
    frames = list(_open(tmp_path).frames)
    assert frames[0].image_bgr is None
    assert frames[1].number == 1


@pytest.mark.parametrize(('name', 'sentence'), [
    ('absent.mp4', "'absent.mp4' does not exist, expected synthetic, .* camera index or a url"),
    ('text.mp4', "'text.mp4' cannot be opened as a video"),
    ('empty.mp4', "'empty.mp4' cannot be opened as a video"),
    ('pictures', "folder 'pictures' holds no image"),
    ('99', "'99' cannot be opened as a video"),
])
def test_a_source_that_cannot_be_used_is_refused_with_a_sentence(tmp_path, monkeypatch, name,
                                                                 sentence):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'text.mp4').write_text('not a video')
    (tmp_path / 'empty.mp4').write_bytes(b'')
    (tmp_path / 'pictures').mkdir()
    with pytest.raises(SourceError, match=sentence):
        _open(name)
