"""The record of one drawn frame with its exact truth."""

from typing import NamedTuple

import numpy as np


class Scene(NamedTuple):
    """
    One frame of the synthetic street and everything that is true of it.

    ``image_bgr`` (H, W, 3) uint8; ``label_id`` an index of ``STREET_SCENES``; ``boxes_xyxy``
    (N, 4) float32 in pixels, tight around each object's visible pixels, right and bottom
    exclusive; ``box_class_ids`` (N,) int64 of ``STREET_OBJECTS``; ``mask`` (H, W) uint8 of
    ``STREET_SURFACES``.
    """

    image_bgr: np.ndarray
    label_id: int
    boxes_xyxy: np.ndarray
    box_class_ids: np.ndarray
    mask: np.ndarray
