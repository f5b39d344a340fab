"""A synthetic street with exact truth: the demo's camera, the tests' truth, training data."""

from synthetic_street.drive import Drive
from synthetic_street.errors import StreetError
from synthetic_street.scene import Scene
from synthetic_street.street import HELD_OUT_SEED, Street, draw_scene

__all__ = ['HELD_OUT_SEED', 'Drive', 'Scene', 'Street', 'StreetError', 'draw_scene']
