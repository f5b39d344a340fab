"""What rain, lens and sensor do to the finished picture."""

from functools import lru_cache

import cv2
import numpy as np

from synthetic_street.camera import FRAME_WIDTH_PX
from synthetic_street.view import View

_TEXELS_PER_M = 32.0
_ASPHALT_TEXELS = 256
_GRAIN_END_M = 14.0
_SHIFT_PX = 64
"""Noise and drops are this much larger than the frame, so that they can move over it."""


@lru_cache(maxsize=8)
def _noise_tile(height: int, width: int, *, amplitude: int) -> np.ndarray:
    rng = np.random.RandomState(7)
    shape = (height + _SHIFT_PX, width + _SHIFT_PX, 3)
    noise = 128 + amplitude * rng.standard_normal(shape)
    return np.clip(np.rint(noise), 0, 255).astype(np.uint8)


@lru_cache(maxsize=4)
def _rain_tile(height: int, width: int) -> np.ndarray:
    rng = np.random.RandomState(11)
    tile = np.zeros((height, width + _SHIFT_PX), np.uint8)
    unit = width / FRAME_WIDTH_PX
    for _ in range(260):
        x, y = rng.uniform(0, width + _SHIFT_PX), rng.uniform(0, height)
        length, lean = rng.uniform(9, 24) * unit, rng.uniform(0.12, 0.22)
        cv2.line(tile, (int(x), int(y)), (int(x - lean * length), int(y + length)),
                 int(rng.uniform(18, 62)), 1, cv2.LINE_AA)
    return cv2.cvtColor(tile, cv2.COLOR_GRAY2BGR)


@lru_cache(maxsize=1)
def _asphalt_tile() -> np.ndarray:
    rng = np.random.RandomState(13)
    size = (_ASPHALT_TEXELS, _ASPHALT_TEXELS)
    fine = rng.standard_normal(size)
    coarse = cv2.resize(rng.standard_normal((32, 32)), size, interpolation=cv2.INTER_CUBIC)
    return np.clip(128 + 10 * fine + 6 * coarse, 0, 255).astype(np.uint8)


def grain_ground(image: np.ndarray, view: View) -> None:
    """
    Give the ground near the camera a grain that moves with it, stronger in better light.

    :param image: (H, W, 3) uint8 BGR, changed in place
    :param view: the ``View``
    """
    camera, strength = view.camera, float(np.mean(view.atmosphere.gain))
    top = int(camera.horizon_px + camera.focal_px * camera.height_m / _GRAIN_END_M)
    height, width = image.shape[0] - top, image.shape[1]
    repeats_m = _ASPHALT_TEXELS / _TEXELS_PER_M
    offset, below = _TEXELS_PER_M * (view.travelled_m % repeats_m), top - camera.horizon_px
    # From the grain's pixels, half as many as the ground's, to the asphalt's texels.
    to_ground = np.array([
        [2 * camera.height_m * _TEXELS_PER_M, 0,
         -0.5 * (width - 1) * camera.height_m * _TEXELS_PER_M],
        [0, 2 * offset, camera.focal_px * camera.height_m * _TEXELS_PER_M + offset * below],
        [0, 2, below]])
    grain = cv2.warpPerspective(_asphalt_tile(), to_ground, ((width + 1) // 2, (height + 1) // 2),
                                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                                borderMode=cv2.BORDER_WRAP)
    grain = cv2.resize(grain, (width, height), interpolation=cv2.INTER_LINEAR)
    ground = image[top:]
    cv2.addWeighted(ground, 1.0, cv2.cvtColor(grain, cv2.COLOR_GRAY2BGR), strength,
                    -128.0 * strength, dst=ground)


def expose(image: np.ndarray, view: View, *, blur_px: int, noise: int) -> np.ndarray:
    """
    Add rain, motion blur and sensor noise.

    :param image: (H, W, 3) uint8 BGR, may be changed in place
    :param view: the ``View``; noise and drops follow from its time
    :param blur_px: width of the blur in pixels, 0 for none
    :param noise: standard deviation of the noise, a whole number of gray levels
    :return: (H, W, 3) uint8 BGR
    """
    height, width = image.shape[:2]
    tick = int(round(view.time_s * 1000))
    if view.atmosphere.weather == 'rain':
        row, column = tick * 37 % height, tick * 13 % _SHIFT_PX
        drops = _rain_tile(height, width)[:, column:column + width]
        cv2.add(image[row:], drops[:height - row], dst=image[row:])
        if row:
            cv2.add(image[:row], drops[height - row:], dst=image[:row])
    if blur_px > 1:
        image = cv2.blur(image, (blur_px, 1))
    y, x = tick * 29 % _SHIFT_PX, tick * 17 % _SHIFT_PX
    tile = _noise_tile(height, width, amplitude=noise)[y:y + height, x:x + width]
    return cv2.addWeighted(image, 1.0, tile, 1.0, -128.0)
