"""Frames out of files, folders, cameras and streams."""

import itertools
import os
import struct
import zlib

import cv2
import numpy as np
import pytest

from edgenext_core.runtime.errors import SourceError
from edgenext_core.runtime.frame_sources import (
    DEFAULT_RATE_HZ,
    add_masks,
    is_live,
    list_images,
    open_source,
)
from edgenext_core.runtime.records import Classification, ClassMask


def _open(name, **options):
    return open_source(str(name), **options)


def _write_video(path, *, frames=5, rate_hz=12.0):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), rate_hz, (64, 48))
    for number in range(frames):
        writer.write(np.full((48, 64, 3), 40 * number, np.uint8))
    writer.release()


def _huge_png():
    """Give a small file that says that it is a picture of 60000 x 60000."""
    def chunk(kind, data):
        return (struct.pack('>I', len(data)) + kind + data
                + struct.pack('>I', zlib.crc32(kind + data)))
    header = struct.pack('>IIBBBBB', 60000, 60000, 8, 2, 0, 0, 0)
    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header)
            + chunk(b'IDAT', zlib.compress(bytes(99))) + chunk(b'IEND', b''))


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


def test_files_tell_how_many_frames_there_are(tmp_path):
    _write_video(tmp_path / 'clip.avi', frames=5)
    (tmp_path / 'in').mkdir()
    for name in ('a.png', 'b.png'):
        cv2.imwrite(str(tmp_path / 'in' / name), np.zeros((4, 4, 3), np.uint8))
    assert _open(tmp_path / 'clip.avi').frame_count == 5
    assert _open(tmp_path / 'in').frame_count == 2
    assert _open(tmp_path / 'in', loop=True).frame_count == 0
    assert _open(tmp_path / 'clip.avi', loop=True).frame_count == 0


def test_an_index_a_url_and_a_device_are_live():
    assert is_live('0') and is_live('rtsp://camera/front') and is_live('/dev/null')
    assert not is_live('street.mp4') and not is_live(__file__) and not is_live('.')


def test_a_single_image_is_a_source_of_one_frame(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((4, 4, 3), np.uint8))
    assert len(list(_open(tmp_path / 'a.png').frames)) == 1


def test_an_image_that_cannot_be_decoded_leaves_a_gap(tmp_path):
    (tmp_path / 'a.png').write_bytes(b'no picture')
    (tmp_path / 'b.png').write_bytes(b'')
    (tmp_path / 'c.png').write_bytes(_huge_png())
    (tmp_path / 'd.png').symlink_to('nowhere')
    cv2.imwrite(str(tmp_path / 'e.png'), np.zeros((4, 4, 3), np.uint8))
    frames = list(_open(tmp_path).frames)
    assert [frame.image_bgr is None for frame in frames] == [True] * 4 + [False]
    assert frames[4].number == 4


def test_a_name_that_is_not_utf_8_is_read(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), np.full((4, 4, 3), 7, np.uint8))
    name = os.fsdecode(os.fsencode(str(tmp_path)) + b'/caf\xe9.png')
    os.rename(str(tmp_path / 'a.png'), name)
    frame, = _open(tmp_path).frames
    assert (frame.image_bgr == 7).all()


def test_a_video_whose_name_is_not_utf_8_is_refused(tmp_path):
    _write_video(tmp_path / 'a.avi')
    name = os.fsdecode(os.fsencode(str(tmp_path)) + b'/caf\xe9.avi')
    os.rename(str(tmp_path / 'a.avi'), name)
    with pytest.raises(SourceError, match='is not UTF-8, which OpenCV needs of videos; rename'):
        _open(name)


@pytest.mark.parametrize(('name', 'sentence'), [
    ('absent.mp4', "'absent.mp4' does not exist, expected a video file, .* camera index or a url"),
    ('text.mp4', "'text.mp4' is a text, expected a video file"),
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


def test_an_absent_source_is_told_with_the_other_names_that_the_caller_knows():
    with pytest.raises(SourceError, match='expected a street, a video file, an image'):
        _open('absent.mp4', also=('a street',))


def _write_masks(folder, *, count, shape=(4, 4)):
    folder.mkdir()
    for number in range(count):
        cv2.imwrite(str(folder / f'{number}.png'), np.full(shape, number, np.uint8))


def test_masks_are_the_truth_of_the_frames_of_the_same_place(tmp_path):
    _write_masks(tmp_path / 'images', count=3)
    _write_masks(tmp_path / 'masks', count=2)
    frames = list(add_masks(_open(tmp_path / 'images'), str(tmp_path / 'masks')).frames)
    assert [set(frame.truth) for frame in frames] == [{'segmentation'}, {'segmentation'}, set()]
    assert [frame.truth['segmentation'].class_ids.max() for frame in frames[:2]] == [0, 1]


def test_masks_replace_what_the_source_knew_and_leave_the_rest(tmp_path):
    _write_masks(tmp_path / 'images', count=1)
    _write_masks(tmp_path / 'masks', count=1)
    source = _open(tmp_path / 'images')
    label = Classification(np.array([3]), np.ones(1, np.float32))
    known = {'classification': label, 'segmentation': ClassMask(np.full((4, 4), 9, np.uint8))}
    frames = (frame._replace(truth=known) for frame in source.frames)
    frame, = add_masks(source._replace(frames=frames), str(tmp_path / 'masks')).frames
    assert frame.truth['classification'] is label
    assert frame.truth['segmentation'].class_ids.max() == 0


def test_a_picture_that_cannot_be_decoded_needs_no_mask(tmp_path):
    _write_masks(tmp_path / 'images', count=1)
    _write_masks(tmp_path / 'masks', count=1)
    (tmp_path / 'images' / '0.png').write_bytes(b'no picture')
    frame, = add_masks(_open(tmp_path / 'images'), str(tmp_path / 'masks')).frames
    assert (frame.image_bgr, dict(frame.truth)) == (None, {})


@pytest.mark.parametrize('content', ['size', 'colour', 'text'])
def test_a_mask_that_does_not_fit_is_refused_with_what_was_found(tmp_path, content):
    _write_masks(tmp_path / 'images', count=1)
    _write_masks(tmp_path / 'masks', count=1, shape={'size': (5, 4), 'colour': (4, 4, 3)}.get(
        content, (4, 4)))
    if content == 'text':
        (tmp_path / 'masks' / '0.png').write_text('no picture')
    source = add_masks(_open(tmp_path / 'images'), str(tmp_path / 'masks'))
    with pytest.raises(SourceError, match=r'mask .*0.png holds .*, expected one channel of uint8'):
        next(source.frames)


def test_closing_a_source_with_masks_closes_the_source(tmp_path):
    _write_masks(tmp_path / 'images', count=2)
    _write_masks(tmp_path / 'masks', count=2)
    source = _open(tmp_path / 'images')
    masked = add_masks(source, str(tmp_path / 'masks'))
    next(masked.frames)
    masked.frames.close()
    assert list(source.frames) == []


def test_a_folder_that_is_none_is_refused():
    with pytest.raises(SourceError, match="'absent' is not a folder"):
        list_images('absent')
