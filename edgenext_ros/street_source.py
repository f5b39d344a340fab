"""
The synthetic street as a source of frames, with the truth of every frame.

What comes from files, cameras and streams is in ``edgenext_core.runtime.frame_sources``.
"""

import itertools
from typing import Callable, Generator

import numpy as np

from edgenext_core.runtime.frame_sources import DEFAULT_RATE_HZ, FrameSource, SourceFrame
from edgenext_core.runtime.records import Classification, ClassMask, Detections
from synthetic_street import Drive, Scene, draw_scene

SYNTHETIC = ('synthetic', 'synthetic-stills')
"""The names of the street's sources: a drive, and one scene a seed."""


def open_street(name: str, *, seed: int, width: int, height: int, rate_hz: float) -> FrameSource:
    """
    Open the street.

    :param name: one of ``SYNTHETIC``
    :param seed: of the drive, or of the first still
    :param width: of the frames, in pixels
    :param height: of the frames, in pixels
    :param rate_hz: at which the drive moves; 0 for its own
    :return: an endless source
    """
    rate_hz = rate_hz or DEFAULT_RATE_HZ
    if name == 'synthetic':
        drive = Drive(seed, width=width, height=height, rate_hz=rate_hz)
        return FrameSource(_frames(drive.scene), rate_hz)
    return FrameSource(
        _frames(lambda number: draw_scene(seed + number, width=width, height=height)), rate_hz)


def _frames(scene_at: Callable[[int], Scene]) -> Generator[SourceFrame, None, None]:
    for number in itertools.count():
        scene = scene_at(number)
        yield SourceFrame(number, scene.image_bgr, {
            'classification': Classification(np.array([scene.label_id]), np.ones(1, np.float32)),
            'detection': Detections(scene.boxes_xyxy, scene.box_class_ids,
                                    np.ones(len(scene.boxes_xyxy), np.float32)),
            'segmentation': ClassMask(scene.mask)})
