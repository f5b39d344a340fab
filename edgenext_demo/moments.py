"""What each node has to show at a frame of the recording."""

import bisect
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np

from edgenext_demo.model_folder import DemoModel
from edgenext_demo.picture import Shown
from edgenext_demo.recorder import NodeRecord
from edgenext_demo.recording import Record, Recording

_WINDOW_S = 1.0


class Moments:
    """
    Find what a robot would know at each frame: every node's newest result up to it.

    Frames are best asked for in order: the last result of each node is kept.
    """

    def __init__(self, recording: Recording, records: Sequence[NodeRecord]) -> None:
        """
        Look at a recording.

        :param recording: frames and results
        :param records: of the nodes, with their stage times
        """
        self._recording = recording
        self._records = records
        self._last: Dict[str, Tuple[int, Record]] = {}

    def time_s(self, stamp_ns: int) -> float:
        """
        Return a frame's time.

        :param stamp_ns: its stamp
        :return: seconds since the first frame
        """
        return (stamp_ns - self._recording.stamps[0]) / 1e9

    def shown(self, stamp_ns: int) -> List[Shown]:
        """
        Find what the nodes show.

        :param stamp_ns: the frame's stamp
        :return: one per node; rate and age over the last second
        """
        return [self._shown(record, stamp_ns) for record in self._records]

    def telling_stamps(self, count: int) -> List[int]:
        """
        List the frames that are worth a picture.

        :param count: how many pictures there will be
        :return: stamps, ascending: the frames that every node has answered; where those are fewer
            than the pictures, as on a busy machine, all frames
        """
        answered = set(self._recording.stamps)
        for record in self._records:
            answered &= set(self._recording.result_stamps(record.model))
        return sorted(answered) if len(answered) >= count else self._recording.stamps

    def _shown(self, record: NodeRecord, stamp_ns: int) -> Shown:
        stamps = self._recording.result_stamps(record.model)
        end = bisect.bisect_right(stamps, stamp_ns)
        recent = stamps[bisect.bisect_right(stamps, stamp_ns - int(_WINDOW_S * 1e9)):end]
        ages_ms = [record.age_ms[stamp] for stamp in recent if stamp in record.age_ms]
        return Shown(record.model, self._record(record.model, stamps[end - 1]) if end else None,
                     rate_hz=len(recent) / _WINDOW_S,
                     age_ms=float(np.median(ages_ms)) if ages_ms else 0.0)

    def _record(self, model: DemoModel, stamp_ns: int) -> Optional[Record]:
        if self._last.get(model.node, (None,))[0] != stamp_ns:
            self._last[model.node] = stamp_ns, self._recording.result(model, stamp_ns)
        return self._last[model.node][1]
