"""When a source's frames are due."""

import threading
import time
from typing import Iterator

from edgenext_core.runtime.frame_sources import FrameSource, SourceFrame


def paced_frames(source: FrameSource, rate_hz: float, *, stop: threading.Event
                 ) -> Iterator[SourceFrame]:
    """
    Give frame i of a source at start + i / rate, so that no delay adds up.

    A live source has its own pace: of its frames, those that come too early are left out.

    :param source: the source
    :param rate_hz: the rate; 0 gives every frame at once
    :param stop: ends the frames, also during a wait
    :return: the frames that are due
    """
    period_s = 1 / rate_hz if rate_hz > 0 else 0.0
    due_s = time.monotonic()
    for frame in source.frames:
        if source.is_live:
            if time.monotonic() < due_s:
                continue
        elif stop.wait(max(due_s - time.monotonic(), 0)):
            return
        if stop.is_set():
            return
        yield frame
        # A source that cannot keep up starts anew from now instead of sending a burst.
        now_s = time.monotonic()
        due_s = due_s + period_s if now_s - due_s <= 2 * period_s else now_s
