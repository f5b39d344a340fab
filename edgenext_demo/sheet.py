"""The contact sheet: the run on one picture."""

from typing import Any, Dict, List, Sequence

import cv2
import numpy as np

from edgenext_demo.errors import DemoError
from edgenext_demo.moments import Moment, replay_moments, telling_stamps
from edgenext_demo.node_figures import NodeFigures
from edgenext_demo.picture import annotate, draw_banner, height_at
from edgenext_demo.replay import Replay
from edgenext_demo.strip import GREY, INK, INK_RAISED, Strip
from edgenext_demo.summary import describe_accuracy

_COLUMNS, _ROWS = 4, 3
_TILE_WIDTH, _GAP = 480, 12
_WIDTH = _COLUMNS * _TILE_WIDTH + (_COLUMNS + 1) * _GAP
_TITLE_HEIGHT, _NODES_HEIGHT = 84, 76


def write_sheet(replay: Replay, nodes: Sequence[NodeFigures], *, report: Dict[str, Any],
                path: str) -> None:
    """
    Draw frames evenly over the run, answered by every node where there are enough, and figures.

    :param replay: the frames, at least one, and the results
    :param nodes: those that answered
    :param report: as built
    :param path: of the PNG file
    :raises DemoError: when the file cannot be written
    """
    chosen = _choose(telling_stamps(replay, nodes, count=_COLUMNS * _ROWS))
    height = height_at(replay.first_frame(), width=_TILE_WIDTH)
    tiles = [_tile(moment, height=height)
             for moment in replay_moments(replay, nodes, stamps=chosen)]
    tiles += [np.full_like(tiles[0], INK)] * (-len(tiles) % _COLUMNS)
    rows = [_row(tiles[first:first + _COLUMNS]) for first in range(0, len(tiles), _COLUMNS)]
    if not cv2.imwrite(path, np.vstack([_title(report), *rows, _nodes(report)])):
        raise DemoError(f'cannot write {path}; free some space, or name another folder with '
                        '--out')


def _choose(stamps: List[int]) -> List[int]:
    """Choose the frames nearest to evenly spaced times, each once."""
    times = np.array(stamps)
    wanted = np.linspace(stamps[0], stamps[-1], _COLUMNS * _ROWS)
    return sorted({stamps[int(np.abs(times - time).argmin())] for time in wanted})


def _tile(moment: Moment, *, height: int) -> np.ndarray:
    return np.vstack([draw_banner(moment, width=_TILE_WIDTH),
                      annotate(moment, width=_TILE_WIDTH, height=height)])


def _row(tiles: List[np.ndarray]) -> np.ndarray:
    """Set tiles side by side with a gap around each."""
    gap = np.full((tiles[0].shape[0], _GAP, 3), INK, np.uint8)
    row = np.hstack([gap] + [part for tile in tiles for part in (tile, gap)])
    return np.vstack([row, np.full((_GAP, row.shape[1], 3), INK, np.uint8)])


def _title(report: Dict[str, Any]) -> np.ndarray:
    strip, clip, machine = Strip(_WIDTH, _TITLE_HEIGHT), report['clip'], report['machine']
    strip.text('EdgeNeXt on ROS 2', _GAP + 4, 40, size=22, bold=True)
    strip.text(f'{clip["source"]}   {report["frames_sent"]} frames in {clip["played_s"]:.1f} s   '
               f'{machine["cpu"]}, {machine["cores"]} cores   onnxruntime '
               f'{machine["onnxruntime"]}   ROS 2 {machine["ros_distro"]}', _GAP + 4, 66, size=11,
               color=GREY)
    for place, line in enumerate(describe_accuracy(report['accuracy'])):
        strip.text(line, _WIDTH - _GAP - 4, 24 + 22 * place, size=12, align_right=True)
    return strip.pixels()


def _nodes(report: Dict[str, Any]) -> np.ndarray:
    strip = Strip(_WIDTH, _NODES_HEIGHT, color=INK_RAISED)
    for place, (node, figures) in enumerate(report['nodes'].items()):
        left, latency = _GAP + 4 + place * _WIDTH / len(report['nodes']), figures['latency_ms']
        strip.text(node, left, 28, size=13, color=GREY)
        text = f'{figures["processed"]} of {figures["received"]} frames'
        if latency['age']:
            text += (f'    inference {latency["infer"]["p50"]:.0f} ms    age '
                     f'{latency["age"]["p50"]:.0f} ms (p99 {latency["age"]["p99"]:.0f})')
        strip.text(text, left, 56, size=12)
    return strip.pixels()
