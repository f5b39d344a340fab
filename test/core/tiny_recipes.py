"""Recipes and samples that train in seconds."""

import numpy as np

from edgenext_core.train.recipe import recipe_from_dict
from synthetic_street import Scene

MODELS = {
    'classification': 'edgenext_xx_small',
    'detection': 'ssdlite_edgenext_xx_small',
    'segmentation': 'deeplabv3_edgenext_xx_small',
}
COLORS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255))
RESIZE = {'classification': 'stretch', 'detection': 'letterbox', 'segmentation': 'stretch'}


def tiny_recipe(task, **changes):
    """Make a recipe for pictures of 64 x 64."""
    return recipe_from_dict({
        'task': task, 'model': MODELS[task], 'model_options': {'layer_scale_init': 0.1},
        'data': 'world', 'input_size': [64, 64], 'resize': RESIZE[task], 'epochs': 2,
        'batch_size': 2, 'learning_rate': 0.002, 'warmup_steps': 1, 'flip': 0.5, 'color': 0.2,
        **changes,
    })


def make_scenes(count):
    """Draw bright squares, told apart by colour, one a picture, with their whole truth."""
    rng = np.random.default_rng(0)
    scenes = []
    for index in range(count):
        class_id = index % 4
        image = rng.integers(0, 40, (96, 96, 3), dtype=np.uint8)
        mask = np.zeros((96, 96), np.uint8)
        left, top = rng.integers(8, 40, 2)
        inside = slice(top, top + 48), slice(left, left + 48)
        image[inside] = COLORS[class_id]
        mask[inside] = class_id + 1
        box = np.array([[left, top, left + 48, top + 48]], np.float32)
        scenes.append(Scene(image, class_id, box, np.array([class_id]), mask))
    return scenes
