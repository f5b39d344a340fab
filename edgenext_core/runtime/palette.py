"""Names and colours of a model's classes, as people see them; every picture takes them here."""

from typing import Tuple

import cv2
import numpy as np

from edgenext_core.runtime.model_card import ModelCard

Color = Tuple[int, int, int]


def readable_name(card: ModelCard, class_id: int) -> str:
    """
    Write a class's name for people.

    :param card: the model's card
    :param class_id: the class
    :return: such as 'stop sign' for stop_sign
    """
    return card.labels[int(class_id)].replace('_', ' ')


def color_bgr(card: ModelCard, class_id: int) -> Color:
    """
    Give a class's colour.

    :param card: the model's card
    :param class_id: the class
    :return: blue, green and red, 0 to 255
    """
    red, green, blue = card.colors_rgb[class_id]
    return blue, green, red


def color_mask(class_ids: np.ndarray, card: ModelCard) -> np.ndarray:
    """
    Paint a mask in its classes' colours.

    :param class_ids: (H, W) uint8; ids without a label become black
    :param card: the model's card
    :return: (H, W, 3) uint8 BGR
    """
    palette = np.zeros((256, 1, 3), dtype=np.uint8)
    palette[:len(card.labels), 0] = np.array(card.colors_rgb, dtype=np.uint8)[:, ::-1]
    return cv2.applyColorMap(class_ids, palette)
