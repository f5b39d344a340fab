"""What painters have to know of a moment."""

from typing import NamedTuple

from synthetic_street.atmosphere import Atmosphere
from synthetic_street.camera import Camera


class View(NamedTuple):
    """A moment of a street: the camera, the light, how far it has driven and for how long."""

    camera: Camera
    atmosphere: Atmosphere
    travelled_m: float
    time_s: float
