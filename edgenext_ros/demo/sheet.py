"""The contact sheet: the run on one picture."""

from typing import Any, Dict, List

import cv2
import numpy as np

from edgenext_ros.demo.moments import Moments
from edgenext_ros.demo.picture import GREY, INK, INK_RAISED, Strip, annotate, banner, legend
from edgenext_ros.demo.recording import Recording
from edgenext_ros.demo.summary import describe_accuracy

_COLUMNS, _ROWS = 4, 3
_TILE_WIDTH, _GAP = 480, 12
_TITLE_HEIGHT, _NODE_HEIGHT = 84, 34


def write_sheet(recording: Recording, moments: Moments, report: Dict[str, Any],
                path: str) -> None:
    """
    Draw frames that every node has answered, evenly over the run, and the run's figures.

    :param recording: the frames, at least one
    :param moments: what the nodes show
    :param report: as built
    :param path: of the PNG file
    """
    stamps = moments.complete_stamps()
    chosen = [stamps[int(place)] for place in
              np.linspace(0, len(stamps) - 1, min(len(stamps), _COLUMNS * _ROWS)).round()]
    tiles = [_tile(recording, moments, stamp_ns) for stamp_ns in chosen]
    cv2.imwrite(path, np.vstack([_title(report), *_rows(tiles), _nodes(report)]))
