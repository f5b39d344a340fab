"""Light and weather of a street: what they do to a colour at a distance."""

import math
from typing import NamedTuple, Tuple

import numpy as np

_Rgb = Tuple[float, float, float]


class _Light(NamedTuple):
    gain: _Rgb
    sky_top: _Rgb
    sky_bottom: _Rgb
    sun: float


_LIGHTS = {
    'day': _Light((1.02, 1.0, 0.97), (74, 136, 208), (196, 219, 236), 0.8),
    'overcast': _Light((0.80, 0.82, 0.85), (150, 159, 170), (205, 209, 213), 0.2),
    'low_sun': _Light((1.12, 0.95, 0.74), (104, 146, 196), (252, 216, 158), 1.0),
    'dusk': _Light((0.66, 0.55, 0.62), (66, 68, 122), (232, 148, 112), 0.3),
    'night': _Light((0.34, 0.37, 0.47), (10, 14, 32), (48, 50, 70), 0.0),
}


class Atmosphere(NamedTuple):
    """
    Light and weather.

    ``gain`` multiplies RGB colours, ``sun`` 0..1 is the strength of the direct light,
    ``sun_side`` -1 (left) or 1 (right), ``haze_per_m`` how fast things fade into
    ``haze_rgb``, ``lamps_on`` whether lamps and windows are lit, ``headlight`` the extra
    gain right before the camera.
    """

    light: str
    weather: str
    gain: Tuple[float, float, float]
    sky_top: Tuple[int, int, int]
    sky_bottom: Tuple[int, int, int]
    sun: float
    sun_side: int
    haze_rgb: Tuple[float, float, float]
    haze_per_m: float
    lamps_on: bool
    headlight: float

    def shade(self, colors_rgb, along_m):
        """
        Light colours and let them fade with the distance.

        :param colors_rgb: (N, 3) RGB colours 0..255
        :param along_m: distance in metres, a number or (N, 1)
        :return: (N, 3) float BGR colours 0..255
        """
        gain = np.array(self.gain) + self.headlight * np.exp(-np.asarray(along_m) / 9.0)
        return self.fade(np.asarray(colors_rgb, dtype=float) * gain, along_m)

    def shade_one(self, color_rgb, along_m):
        """
        Do what ``shade`` does for one colour, quickly.

        :param color_rgb: RGB 0..255
        :param along_m: distance in metres
        :return: list of three, BGR 0..255
        """
        clear = math.exp(-self.haze_per_m * along_m)
        boost = self.headlight * math.exp(-along_m / 9.0)
        return [min(255.0, c * (gain + boost) * clear + haze * (1 - clear))
                for c, gain, haze in zip(color_rgb[::-1], self.gain[::-1], self.haze_rgb[::-1])]

    def fade(self, colors_rgb, along_m):
        """
        Let colours that shine by themselves fade with the distance.

        :param colors_rgb: (N, 3) RGB colours 0..255
        :param along_m: distance in metres, a number or (N, 1)
        :return: (N, 3) float BGR colours 0..255
        """
        clear = np.exp(-self.haze_per_m * np.asarray(along_m))
        faded = np.asarray(colors_rgb, dtype=float) * clear
        faded += np.array(self.haze_rgb) * (1 - clear)
        return np.minimum(faded, 255)[:, ::-1]


def choose_atmosphere(rng):
    """
    Draw the light and the weather of a street.

    :param rng: the street's ``numpy.random.RandomState``
    :return: an ``Atmosphere``
    """
    light = rng.choice(['day', 'overcast', 'low_sun', 'dusk', 'night'],
                       p=[0.38, 0.22, 0.16, 0.14, 0.10])
    weather = rng.choice(['clear', 'rain', 'fog'], p=[0.74, 0.14, 0.12])
    traits = _LIGHTS[light]
    top, bottom = np.array(traits.sky_top, float), np.array(traits.sky_bottom, float)
    gain = np.array(traits.gain) * rng.uniform(0.9, 1.1)
    sun, haze_per_m = traits.sun, rng.uniform(0.002, 0.006)
    if weather != 'clear':
        gray = bottom.mean() * 0.9
        top, bottom = 0.35 * top + 0.65 * gray, 0.5 * bottom + 0.5 * gray
        gain = 0.6 * gain + 0.4 * gain.mean() * 0.9
        sun *= 0.2
        haze_per_m = rng.uniform(0.007, 0.012) if weather == 'rain' else rng.uniform(0.018, 0.032)
    if weather == 'fog':
        top = 0.3 * top + 0.7 * bottom
    dark = light in ('dusk', 'night')
    return Atmosphere(
        light=str(light), weather=str(weather), gain=tuple(gain), sky_top=tuple(top),
        sky_bottom=tuple(bottom), sun=sun, sun_side=int(rng.choice([-1, 1])),
        haze_rgb=tuple(bottom * 0.95), haze_per_m=haze_per_m,
        lamps_on=dark or weather == 'fog', headlight=0.30 if light == 'night' else 0.0)
