"""What the tasks put into a picture: a line in its banner, an overlay, a legend below it."""

from typing import List, Optional, Tuple

import cv2
import numpy as np

from edgenext_core.runtime.model_card import ModelCard
from edgenext_core.runtime.overlay import draw_detections
from edgenext_core.runtime.palette import color_bgr, color_mask, readable_name
from edgenext_core.runtime.preprocess import resize_mask
from edgenext_core.runtime.records import Classification, ClassMask, Detections
from edgenext_demo.strip import GREY, INK_RAISED, WHITE, Strip, text_width

_MASK_OPACITY = 0.42
_LEGEND_MARGIN, _LEGEND_ROW = 8, 16
_LEGEND_FROM = 0.004
"""Share of the mask from which a class is listed in colour."""


def write_class(strip: Strip, record: Classification, card: ModelCard) -> None:
    """
    Write the most probable class and its probability into the banner.

    :param strip: the banner
    :param record: the classes, most probable first
    :param card: for names and colours
    """
    if len(record.class_ids) == 0:
        return
    class_id, score = int(record.class_ids[0]), float(record.scores[0])
    color = color_bgr(card, class_id)
    strip.box(0, 0, 6, strip.height, color=color)
    right = 18 + strip.text(readable_name(card, class_id), 18, 27, size=14, bold=True)
    strip.box(right + 16, 16, right + 116, 26, color=INK_RAISED)
    strip.box(right + 16, 16, right + 16 + 100 * score, 26, color=color)
    strip.text(f'{100 * score:.0f} %', right + 126, 26, size=10, color=GREY)


def lay_boxes(picture: np.ndarray, record: Detections, card: ModelCard, *,
              scale: float) -> np.ndarray:
    """
    Draw boxes on a picture.

    :param picture: (H, W, 3) uint8 BGR
    :param record: the objects, in pixels of the frame
    :param card: for names and colours
    :param scale: pixels of the picture per pixel of the frame
    :return: a new picture
    """
    return draw_detections(
        picture, record._replace(boxes_xyxy=record.boxes_xyxy * np.float32(scale)), card)


def lay_mask(picture: np.ndarray, record: ClassMask, card: ModelCard, *,
             scale: float) -> np.ndarray:
    """
    Lay the classes' colours over a picture, light enough to see it through them.

    :param picture: (H, W, 3) uint8 BGR
    :param record: the mask, of the frame's size
    :param card: for the colours
    :param scale: is not needed: the mask covers the whole picture
    :return: a new picture
    """
    height, width = picture.shape[:2]
    colors = color_mask(resize_mask(record.class_ids, width=width, height=height), card)
    return cv2.addWeighted(colors, _MASK_OPACITY, picture, 1 - _MASK_OPACITY, 0)


def draw_legend(record: Optional[ClassMask], card: ModelCard, *, width: int) -> np.ndarray:
    """
    List a model's classes, those that the mask holds in colour; each keeps its place.

    :param record: the mask, None where it is still to come
    :param card: for names and colours
    :param width: in pixels; classes that do not fit into two rows are left out
    :return: (height, width, 3) uint8 BGR, height even
    """
    places = _legend_places(card, width=width)
    strip = Strip(width, _LEGEND_MARGIN + _LEGEND_ROW * (places[-1][1] + 1))
    pixels = np.zeros(0, np.uint8) if record is None else record.class_ids[::4, ::4]
    counts = np.bincount(pixels.ravel(), minlength=256)
    for class_id, (left, row) in enumerate(places):
        is_present = counts[class_id] > _LEGEND_FROM * pixels.size
        top = _LEGEND_MARGIN + _LEGEND_ROW * row
        strip.box(left, top, left + 9, top + 9,
                  color=color_bgr(card, class_id) if is_present else INK_RAISED)
        strip.text(readable_name(card, class_id), left + 13, top + 8, size=8,
                   color=WHITE if is_present else GREY)
    return strip.pixels()


def _legend_places(card: ModelCard, *, width: int) -> List[Tuple[float, int]]:
    """Return left edge and row of each class that fits, the first one in any case."""
    places, left, row = [(12.0, 0)], 12.0, 0
    for class_id in range(1, len(card.labels)):
        left += _legend_width(card, class_id - 1)
        if left + _legend_width(card, class_id) > width:
            left, row = 12.0, row + 1
        if row == 2:
            break
        places.append((left, row))
    return places


def _legend_width(card: ModelCard, class_id: int) -> float:
    return 25 + text_width(readable_name(card, class_id), size=8)
