"""One picture of a moment: banner, frame with mask and boxes, legend, figures."""

from typing import Sequence

import cv2
import numpy as np

from edgenext_demo.moments import Moment, Shown
from edgenext_demo.strip import GREY, INK, INK_RAISED, Strip
from edgenext_demo.tasks import DEMO_TASKS, DemoTask

_BANNER_HEIGHT, _FIGURES_HEIGHT = 40, 44


def compose(moment: Moment, *, width: int, height: int) -> np.ndarray:
    """
    Draw a moment.

    :param moment: what to draw
    :param width: of the picture, even
    :param height: of the frame in it, even
    :return: (more than height, width, 3) uint8 BGR, height even
    """
    parts = [draw_banner(moment, width=width), annotate(moment, width=width, height=height)]
    for one in moment.shown:
        draw_legend = _row(one).draw_legend
        if draw_legend is not None:
            parts.append(draw_legend(one.record, one.model.card, width=width))
    return np.vstack([*parts, _draw_figures(moment.shown, width=width)])


def draw_banner(moment: Moment, *, width: int) -> np.ndarray:
    """
    Draw the most probable class and the time.

    :param moment: what to draw
    :param width: in pixels
    :return: (height, width, 3) uint8 BGR
    """
    strip = Strip(width, _BANNER_HEIGHT)
    strip.text(f'{moment.time_s:.1f} s', width - 12, 26, size=10, color=GREY, align_right=True)
    for one in moment.shown:
        write_headline = _row(one).write_headline
        if write_headline is not None and one.record is not None:
            write_headline(strip, one.record, one.model.card)
    return strip.pixels()


def annotate(moment: Moment, *, width: int, height: int) -> np.ndarray:
    """
    Scale a frame to fit and lay mask and boxes over it.

    :param moment: what to draw
    :param width: of the picture
    :param height: of the picture
    :return: (height, width, 3) uint8 BGR, the frame in its middle
    """
    frame_bgr = moment.frame_bgr
    scale = min(width / frame_bgr.shape[1], height / frame_bgr.shape[0])
    size = (max(1, round(frame_bgr.shape[1] * scale)), max(1, round(frame_bgr.shape[0] * scale)))
    picture = cv2.resize(frame_bgr, size,
                         interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    for one in sorted(moment.shown, key=lambda one: _row(one).layer):
        overlay = _row(one).overlay
        if overlay is not None and one.record is not None:
            picture = overlay(picture, one.record, one.model.card, scale=scale)
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    return cv2.copyMakeBorder(picture, top, height - size[1] - top, left, width - size[0] - left,
                              cv2.BORDER_CONSTANT, value=INK)


def height_at(frame_bgr: np.ndarray, *, width: int) -> int:
    """
    Return how high a frame is at a width.

    :param frame_bgr: (H, W, 3)
    :param width: in pixels
    :return: in pixels, even as video encoders want it, at least 2
    """
    return max(2, 2 * round(frame_bgr.shape[0] * width / frame_bgr.shape[1] / 2))


def _draw_figures(shown: Sequence[Shown], *, width: int) -> np.ndarray:
    strip = Strip(width, _FIGURES_HEIGHT, color=INK_RAISED)
    for place, one in enumerate(shown):
        left = 12 + place * width / len(shown)
        strip.text(one.model.card.task, left, 17, size=8.5, color=GREY)
        strip.text(f'{one.rate_hz:.0f} fps   {one.age_ms:.0f} ms', left, 36, size=11)
    return strip.pixels()


def _row(one: Shown) -> DemoTask:
    return DEMO_TASKS[one.model.card.task]
