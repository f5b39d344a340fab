"""
Records drawn on frames, legible from 320 to 1920 pixels of width.

Every function returns a new picture and leaves the frame alone.
"""

import math
from typing import NamedTuple, Sequence, Tuple

import cv2
import numpy as np

from edgenext_core.runtime.errors import FrameError
from edgenext_core.runtime.model_card import ModelCard
from edgenext_core.runtime.preprocess import check_frame
from edgenext_core.runtime.records import Classification, ClassMask, Detections

Color = Tuple[int, int, int]

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_WHITE, _BLACK = (255, 255, 255), (0, 0, 0)
_MASK_OPACITY = 0.55
_PANEL_OPACITY = 0.65
_LEGEND_FROM = 0.002
"""Share of the picture from which a class is listed in the legend."""


class _Style(NamedTuple):
    """Sizes that go with the picture's: font scale, and in pixels the rest."""

    font_scale: float
    stroke: int
    line: int
    gap: int
    row: int


class _Row(NamedTuple):
    """A line of a panel: its text, the class's colour, and how much of the row it fills."""

    text: str
    color: Color
    share: float


def draw_classification(frame_bgr: np.ndarray, record: Classification,
                        card: ModelCard) -> np.ndarray:
    """
    Draw the classes as a panel of bars, top left.

    :param frame_bgr: (H, W, 3) uint8 BGR
    :param record: the classes
    :param card: for names and colours
    :return: a new picture of the frame's size
    :raises FrameError: when the frame is not a picture
    """
    check_frame(frame_bgr)
    picture = frame_bgr.copy()
    rows = [_Row(f'{card.labels[class_id]}  {100 * score:.0f}%',
                 _bgr(card, class_id), float(score))
            for class_id, score in zip(record.class_ids, record.scores)]
    _draw_panel(picture, rows, is_bar=True)
    return picture


def draw_detections(frame_bgr: np.ndarray, record: Detections, card: ModelCard) -> np.ndarray:
    """
    Draw the boxes with a tag each; the best is drawn last, on top.

    :param frame_bgr: (H, W, 3) uint8 BGR
    :param record: the objects, in the frame's pixels
    :param card: for names and colours
    :return: a new picture of the frame's size
    :raises FrameError: when the frame is not a picture
    """
    check_frame(frame_bgr)
    picture = frame_bgr.copy()
    style = _style_for(picture)
    boxes = np.round(record.boxes_xyxy).astype(int)
    order = range(len(boxes) - 1, -1, -1)
    for color_of, width in ((lambda _: _BLACK, style.line + 2),
                            (lambda class_id: _bgr(card, class_id), style.line)):
        for index in order:
            left, top, right, bottom = boxes[index].tolist()
            cv2.rectangle(picture, (left, top), (right - 1, bottom - 1),
                          color_of(record.class_ids[index]), width)
    for index in order:
        class_id = record.class_ids[index]
        text = f'{card.labels[class_id]} {100 * record.scores[index]:.0f}%'
        _draw_tag(picture, text, boxes[index].tolist(), _bgr(card, class_id), style)
    return picture


def draw_mask(frame_bgr: np.ndarray, record: ClassMask, card: ModelCard) -> np.ndarray:
    """
    Lay the classes' colours over the frame, with a legend of those present.

    Ids without a label, as a truth's void, stay as they are in the frame.

    :param frame_bgr: (H, W, 3) uint8 BGR
    :param record: the mask, of the frame's size
    :param card: for names and colours
    :return: a new picture of the frame's size
    :raises FrameError: when the frame is not a picture, or the mask has another size
    """
    check_frame(frame_bgr)
    if record.class_ids.shape != frame_bgr.shape[:2]:
        raise FrameError(f'the mask is {record.class_ids.shape}, the frame {frame_bgr.shape[:2]}, expected equal sizes; draw a mask on the '
                         'frame it was made from')
    palette = np.zeros((256, 1, 3), dtype=np.uint8)
    palette[:len(card.labels), 0] = np.array(card.colors_rgb, dtype=np.uint8)[:, ::-1]
    colors = cv2.applyColorMap(record.class_ids, palette)
    picture = cv2.addWeighted(colors, _MASK_OPACITY, frame_bgr, 1 - _MASK_OPACITY, 0)
    counts = cv2.calcHist([record.class_ids], [0], None, [256], [0, 256])[:, 0]
    if counts[len(card.labels):].any():
        np.copyto(picture, frame_bgr, where=(record.class_ids >= len(card.labels))[:, :, None])
    shares = counts[:len(card.labels)] / record.class_ids.size
    rows = [_Row(card.labels[class_id], _bgr(card, class_id), float(shares[class_id]))
            for class_id in np.argsort(-shares, kind='stable')
            if shares[class_id] >= _LEGEND_FROM]
    _draw_panel(picture, rows, is_bar=False)
    return picture


def _style_for(picture: np.ndarray) -> _Style:
    unit = math.sqrt(picture.shape[0] * picture.shape[1] / (640 * 480))
    font_scale = max(0.36, 0.5 * unit)
    text_height = cv2.getTextSize('Ag', _FONT, font_scale, 1)[0][1]
    return _Style(font_scale=font_scale, stroke=max(1, int(round(1.2 * unit))),
                  line=max(1, int(round(2 * unit))), gap=max(3, int(round(6 * unit))),
                  row=int(round(2.0 * text_height)))


def _draw_panel(picture: np.ndarray, rows: Sequence[_Row], *, is_bar: bool) -> None:
    """Draw rows of text top left, each on a bar as long as its share, or after a swatch."""
    style = _style_for(picture)
    rows = rows[:max(1, (picture.shape[0] - style.gap) // style.row)]
    if not rows:
        return
    swatch = 0 if is_bar else style.row
    text_width = max(_text_width(row.text, style) for row in rows)
    width = swatch + text_width + 2 * style.gap
    if is_bar:
        width = max(width, picture.shape[1] // 3)
    _shade(picture, width + style.gap, len(rows) * style.row + style.gap)
    for index, row in enumerate(rows):
        top = style.gap // 2 + index * style.row
        length = int(round(width * row.share)) if is_bar else style.row - style.line
        cv2.rectangle(picture, (style.gap // 2, top),
                      (style.gap // 2 + length, top + style.row - style.line - 1), row.color, -1)
        _write(picture, row.text, style.gap + swatch, top, _WHITE, style)


def _draw_tag(picture: np.ndarray, text: str, box: Sequence[int], color: Color,
              style: _Style) -> None:
    """Write on a filled tag above the box, or inside where there is no room above."""
    height, width = picture.shape[:2]
    tag_width = _text_width(text, style) + style.gap
    left = max(0, min(box[0], width - tag_width))
    top = box[1] - style.row if box[1] >= style.row else max(0, min(box[1], height - style.row))
    cv2.rectangle(picture, (left, top), (left + tag_width, top + style.row - 1), color, -1)
    _write(picture, text, left + style.gap // 2, top, _contrast(color), style)


def _write(picture: np.ndarray, text: str, left: int, top: int, color: Color,
           style: _Style) -> None:
    baseline = top + int(round(0.72 * style.row))
    if color == _WHITE:
        cv2.putText(picture, text, (left, baseline), _FONT, style.font_scale, _BLACK,
                    style.stroke + 2, cv2.LINE_AA)
    cv2.putText(picture, text, (left, baseline), _FONT, style.font_scale, color, style.stroke,
                cv2.LINE_AA)


def _text_width(text: str, style: _Style) -> int:
    return cv2.getTextSize(text, _FONT, style.font_scale, style.stroke)[0][0]


def _shade(picture: np.ndarray, width: int, height: int) -> None:
    corner = picture[:height, :width]
    corner[:] = cv2.addWeighted(corner, 1 - _PANEL_OPACITY, corner, 0, 0)


def _bgr(card: ModelCard, class_id: int) -> Color:
    red, green, blue = card.colors_rgb[class_id]
    return blue, green, red


def _contrast(color: Color) -> Color:
    blue, green, red = color
    return _BLACK if 0.114 * blue + 0.587 * green + 0.299 * red > 140 else _WHITE
