"""What rain, lens and sensor do to the finished picture."""

from functools import lru_cache

import cv2
import numpy as np

_TEXELS_PER_M = 32.0


@lru_cache(maxsize=8)
def _noise_tile(height, width, amplitude):
    rng = np.random.RandomState(7)
    noise = 128 + amplitude * rng.standard_normal((height + 64, width + 64, 3))
    return np.clip(np.rint(noise), 0, 255).astype(np.uint8)


@lru_cache(maxsize=4)
def _rain_tile(height, width):
    rng = np.random.RandomState(11)
    tile = np.zeros((height, width + 64), np.uint8)
    unit = width / 640
    for _ in range(260):
        x, y = rng.uniform(0, width + 64), rng.uniform(0, height)
        length, lean = rng.uniform(9, 24) * unit, rng.uniform(0.12, 0.22)
        cv2.line(tile, (int(x), int(y)), (int(x - lean * length), int(y + length)),
                 int(rng.uniform(18, 62)), 1, cv2.LINE_AA)
    return cv2.cvtColor(tile, cv2.COLOR_GRAY2BGR)


@lru_cache(maxsize=1)
def _asphalt_tile():
    rng = np.random.RandomState(13)
    fine = rng.standard_normal((256, 256))
    coarse = cv2.resize(rng.standard_normal((32, 32)), (256, 256), interpolation=cv2.INTER_CUBIC)
    return np.clip(128 + 10 * fine + 6 * coarse, 0, 255).astype(np.uint8)


def grain_ground(image, camera, *, travelled_m, strength):
    """
    Give the ground near the camera a grain that moves with it.

    :param image: (H, W, 3) uint8 BGR, changed in place
    :param camera: the ``Camera``
    :param travelled_m: how far the camera has driven
    :param strength: 0 (none) .. 1
    """
    top = int(camera.horizon_px + camera.focal_px * camera.height_m / 14.0)
    height, width = image.shape[0] - top, image.shape[1]
    offset, below = _TEXELS_PER_M * (travelled_m % 8.0), top - camera.horizon_px
    across = 2 * camera.height_m * _TEXELS_PER_M
    to_ground = np.array([
        [across, 0, -0.5 * (width - 1) * camera.height_m * _TEXELS_PER_M],
        [0, 2 * offset, camera.focal_px * camera.height_m * _TEXELS_PER_M + offset * below],
        [0, 2, below]])
    grain = cv2.warpPerspective(_asphalt_tile(), to_ground, ((width + 1) // 2, (height + 1) // 2),
                                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                                borderMode=cv2.BORDER_WRAP)
    grain = cv2.resize(grain, (width, height), interpolation=cv2.INTER_LINEAR)
    ground = image[top:]
    cv2.addWeighted(ground, 1.0, cv2.cvtColor(grain, cv2.COLOR_GRAY2BGR), strength,
                    -128.0 * strength,
                    dst=ground)


def expose(image, *, time_s, rain, blur_px, noise):
    """
    Add rain, motion blur and sensor noise.

    :param image: (H, W, 3) uint8 BGR
    :param time_s: moment, from which the noise and the drops follow
    :param rain: whether it rains
    :param blur_px: width of the blur in pixels, 0 for none
    :param noise: standard deviation of the noise, a whole number of gray levels
    :return: (H, W, 3) uint8 BGR
    """
    height, width = image.shape[:2]
    tick = int(round(time_s * 1000))
    if rain:
        row, column = tick * 37 % height, tick * 13 % 64
        drops = _rain_tile(height, width)[:, column:column + width]
        cv2.add(image[row:], drops[:height - row], dst=image[row:])
        if row:
            cv2.add(image[:row], drops[height - row:], dst=image[:row])
    if blur_px > 1:
        image = cv2.blur(image, (blur_px, 1))
    y, x = tick * 29 % 64, tick * 17 % 64
    tile = _noise_tile(height, width, noise)[y:y + height, x:x + width]
    return cv2.addWeighted(image, 1.0, tile, 1.0, -128.0)
