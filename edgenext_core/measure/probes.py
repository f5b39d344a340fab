"""Pictures for where no real ones are at hand: drawn, with structure, always the same."""

from typing import List

import cv2
import numpy as np


def make_probes(count: int, *, height: int, width: int, batch: int = 1) -> List[np.ndarray]:
    """
    Draw pictures with structure at many scales, always the same.

    :param count: number of inputs
    :param height: in pixels
    :param width: in pixels
    :param batch: pictures in each input
    :return: pictures (B, H, W, 3) uint8
    """
    rng = np.random.RandomState(0)  # its numbers never change, default_rng's may
    pictures = []
    for _ in range(count * batch):
        layers = [  # (H, W, 3) each
            cv2.resize(rng.uniform(0, 255, (cells, cells, 3)), (width, height))
            for cells in (2, 5, 16, 64)
        ]
        pictures.append(np.mean(layers, axis=0).astype(np.uint8))
    return np.split(np.stack(pictures), count)
