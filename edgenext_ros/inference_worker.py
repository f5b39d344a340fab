"""
The worker: one thread that runs the models, whatever cameras and tasks a process has.

Threads: the executor's thread puts frames into the slots and returns at once, and swaps a
pipeline's settings whole; the worker's thread alone decodes, infers and publishes. It waits on the
condition that the slots share and looks at them in a circle, from the one after the last served:
of the slots with a frame, each gets one turn before any gets its next. ``stop`` may be called from
any other thread.
"""

import threading
import time
import traceback
from typing import NamedTuple, Optional, Sequence, Tuple

from edgenext_core.runtime.errors import EdgeNextError
from edgenext_core.runtime.pipeline import Pipeline
from edgenext_ros.frame_slot import CameraFrame
from edgenext_ros.result_stream import ResultStream


class Job(NamedTuple):
    """A stream, and the model that answers its frames; streams of one task may share a model."""

    pipeline: Pipeline
    stream: ResultStream


class InferenceWorker:
    """Answer the frames of several streams in fair turns."""

    def __init__(self, jobs: Sequence[Job], changed: threading.Condition) -> None:
        """
        Take the jobs.

        :param jobs: at least one
        :param changed: the condition that the slots of their streams share
        """
        self._jobs = tuple(jobs)
        self._changed = changed
        self._place = len(self._jobs) - 1
        self._stopping = False
        self._thread: Optional[threading.Thread] = None

    def start(self) -> None:
        """Open the slots and start the thread."""
        self._stopping = False
        for job in self._jobs:
            job.stream.slot.open()
        self._thread = threading.Thread(target=self._work, name='worker')
        self._thread.start()

    def stop(self) -> None:
        """Finish the frame in work, drop the waiting ones, end the thread."""
        for job in self._jobs:
            job.stream.slot.close()
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def take_turn(self) -> bool:
        """
        Wait for a frame and answer the one whose turn it is.

        :return: False once told to stop
        """
        turn = self._wait_for_turn()
        if turn is None:
            return False
        job, frame = turn
        try:
            self._answer(job, frame)
        except EdgeNextError as error:
            job.stream.slot.mark_failed()
            job.stream.log_failure(f'bad frame: {error}')
        except Exception:
            job.stream.slot.mark_failed()
            job.stream.log_failure(
                f'a frame failed by a defect of this node:\n{traceback.format_exc()}')
        else:
            job.stream.slot.mark_processed()
        return True

    def _work(self) -> None:
        while self.take_turn():
            pass

    def _wait_for_turn(self) -> Optional[Tuple[Job, CameraFrame]]:
        with self._changed:
            while not self._stopping:
                for _ in self._jobs:
                    self._place = (self._place + 1) % len(self._jobs)
                    frame = self._jobs[self._place].stream.slot.take()
                    if frame is not None:
                        return self._jobs[self._place], frame
                self._changed.wait()
            return None

    def _answer(self, job: Job, frame: CameraFrame) -> None:
        taken_s = time.monotonic()
        frame_bgr = frame.decode()
        decoded_s = time.monotonic()
        answer = job.pipeline.run(frame_bgr)
        job.stream.publish(frame, answer, queue_ms=(taken_s - frame.arrived_s) * 1e3,
                           decode_ms=(decoded_s - taken_s) * 1e3)
