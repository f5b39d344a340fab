"""What there is to show at a frame of a run: the frame, and what each node knew by then."""

import bisect
from typing import Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from edgenext_core.runtime.records import Record
from edgenext_demo.model_folder import DemoModel
from edgenext_demo.node_figures import NodeFigures
from edgenext_demo.replay import Replay
from edgenext_demo.topics import decode_record

_WINDOW_S = 1.0


class Shown(NamedTuple):
    """
    What one node shows at a moment: its newest result and how it keeps up.

    ``record`` is None before the first; rate and median age are those of the last second.
    """

    model: DemoModel
    record: Optional[Record]
    rate_hz: float
    age_ms: float


class Moment(NamedTuple):
    """
    A moment of a run.

    ``time_s`` is since the first frame; ``frame_bgr`` (H, W, 3) uint8; ``shown`` has one entry
    per node.
    """

    time_s: float
    frame_bgr: np.ndarray
    shown: List[Shown]


def replay_moments(replay: Replay, nodes: Sequence[NodeFigures], *,
                   stamps: Sequence[int]) -> Iterator[Moment]:
    """
    Show what a robot would know at each frame: every node's newest result up to it.

    :param replay: frames and results
    :param nodes: those that answered, with their stage times
    :param stamps: of the frames to show, in nanoseconds
    :return: the moments in the order of time
    """
    answers = [_Answers(node, replay) for node in nodes]
    for stamp_ns, frame_bgr in replay.frames(set(stamps)):
        yield Moment((stamp_ns - replay.stamps[0]) / 1e9, frame_bgr,
                     [one.at(stamp_ns) for one in answers])


def telling_stamps(replay: Replay, nodes: Sequence[NodeFigures], *, count: int) -> List[int]:
    """
    List the frames that are worth a picture.

    :param replay: frames and results
    :param nodes: those that answered
    :param count: how many pictures there will be
    :return: stamps, ascending: the frames that every node has answered; where those are fewer
        than the pictures, as on a busy machine, all frames
    """
    answered = set(replay.stamps)
    for node in nodes:
        answered &= set(replay.result_stamps(node.model))
    return sorted(answered) if len(answered) >= count else list(replay.stamps)


class _Answers:
    """What one node shows as time goes on; a result is decoded once."""

    def __init__(self, node: NodeFigures, replay: Replay) -> None:
        self._node = node
        self._stamps = replay.result_stamps(node.model)
        self._results = replay.results(node.model)
        self._last: Optional[Tuple[int, Record]] = None

    def at(self, stamp_ns: int) -> Shown:
        end = bisect.bisect_right(self._stamps, stamp_ns)
        recent = self._stamps[bisect.bisect_right(self._stamps, stamp_ns - int(_WINDOW_S * 1e9)):
                              end]
        ages_ms = [self._node.age_ms[stamp] for stamp in recent if stamp in self._node.age_ms]
        return Shown(self._node.model, self._record(stamp_ns), rate_hz=len(recent) / _WINDOW_S,
                     age_ms=float(np.median(ages_ms)) if ages_ms else 0.0)

    def _record(self, stamp_ns: int) -> Optional[Record]:
        newest = self._results.at(stamp_ns)
        if newest is None:
            return None
        if self._last is None or self._last[0] != newest[0]:
            self._last = newest[0], decode_record(self._node.model, newest[1])
        return self._last[1]
