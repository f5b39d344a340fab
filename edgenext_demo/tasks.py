"""
The task table of the demo: everything that differs between the tasks' pictures, a row each.

The rows have the names of ``edgenext_core.runtime.tasks.TASKS``. A fourth task is a fourth row,
with what it shows in ``panels``.
"""

from typing import Any, Callable, Dict, NamedTuple, Optional, Tuple

import numpy as np

from edgenext_core.runtime.model_card import ModelCard
from edgenext_demo import panels
from edgenext_demo.strip import Strip
from synthetic_street.labels import STREET_OBJECTS, STREET_SCENES, STREET_SURFACES


class DemoTask(NamedTuple):
    """
    How one task appears in the demo.

    ``write_headline`` writes a record into the banner; ``overlay`` lays one over a picture, those
    with the lower ``layer`` first; ``draw_legend`` makes a strip below the picture, also of None,
    before the first record; each is None where the task has no such thing. ``describe_accuracy``
    puts a report's figures into words; ``street_labels`` are the classes of the street's truth.
    """

    write_headline: Optional[Callable[[Strip, Any, ModelCard], None]]
    overlay: Optional[Callable[..., np.ndarray]]
    layer: int
    draw_legend: Optional[Callable[..., np.ndarray]]
    describe_accuracy: Callable[[Dict[str, Any]], str]
    street_labels: Tuple[str, ...]


def _describe_top1(figures: Dict[str, Any]) -> str:
    return f'top-1 {figures["top1"]:.3f} over {figures["frames"]} frames'


def _describe_map(figures: Dict[str, Any]) -> str:
    return (f'mAP@0.5 {figures["map50"]:.3f} over {figures["objects"]} objects in '
            f'{figures["frames"]} frames')


def _describe_miou(figures: Dict[str, Any]) -> str:
    return f'mIoU {figures["miou"]:.3f} over {figures["frames"]} frames'


DEMO_TASKS: Dict[str, DemoTask] = {
    'classification': DemoTask(
        write_headline=panels.write_class,
        overlay=None,
        layer=0,
        draw_legend=None,
        describe_accuracy=_describe_top1,
        street_labels=STREET_SCENES.names,
    ),
    'detection': DemoTask(
        write_headline=None,
        overlay=panels.lay_boxes,
        layer=1,  # over the mask
        draw_legend=None,
        describe_accuracy=_describe_map,
        street_labels=STREET_OBJECTS.names,
    ),
    'segmentation': DemoTask(
        write_headline=None,
        overlay=panels.lay_mask,
        layer=0,
        draw_legend=panels.draw_legend,
        describe_accuracy=_describe_miou,
        street_labels=STREET_SURFACES.names,
    ),
}
"""The tasks by name."""
