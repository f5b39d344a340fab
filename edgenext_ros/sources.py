"""Where the camera node's frames come from: the synthetic world, a video, a folder, a camera."""

import itertools
import math
import os
from typing import Callable, Generator, List, NamedTuple, Optional, Union

import cv2
import numpy as np

from edgenext_core.runtime.errors import EdgeNextError
from synthetic_street import Drive, Scene, draw_scene

DEFAULT_RATE_HZ = 15.0
IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.ppm', '.pgm', '.tif', '.tiff', '.webp')
SYNTHETIC = ('synthetic', 'synthetic-stills')


class SourceError(EdgeNextError):
    """Say that a source of frames cannot be used: name another."""


class SourceFrame(NamedTuple):
    """
    One frame of a source.

    ``number`` counts from 0 within one pass; ``image_bgr`` (H, W, 3) uint8, None where a file of a
    folder cannot be decoded; ``scene`` is the truth, known in the synthetic world only.
    """

    number: int
    image_bgr: Optional[np.ndarray]
    scene: Optional[Scene] = None


class Source(NamedTuple):
    """
    An opened source.

    ``rate_hz`` is its own rate; ``is_live`` where frames come when they come, as from a camera.
    Closing ``frames`` releases it.
    """

    frames: Generator[SourceFrame, None, None]
    rate_hz: float
    is_live: bool = False


def open_source(name: str, *, seed: int, width: int, height: int, rate_hz: float, loop: bool
                ) -> Source:
    """
    Open a source of frames.

    :param name: 'synthetic', 'synthetic-stills', a video file, an image or a folder of images, a
        camera's index, or a stream's url
    :param seed: of the synthetic world
    :param width: of its frames, in pixels
    :param height: of its frames, in pixels
    :param rate_hz: at which its drive moves; 0 for its own
    :param loop: start files again at their end
    :return: the source
    :raises SourceError: when it cannot be opened or holds no frame
    """
    if name in SYNTHETIC:
        rate_hz = rate_hz or DEFAULT_RATE_HZ
        if name == 'synthetic':
            drive = Drive(seed, width=width, height=height, rate_hz=rate_hz)
            return Source(_scenes(drive.scene), rate_hz)
        return Source(_scenes(lambda index: draw_scene(seed + index, width=width, height=height)),
                      rate_hz)
    if name.isdigit() or '://' in name:
        return _open_live(name)
    if os.path.isdir(name):
        return _open_images(list_images(name), loop=loop)
    if not os.path.isfile(name):
        raise SourceError(f'source {name!r} does not exist, expected {", ".join(SYNTHETIC)}, a '
                          'video file, an image or a folder of images, a camera index or a url')
    if name.lower().endswith(IMAGE_SUFFIXES):
        return _open_images([name], loop=loop)
    return _open_video(name, loop=loop)


def list_images(folder: str) -> List[str]:
    """
    List a folder's images in the order of their names.

    :param folder: the folder
    :return: paths
    :raises SourceError: when there is none
    """
    if not os.path.isdir(folder):
        raise SourceError(f'{folder!r} is not a folder, expected one with images')
    names = sorted(name for name in os.listdir(folder) if name.lower().endswith(IMAGE_SUFFIXES))
    if not names:
        raise SourceError(f'folder {folder!r} holds no image, expected files that end in '
                          f'{", ".join(IMAGE_SUFFIXES)}')
    return [os.path.join(folder, name) for name in names]


def _scenes(scene_at: Callable[[int], Scene]) -> Generator[SourceFrame, None, None]:
    for index in itertools.count():
        scene = scene_at(index)
        yield SourceFrame(index, scene.image_bgr, scene)


def _open_images(paths: List[str], *, loop: bool) -> Source:
    def frames() -> Generator[SourceFrame, None, None]:
        while True:
            for index, path in enumerate(paths):
                yield SourceFrame(index, cv2.imread(path, cv2.IMREAD_COLOR))
            if not loop:
                return
    return Source(frames(), DEFAULT_RATE_HZ)


def _open_video(path: str, *, loop: bool) -> Source:
    capture = _open_capture(path, path)
    rate_hz = capture.get(cv2.CAP_PROP_FPS)

    def frames() -> Generator[SourceFrame, None, None]:
        reader = capture
        while True:
            yield from _read(reader)
            if not loop:
                return
            reader = _open_capture(path, path)
    return Source(frames(), rate_hz if math.isfinite(rate_hz) and rate_hz > 0 else DEFAULT_RATE_HZ)


def _open_live(name: str) -> Source:
    capture = _open_capture(int(name) if name.isdigit() else name, name)
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    return Source(_read(capture), 0.0, is_live=True)


def _open_capture(target: Union[int, str], name: str) -> cv2.VideoCapture:
    capture = cv2.VideoCapture(target)
    if not capture.isOpened():
        raise SourceError(f'source {name!r} cannot be opened as a video, expected a file, camera '
                          'or stream that OpenCV reads; check the path, the codec and the rights')
    return capture


def _read(capture: cv2.VideoCapture) -> Generator[SourceFrame, None, None]:
    try:
        for index in itertools.count():
            is_read, image = capture.read()
            if not is_read:
                return
            yield SourceFrame(index, image)
    finally:
        capture.release()
