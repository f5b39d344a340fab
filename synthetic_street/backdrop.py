"""The sky and the trees on the horizon."""

import cv2
import numpy as np

from synthetic_street.atmosphere import Atmosphere
from synthetic_street.camera import FRAME_WIDTH_PX, Camera
from synthetic_street.canvas import Canvas
from synthetic_street.colors import pick_color
from synthetic_street.layout import LEAVES_RGB
from synthetic_street.surfaces import SKY, VEGETATION

_MARGIN_SHARE = 6
"""The panorama is wider than the frame by a sixth of its width on each side."""

_SKY_STEP_PX = 4
"""The sky is drawn at a quarter of the resolution, and clouds are soft."""

_BELOW_HORIZON_PX = 3
_TREES_M, _PLAIN_M = 45.0, 90.0


class Backdrop:
    """The sky with clouds, sun and the trees on the horizon: drawn once, shifted per frame."""

    def __init__(
        self, rng: np.random.RandomState, atmosphere: Atmosphere, *, camera: Camera,
    ) -> None:
        """
        Draw the panorama.

        :param rng: random state
        :param atmosphere: the ``Atmosphere``
        :param camera: the ``Camera`` at time 0; gives size and horizon
        """
        height = int(np.ceil(camera.horizon_px)) + _BELOW_HORIZON_PX
        self._margin = camera.width // _MARGIN_SHARE
        wide = camera.width + 2 * self._margin
        sky = _draw_sky(rng, atmosphere, width=wide // _SKY_STEP_PX,
                        height=height // _SKY_STEP_PX)
        sky = cv2.resize(sky, (wide, height), interpolation=cv2.INTER_LINEAR)
        self._sky = np.clip(sky, 0, 255).astype(np.uint8)
        self._surfaces: np.ndarray = np.full(self._sky.shape[:2], SKY, np.uint8)
        self._add_horizon_trees(rng, atmosphere, camera=camera)
        self._ground = atmosphere.shade([(86, 112, 60)], _PLAIN_M)[0].tolist()

    def _add_horizon_trees(
        self, rng: np.random.RandomState, atmosphere: Atmosphere, *, camera: Camera,
    ) -> None:
        wide = self._surfaces.shape[1]
        unit = camera.width / FRAME_WIDTH_PX
        x = 0.0
        while x < wide:
            radius = rng.uniform(12, 26) * unit
            color = np.array(pick_color(rng, LEAVES_RGB)) * rng.uniform(0.8, 1.0)
            shade = atmosphere.shade(color[None], _TREES_M)[0].tolist()
            center = (int(x), int(camera.horizon_px + 4 * unit - rng.uniform(0, 6) * unit))
            cv2.circle(self._sky, center, int(radius), shade, -1, cv2.LINE_AA)
            cv2.circle(self._surfaces, center, int(radius), VEGETATION, -1)
            x += radius * 0.8

    def paint(self, canvas: Canvas, camera: Camera) -> None:
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


def _draw_sky(
    rng: np.random.RandomState, atmosphere: Atmosphere, *, width: int, height: int,
) -> np.ndarray:
    """Give a (height, width, 3) float32 BGR sky that is darker above, with clouds and sun."""
    share = np.linspace(0, 1, height)[:, None] ** 1.3
    top, bottom = np.array(atmosphere.sky_top), np.array(atmosphere.sky_bottom)
    rows = (top * (1 - share) + bottom * share)[:, ::-1].astype(np.float32)
    clouds = np.zeros((height, width), np.float32)
    for octave in (1, 2, 4):
        coarse = rng.rand(3 * octave, 4 * octave).astype(np.float32)
        clouds += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC) / octave
    cover = np.clip((clouds - rng.uniform(0.8, 1.15)) * 2.2, 0, 0.8)[..., None]
    cloud = (bottom * 0.75 + 60 * (np.mean(bottom) > 120))[::-1].clip(0, 252)
    sky = rows[:, None, :] * (1 - cover) + cloud.astype(np.float32) * cover
    if atmosphere.sun > 0.5:
        _add_sun(rng, sky, atmosphere=atmosphere)
    return sky


def _add_sun(rng: np.random.RandomState, sky: np.ndarray, *, atmosphere: Atmosphere) -> None:
    height, wide = sky.shape[:2]
    low = atmosphere.light == 'low_sun'
    x = wide * (0.5 + atmosphere.sun_side * rng.uniform(0.05, 0.3))
    y = height * (rng.uniform(0.3, 0.6) if low else rng.uniform(0.05, 0.25))
    ys, xs = np.mgrid[0:height, 0:wide].astype(np.float32)
    distance = np.hypot(xs - x, ys - y) / wide
    glow = 1.1 * np.exp(-(distance / 0.022) ** 2) + 0.38 * np.exp(-distance / 0.09)
    sky += glow[..., None] * np.array([170, 215, 255], np.float32)
