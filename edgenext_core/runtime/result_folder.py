"""A folder of results: a line of JSON for every frame, annotated pictures and videos, masks."""

import json
import os
from typing import Any, Dict, Optional, Set

import cv2
import numpy as np

from edgenext_core.runtime.errors import OutputError
from edgenext_core.runtime.frame_sources import IMAGE_SUFFIXES

RESULTS = 'results.jsonl'
MASKS = 'masks'
_PICTURE = '.png'
_COLORLESS = ('.pgm',)
_VIDEO = '.mp4'
_CODEC = 'mp4v'


class ResultFolder:
    """
    Write results; use as a ``with`` block, whose end leaves whole files.

    No two pictures of one run get the same name. Files of earlier runs are replaced.
    """

    def __init__(self, path: str) -> None:
        """
        Make the folder.

        :param path: the folder
        :raises OSError: when it cannot be made or written to
        """
        self.path = path
        os.makedirs(path, exist_ok=True)
        self._lines = open(  # noqa: SIM115 (__exit__ closes it)
            os.path.join(path, RESULTS), 'w', encoding='utf-8')
        self._names: Set[str] = set()
        self._video: Optional[Video] = None

    def __enter__(self) -> 'ResultFolder':
        """Enter the block in which results are written."""
        return self

    def __exit__(self, *_: Any) -> None:
        """Close the files."""
        self.end_video()
        self._lines.close()

    def write_line(self, values: Dict[str, Any]) -> None:
        """
        Write a frame's line.

        :param values: plain values
        :raises OSError: when the disk is full
        """
        # With ASCII alone: a name that is not UTF-8 could not be written otherwise.
        self._lines.write(json.dumps(values, allow_nan=False) + '\n')
        self._lines.flush()

    def write_picture(self, picture: np.ndarray, source: str) -> str:
        """
        Write an annotated picture.

        :param picture: (H, W, 3) uint8 BGR
        :param source: the file that it was made of, whose name it gets
        :return: the name in the folder; it ends in .png where the source's format has no colours
        :raises OutputError: when OpenCV cannot write this format or size
        :raises OSError: when the disk is full
        """
        stem, suffix = os.path.splitext(os.path.basename(source))
        has_colors = suffix.lower() in IMAGE_SUFFIXES and suffix.lower() not in _COLORLESS
        return self._write(picture, self._free_name(stem, suffix if has_colors else _PICTURE))

    def write_mask(self, class_ids: np.ndarray, stem: str) -> str:
        """
        Write a mask.

        :param class_ids: (H, W) uint8
        :param stem: of the file's name
        :return: the name in the folder
        :raises OSError: when the disk is full
        """
        os.makedirs(os.path.join(self.path, MASKS), exist_ok=True)
        return self._write(class_ids, self._free_name(os.path.join(MASKS, stem), _PICTURE))

    def add_to_video(self, picture: np.ndarray, source: str, *, rate_hz: float,
                     time_s: Optional[float] = None) -> str:
        """
        Write the next annotated frame of a source; the first begins its video.

        :param picture: (H, W, 3) uint8 BGR
        :param source: the video or camera
        :param rate_hz: frames a second
        :param time_s: when a live source gave it, since its first frame: the video shows it then,
            so that it neither runs nor crawls; frames are repeated or left out for that
        :return: the video's name in the folder
        :raises OutputError: when OpenCV cannot write videos here
        """
        if self._video is None:
            stem = os.path.splitext(os.path.basename(source.rstrip('/')))[0]
            name = self._free_name(f'camera{stem}' if stem.isdigit() else stem or 'stream', _VIDEO)
            self._video = Video(self.path, name, picture.shape, rate_hz=rate_hz)
        due = 1 if time_s is None else int(time_s * rate_hz) + 1 - self._video.count
        for _ in range(due):
            self._video.write(picture)
        return self._video.name

    def end_video(self) -> None:
        """
        Close the video of the source that has ended, if it has one.

        :raises OutputError: when the file has fewer frames than were written
        """
        video, self._video = self._video, None
        if video is not None:
            video.close()

    def _free_name(self, stem: str, suffix: str) -> str:
        name, number = stem + suffix, 1
        while name.lower() in self._names:
            number += 1
            name = f'{stem}-{number}{suffix}'
        self._names.add(name.lower())
        return name

    def _write(self, image: np.ndarray, name: str) -> str:
        # Not cv2.imwrite, which says nothing of a full disk.
        try:
            is_encoded, encoded = cv2.imencode(os.path.splitext(name)[1], image)
        except cv2.error:  # OpenCV before 4.5
            is_encoded = False
        if not is_encoded:
            raise OutputError(f'{os.path.join(self.path, name)} cannot be written: OpenCV has no '
                              f'such encoder for a picture of {image.shape[1]}x{image.shape[0]}; '
                              'go without it by --no-pictures')
        with open(os.path.join(self.path, name), 'wb') as stream:
            stream.write(encoded.tobytes())
        return name


class Video:
    """A video that is being written, of ``count`` frames so far."""

    def __init__(self, folder: str, name: str, shape: Any, *, rate_hz: float) -> None:
        """
        Begin a video.

        :param folder: where
        :param name: of the file
        :param shape: of its pictures; later ones of other sizes are resized
        :param rate_hz: frames a second
        :raises OutputError: when OpenCV cannot write videos here
        """
        self.name = name
        self._path = os.path.join(folder, name)
        self._size = (shape[1] // 2 * 2, shape[0] // 2 * 2)  # codecs want even sizes
        self.count = 0
        self._writer = cv2.VideoWriter(
            self._path, cv2.VideoWriter.fourcc(*_CODEC), rate_hz, self._size)
        if not self._writer.isOpened():
            raise OutputError(f'{self._path} cannot be written: OpenCV {cv2.__version__} has no '
                              f'{_CODEC} encoder, or the place is not writable; go without it by '
                              '--no-pictures')

    def write(self, picture: np.ndarray) -> None:
        """
        Append a picture.

        :param picture: (H, W, 3) uint8 BGR
        """
        if picture.shape[1::-1] != self._size:
            picture = cv2.resize(picture, self._size, interpolation=cv2.INTER_AREA)
        self._writer.write(picture)
        self.count += 1

    def close(self) -> None:
        """
        End the video.

        :raises OutputError: when the file has fewer frames than were written
        """
        self._writer.release()
        reader = cv2.VideoCapture(self._path)
        count = int(reader.get(cv2.CAP_PROP_FRAME_COUNT)) if reader.isOpened() else 0
        reader.release()
        if count < self.count:
            raise OutputError(f'{self._path} holds {count} frames of {self.count}; the disk may '
                              'be full: free some space and run it again')
