"""What rain, lens and sensor do to the finished picture."""

from functools import lru_cache

import cv2
import numpy as np


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
    return np.clip(128 + 9 * fine + 9 * coarse, 0, 255).astype(np.uint8)


def grain_ground(image, camera, *, travelled_m):
    """
    Give the ground near the camera a grain that moves with it.

    :param image: (H, W, 3) uint8 BGR, changed in place.
    :param camera: the ``Camera``.
    :param travelled_m: how far the camera has driven.
    """
    texels_per_m = 32.0
    top = int(camera.horizon_px + camera.focal_px * camera.height_m / 14.0)
    height, width = image.shape[0] - top, image.shape[1]
    focal, center = camera.focal_px, (width - 1) / 2
    to_ground = np.array([[camera.height_m * texels_per_m, 0, -center * camera.height_m
                           * texels_per_m],
                          [0, texels_per_m * (travelled_m % 8.0), focal * camera.height_m
                           * texels_per_m],
                          [0, 1, 0]])
    to_ground[1, 2] += texels_per_m * (travelled_m % 8.0) * (top - camera.horizon_px)
    to_ground[2, 2] = top - camera.horizon_px
    grain = cv2.warpPerspective(_asphalt_tile(), to_ground, (width, height),
                                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                                borderMode=cv2.BORDER_WRAP)
    ground = image[top:]
    cv2.addWeighted(ground, 1.0, cv2.cvtColor(grain, cv2.COLOR_GRAY2BGR), 0.7, -0.7 * 128,
                    dst=ground)


def expose(image, *, time_s, rain, blur_px, noise):
    """
    Add rain, motion blur and sensor noise.

    :param image: (H, W, 3) uint8 BGR.
    :param time_s: moment, from which the noise and the drops follow.
    :param rain: whether it rains.
    :param blur_px: width of the blur in pixels, 0 for none.
    :param noise: standard deviation of the noise, a whole number of gray levels.
    :return: (H, W, 3) uint8 BGR.
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
