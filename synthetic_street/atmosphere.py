"""Light and weather of a street: what they do to a colour at a distance."""

import math
from typing import List, NamedTuple, Sequence, Union

import numpy as np

from synthetic_street.colors import Rgb

_HEADLIGHT_REACH_M = 9.0


class _Light(NamedTuple):
    """A time of day; ``share`` is how much of all streets has it."""

    share: float
    gain: Rgb
    sky_top: Rgb
    sky_bottom: Rgb
    sun: float


_LIGHTS = {
    'day': _Light(0.38, (1.02, 1.0, 0.97), (74, 136, 208), (196, 219, 236), 0.8),
    'overcast': _Light(0.22, (0.80, 0.82, 0.85), (150, 159, 170), (205, 209, 213), 0.2),
    'low_sun': _Light(0.16, (1.12, 0.95, 0.74), (104, 146, 196), (252, 216, 158), 1.0),
    'dusk': _Light(0.14, (0.66, 0.55, 0.62), (66, 68, 122), (232, 148, 112), 0.3),
    'night': _Light(0.10, (0.34, 0.37, 0.47), (10, 14, 32), (48, 50, 70), 0.0),
}
_WEATHER_SHARES = {'clear': 0.74, 'rain': 0.14, 'fog': 0.12}
_HAZE_PER_M = {'clear': (0.002, 0.006), 'rain': (0.007, 0.012), 'fog': (0.018, 0.032)}


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
    gain: Rgb
    sky_top: Rgb
    sky_bottom: Rgb
    sun: float
    sun_side: int
    haze_rgb: Rgb
    haze_per_m: float
    lamps_on: bool
    headlight: float

    def shade(
        self, colors_rgb: Union[np.ndarray, Sequence[Rgb]], along_m: Union[float, np.ndarray],
    ) -> np.ndarray:
        """
        Light colours and let them fade with the distance.

        :param colors_rgb: (N, 3) RGB colours 0..255
        :param along_m: distance in metres, a number or (N, 1)
        :return: (N, 3) float BGR colours 0..255
        """
        boost = self.headlight * np.exp(-np.asarray(along_m) / _HEADLIGHT_REACH_M)
        gain = np.array(self.gain) + boost
        return self.fade(np.asarray(colors_rgb, dtype=float) * gain, along_m)

    def shade_one(self, color_rgb: Rgb, along_m: float) -> List[float]:
        """
        Do what ``shade`` does for one colour, quickly.

        :param color_rgb: RGB 0..255
        :param along_m: distance in metres
        :return: list of three, BGR 0..255
        """
        clear = math.exp(-self.haze_per_m * along_m)
        boost = self.headlight * math.exp(-along_m / _HEADLIGHT_REACH_M)
        return [min(255.0, c * (gain + boost) * clear + haze * (1 - clear))
                for c, gain, haze in zip(color_rgb[::-1], self.gain[::-1], self.haze_rgb[::-1])]

    def fade(
        self, colors_rgb: Union[np.ndarray, Sequence[Rgb]], along_m: Union[float, np.ndarray],
    ) -> np.ndarray:
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


def choose_atmosphere(rng: np.random.RandomState) -> Atmosphere:
    """
    Draw the light and the weather of a street.

    :param rng: random state
    :return: an ``Atmosphere``
    """
    light = str(rng.choice(list(_LIGHTS), p=[light.share for light in _LIGHTS.values()]))
    weather = str(rng.choice(list(_WEATHER_SHARES), p=list(_WEATHER_SHARES.values())))
    traits = _LIGHTS[light]
    top, bottom = np.array(traits.sky_top, float), np.array(traits.sky_bottom, float)
    gain = np.array(traits.gain) * rng.uniform(0.9, 1.1)
    sun, haze_per_m = traits.sun, rng.uniform(*_HAZE_PER_M['clear'])
    if weather != 'clear':
        gray = bottom.mean() * 0.9
        top, bottom = 0.35 * top + 0.65 * gray, 0.5 * bottom + 0.5 * gray
        gain = 0.6 * gain + 0.4 * gain.mean() * 0.9
        sun *= 0.2
        haze_per_m = rng.uniform(*_HAZE_PER_M[weather])
    if weather == 'fog':
        top = 0.3 * top + 0.7 * bottom
    dark = light in ('dusk', 'night')
    return Atmosphere(
        light=light, weather=weather, gain=tuple(gain.tolist()), sky_top=tuple(top.tolist()),
        sky_bottom=tuple(bottom.tolist()), sun=sun, sun_side=int(rng.choice([-1, 1])),
        haze_rgb=tuple((bottom * 0.95).tolist()), haze_per_m=haze_per_m,
        lamps_on=dark or weather == 'fog', headlight=0.30 if light == 'night' else 0.0)
