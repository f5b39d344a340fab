"""The sky and the trees on the horizon."""

import cv2
import numpy as np

from synthetic_street.layout import LEAVES_RGB
from synthetic_street.surfaces import SKY, VEGETATION


class Backdrop:
    """The sky with clouds, sun and the trees on the horizon: drawn once, shifted per frame."""

    def __init__(self, rng, atmosphere, *, camera):
        """
        Draw the panorama.

        :param rng: random state
        :param atmosphere: the ``Atmosphere``
        :param camera: the ``Camera`` at time 0; gives size and horizon
        """
        width, height = camera.width, int(np.ceil(camera.horizon_px)) + 3
        self._margin = width // 6
        wide = width + 2 * self._margin
        small = (wide // 4, height // 4)
        share = np.linspace(0, 1, small[1])[:, None] ** 1.3
        top, bottom = np.array(atmosphere.sky_top), np.array(atmosphere.sky_bottom)
        rows = (top * (1 - share) + bottom * share)[:, ::-1].astype(np.float32)
        clouds = sum(cv2.resize(rng.rand(3 * k, 4 * k).astype(np.float32), small,
                                interpolation=cv2.INTER_CUBIC) / k for k in (1, 2, 4))
        cover = np.clip((clouds - rng.uniform(0.8, 1.15)) * 2.2, 0, 0.8)[..., None]
        cloud = (bottom * 0.75 + 60 * (np.mean(bottom) > 120))[::-1].clip(0, 252)
        sky = rows[:, None, :] * (1 - cover) + cloud.astype(np.float32) * cover
        if atmosphere.sun > 0.5:
            self._add_sun(rng, sky, atmosphere)
        sky = cv2.resize(sky, (wide, height), interpolation=cv2.INTER_LINEAR)
        self._sky = np.clip(sky, 0, 255).astype(np.uint8)
        self._surfaces = np.full(self._sky.shape[:2], SKY, np.uint8)
        self._add_horizon_trees(rng, atmosphere, camera)
        self._ground = atmosphere.shade([(86, 112, 60)], 90.0)[0].tolist()

    def _add_sun(self, rng, sky, atmosphere):
        height, wide = sky.shape[:2]
        low = atmosphere.light == 'low_sun'
        x = wide * (0.5 + atmosphere.sun_side * rng.uniform(0.05, 0.3))
        y = height * (rng.uniform(0.3, 0.6) if low else rng.uniform(0.05, 0.25))
        ys, xs = np.mgrid[0:height, 0:wide].astype(np.float32)
        distance = np.hypot(xs - x, ys - y) / wide
        glow = 1.1 * np.exp(-(distance / 0.022) ** 2) + 0.38 * np.exp(-distance / 0.09)
        sky += glow[..., None] * np.array([170, 215, 255], np.float32)

    def _add_horizon_trees(self, rng, atmosphere, camera):
        wide = self._surfaces.shape[1]
        unit = camera.width / 640
        x = 0.0
        while x < wide:
            radius = rng.uniform(12, 26) * unit
            color = np.array(LEAVES_RGB[rng.randint(len(LEAVES_RGB))]) * rng.uniform(0.8, 1.0)
            shade = atmosphere.shade([color], 45.0)[0].tolist()
            center = (int(x), int(camera.horizon_px + 4 * unit - rng.uniform(0, 6) * unit))
            cv2.circle(self._sky, center, int(radius), shade, -1, cv2.LINE_AA)
            cv2.circle(self._surfaces, center, int(radius), VEGETATION, -1)
            x += radius * 0.8

    def paint(self, canvas, camera):
        """
        Paint the part that the camera sees.

        :param canvas: the ``Canvas``
        :param camera: the ``Camera``
        """
        height = self._sky.shape[0]
        shift = int(np.clip(round(self._margin - camera.focal_px * camera.heading), 0,
                            2 * self._margin))
        canvas.image[:height] = self._sky[:, shift:shift + camera.width]
        canvas.identities[:height] = self._surfaces[:, shift:shift + camera.width]
        canvas.identities[height:] = VEGETATION
        cv2.rectangle(canvas.image, (0, height), (camera.width, canvas.image.shape[0]),
                      self._ground, -1)
