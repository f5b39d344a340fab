"""A synthetic street with exact truth: the demo's camera, the tests' truth, training data."""

from edgenext_core.world.drive import Drive
from edgenext_core.world.scene import Scene
from edgenext_core.world.street import HELD_OUT_SEED, Street, draw_scene

__all__ = ['HELD_OUT_SEED', 'Drive', 'Scene', 'Street', 'draw_scene']
