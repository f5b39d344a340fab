"""Where frames come from: a video, a folder of images, an image, a camera, a stream."""

import itertools
import math
import os
import re
import stat
from typing import Generator, List, Mapping, NamedTuple, Optional, Tuple, Union

import cv2
import numpy as np

from edgenext_core.runtime.errors import SourceError
from edgenext_core.runtime.records import ClassMask, Record

DEFAULT_RATE_HZ = 15.0
IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.ppm', '.pgm', '.tif', '.tiff', '.webp')
_TEXTS_FOR_FFMPEG = ('.m3u8', '.m3u', '.sdp', '.ffconcat')
_START_BYTES = 4096
_NO_TEXT = re.compile(rb'[\x00-\x08\x0e-\x1a\x1c-\x1f]')
_KINDS = ('a video file', 'an image or a folder of images', 'a camera index or a url')


class SourceFrame(NamedTuple):
    """
    One frame of a source.

    ``number`` counts from 0 within one pass; ``image_bgr`` (H, W, 3) uint8, None where a file of a
    folder cannot be decoded; ``truth`` holds, by the name of the task, what a perfect model would
    answer, where the source knows that.
    """

    number: int
    image_bgr: Optional[np.ndarray]
    truth: Mapping[str, Record] = {}


class FrameSource(NamedTuple):
    """
    An opened source.

    ``rate_hz`` is its own rate; ``is_live`` where frames come when they come, as from a camera.
    ``frame_count`` is how many frames there are, as far as the files tell, 0 where nobody knows.
    Closing ``frames`` releases it.
    """

    frames: Generator[SourceFrame, None, None]
    rate_hz: float
    is_live: bool = False
    frame_count: int = 0


def open_source(name: str, *, loop: bool = False, also: Tuple[str, ...] = ()) -> FrameSource:
    """
    Open a source of frames.

    :param name: a video file, an image or a folder of images, a camera's index, or a stream's url
    :param loop: start files again at their end
    :param also: other names that the caller knows, for the message to list
    :return: the source
    :raises SourceError: when it cannot be opened or holds no frame
    """
    if is_live(name):
        return _open_live(name)
    if os.path.isdir(name):
        return _open_images(list_images(name), loop=loop)
    if not os.path.isfile(name):
        raise SourceError(f'source {name!r} does not exist, expected {", ".join(also + _KINDS)}; '
                          'check the path')
    if is_image(name):
        return _open_images([name], loop=loop)
    return _open_video(name, loop=loop)


def list_images(folder: str) -> List[str]:
    """
    List a folder's images as a person would: 2.png comes before 10.png.

    :param folder: the folder
    :return: paths
    :raises SourceError: when there is none
    """
    if not os.path.isdir(folder):
        raise SourceError(f'{folder!r} is not a folder, expected one with images; check the path')
    names = sorted((name for name in os.listdir(folder) if is_image(name)), key=_natural_key)
    if not names:
        raise SourceError(f'folder {folder!r} holds no image, expected files that end in '
                          f'{", ".join(IMAGE_SUFFIXES)}; name another folder')
    return [os.path.join(folder, name) for name in names]


def is_live(name: str) -> bool:
    """
    Tell by its name whether a source is a camera or a stream.

    :param name: as for ``open_source``
    :return: True for a camera's index, a url, and a device such as /dev/video0
    """
    return name.isdigit() or '://' in name or (
        os.path.exists(name) and stat.S_ISCHR(os.stat(name).st_mode))


def is_image(name: str) -> bool:
    """
    Tell by its name whether a file is an image.

    :param name: of the file
    :return: True if it is; the hidden files that macOS leaves beside images (``._a.png``) are not
    """
    return name.lower().endswith(IMAGE_SUFFIXES) and not os.path.basename(name).startswith('._')


def add_masks(source: FrameSource, folder: str) -> FrameSource:
    """
    Let mask images be the truth of a source's frames.

    :param source: the source
    :param folder: of masks of the frames' size, the i-th file, by name, for the i-th frame; one
        channel of uint8 class indices; frames beyond the last one have no true mask
    :return: the source with them; its frames raise a SourceError at a mask that does not fit
    :raises SourceError: when the folder holds no image
    """
    paths = list_images(folder)

    def frames() -> Generator[SourceFrame, None, None]:
        try:
            for frame in source.frames:
                truth = dict(frame.truth)
                truth.pop('segmentation', None)
                if frame.image_bgr is not None and frame.number < len(paths):
                    truth['segmentation'] = _read_mask(paths[frame.number],
                                                       frame.image_bgr.shape[:2])
                yield frame._replace(truth=truth)
        finally:
            source.frames.close()
    return source._replace(frames=frames())


def _natural_key(name: str) -> List[Tuple[int, str]]:
    """Order digits as the numbers that they write."""
    return [(int(part), '') if part.isdigit() else (-1, part)
            for part in re.split(r'([0-9]+)', name)]


def _read_mask(path: str, shape: Tuple[int, ...]) -> ClassMask:
    mask = cv2.imread(path, cv2.IMREAD_UNCHANGED)
    if mask is None or mask.dtype != np.uint8 or mask.shape != shape:
        found = 'nothing readable' if mask is None else f'{mask.dtype} {mask.shape}'
        raise SourceError(f'mask {path} holds {found}, expected one channel of uint8 class '
                          f'indices of the size of the frame, {shape}; name another folder')
    return ClassMask(mask)


def _open_images(paths: List[str], *, loop: bool) -> FrameSource:
    def frames() -> Generator[SourceFrame, None, None]:
        while True:
            for number, path in enumerate(paths):
                yield SourceFrame(number, _read_image(path))
            if not loop:
                return
    return FrameSource(frames(), DEFAULT_RATE_HZ, frame_count=0 if loop else len(paths))


def _read_image(path: str) -> Optional[np.ndarray]:
    # Not cv2.imread, which crashes at a name that is not UTF-8, as old cameras and disks have.
    try:
        with open(path, 'rb') as stream:
            content = np.frombuffer(stream.read(), np.uint8)
        return cv2.imdecode(content, cv2.IMREAD_COLOR)
    except (OSError, cv2.error):  # cv2.error: an empty file, or one of more than 2^30 pixels
        return None


def _open_video(path: str, *, loop: bool) -> FrameSource:
    if _is_text(path):
        raise SourceError(f'source {path!r} is a text, expected {", ".join(_KINDS)}; name one of '
                          'these')
    capture = _open_capture(path, path)
    rate_hz = capture.get(cv2.CAP_PROP_FPS)
    count = capture.get(cv2.CAP_PROP_FRAME_COUNT)

    def frames() -> Generator[SourceFrame, None, None]:
        reader = capture
        while True:
            yield from _read(reader)
            if not loop:
                return
            reader = _open_capture(path, path)
    return FrameSource(
        frames(), rate_hz if math.isfinite(rate_hz) and rate_hz > 0 else DEFAULT_RATE_HZ,
        frame_count=0 if loop or not math.isfinite(count) else max(0, int(count)))


def _is_text(path: str) -> bool:
    """Tell whether a file is a text: FFmpeg would show it as a video of letters."""
    if path.lower().endswith(_TEXTS_FOR_FFMPEG):
        return False
    with open(path, 'rb') as stream:
        start = stream.read(_START_BYTES)
    return bool(start) and not _NO_TEXT.search(start)


def _open_live(name: str) -> FrameSource:
    capture = _open_capture(int(name) if name.isdigit() else name, name)
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    return FrameSource(_read(capture), 0.0, is_live=True)


def _open_capture(target: Union[int, str], name: str) -> cv2.VideoCapture:
    if any(0xd800 <= ord(letter) < 0xe000 for letter in name):  # a byte that is not UTF-8
        shown = os.fsencode(name).decode('utf-8', 'replace')
        raise SourceError(f'the name of source {shown!r} is not UTF-8, which OpenCV needs of '
                          'videos; rename the file')
    capture = cv2.VideoCapture(target)
    if not capture.isOpened():
        raise SourceError(f'source {name!r} cannot be opened as a video, expected a file, camera '
                          'or stream that OpenCV reads; check the path, the codec and the rights')
    return capture


def _read(capture: cv2.VideoCapture) -> Generator[SourceFrame, None, None]:
    try:
        for number in itertools.count():
            is_read, image = capture.read()
            if not is_read:
                return
            yield SourceFrame(number, image)
    finally:
        capture.release()
