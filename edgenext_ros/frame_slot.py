"""
Where a frame waits for its turn: a camera's newest frame for one task, and what became of each.

Threads: the executor's thread calls ``put`` from the subscription and returns at once; the
worker's thread calls ``take``, then ``mark_processed`` or ``mark_failed``. Any thread may call
``counts``. The slots that one worker serves share one condition: it wakes the worker, and its lock
guards the waiting frames and the counters together, so the sum
received = processed + dropped + failed + unfinished holds in every snapshot. A frame that is
replaced while it waits is dropped; a frame that the worker has taken is always finished.
"""

import threading
import time
from typing import Any, Callable, NamedTuple, Optional

import numpy as np


class CameraFrame:
    """
    One image message of a camera, which all of its tasks share.

    ``message`` is kept as it is; ``arrived_s`` tells when it came, in seconds of
    ``time.monotonic``.
    """

    def __init__(self, message: Any, decode_message: Callable[[Any], np.ndarray]) -> None:
        """
        Note the arrival.

        :param message: the image message
        :param decode_message: gives its pixels
        """
        self.message = message
        self.arrived_s = time.monotonic()
        self._decode_message = decode_message
        self._pixels: Optional[np.ndarray] = None

    def decode(self) -> np.ndarray:
        """
        Decode the image where no other task has done so; for the worker's thread.

        :return: (H, W, 3) uint8 BGR, the same array for every task, so not to be written to
        :raises FrameError: when the image is unusable
        """
        if self._pixels is None:
            self._pixels = self._decode_message(self.message)
        return self._pixels


class FrameCounts(NamedTuple):
    """What became of the frames so far; ``unfinished`` ones wait or are in work (0, 1 or 2)."""

    received: int
    processed: int
    dropped: int
    failed: int
    unfinished: int


class FrameSlot:
    """Hold the newest frame until the worker takes it."""

    def __init__(self, changed: threading.Condition) -> None:
        """
        Start empty and open.

        :param changed: is notified of every frame; the slots of one worker share it
        """
        self._changed = changed
        self._waiting: Optional[CameraFrame] = None
        self._closed = False
        self._received = self._processed = self._dropped = self._failed = 0

    def put(self, frame: CameraFrame) -> None:
        """
        Store a frame; one that still waits is dropped.

        :param frame: the newest frame
        """
        with self._changed:
            self._received += 1
            if self._waiting is not None or self._closed:
                self._dropped += 1
            if not self._closed:
                self._waiting = frame
                self._changed.notify()

    def take(self) -> Optional[CameraFrame]:
        """
        Take the waiting frame.

        :return: the frame, which has to be marked later, or None where none waits
        """
        with self._changed:
            frame, self._waiting = self._waiting, None
            return frame

    def mark_processed(self) -> None:
        """Count the taken frame as processed."""
        with self._changed:
            self._processed += 1

    def mark_failed(self) -> None:
        """Count the taken frame as failed."""
        with self._changed:
            self._failed += 1

    def close(self) -> None:
        """Drop the waiting frame, if any, and every later one."""
        with self._changed:
            if self._waiting is not None:
                self._dropped += 1
                self._waiting = None
            self._closed = True

    def open(self) -> None:
        """Accept frames again."""
        with self._changed:
            self._closed = False

    def counts(self) -> FrameCounts:
        """
        Read the counters.

        :return: one consistent snapshot
        """
        with self._changed:
            done = self._processed + self._dropped + self._failed
            return FrameCounts(self._received, self._processed, self._dropped, self._failed,
                               self._received - done)
