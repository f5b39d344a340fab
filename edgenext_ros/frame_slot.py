"""
The one place where a frame waits: the newest frame, and the count of what became of each.

Threads: the executor's thread calls ``put`` from the subscription and returns at once; one worker
thread calls ``take``, which blocks, then ``mark_processed`` or ``mark_failed``. Any thread may
call ``counts``. One lock guards the waiting frame and the counters together, so the sum
received = processed + dropped + failed + unfinished holds in every snapshot. A frame that is
replaced while it waits is dropped; a frame that the worker has taken is always finished.
"""

import threading
import time
from typing import Any, NamedTuple, Optional


class WaitingFrame(NamedTuple):
    """A message and when it arrived, in seconds of ``time.monotonic``."""

    message: Any
    arrived_s: float


class FrameCounts(NamedTuple):
    """What became of the frames so far; ``unfinished`` ones wait or are in work (0, 1 or 2)."""

    received: int
    processed: int
    dropped: int
    failed: int
    unfinished: int


class FrameSlot:
    """Hold the newest frame until the worker takes it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: Optional[WaitingFrame] = None
        self._closed = False
        self._received = self._processed = self._dropped = self._failed = 0

    def put(self, message: Any) -> None:
        """
        Store a frame; one that still waits is dropped.

        :param message: the image message, kept as it is
        """
        with self._changed:
            self._received += 1
            if self._waiting is not None or self._closed:
                self._dropped += 1
            if not self._closed:
                self._waiting = WaitingFrame(message, time.monotonic())
                self._changed.notify()

    def take(self) -> Optional[WaitingFrame]:
        """
        Wait for a frame and take it.

        :return: the frame, or None once the slot is closed
        """
        with self._changed:
            while self._waiting is None and not self._closed:
                self._changed.wait()
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
        """Drop the waiting frame, if any, and let the worker's ``take`` return None."""
        with self._changed:
            if self._waiting is not None:
                self._dropped += 1
                self._waiting = None
            self._closed = True
            self._changed.notify_all()

    def counts(self) -> FrameCounts:
        """
        Read the counters.

        :return: one consistent snapshot
        """
        with self._changed:
            done = self._processed + self._dropped + self._failed
            return FrameCounts(self._received, self._processed, self._dropped, self._failed,
                               self._received - done)
