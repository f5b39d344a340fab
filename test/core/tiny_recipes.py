"""Recipes and data sets that train in seconds, in the layout of any user's."""

import csv
import json

import cv2
import numpy as np
import yaml

from edgenext_core.train.recipe_file import read_recipe

MODELS = {
    'classification': 'edgenext_xx_small',
    'detection': 'ssdlite_edgenext_xx_small',
    'segmentation': 'deeplabv3_edgenext_xx_small',
}
RESIZE = {'classification': 'stretch', 'detection': 'letterbox', 'segmentation': 'stretch'}
NAMES = ('blue', 'green', 'red', 'white')
SURFACES = ('dark', *NAMES)
COLORS_BGR = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255))


def write_recipe(folder, task, /, **changes):
    """Write a recipe for pictures of 64 x 64 in a folder; ``changes`` are by dotted key."""
    content = {
        'task': task,
        'model': {'name': MODELS[task], 'options': {'layer_scale_init': 0.1},
                  'input_size': [64, 64], 'resize': RESIZE[task]},
        'data': {'root': str(folder), 'batch_size': 2},
        'augmentation': {'flip': 0.5, 'color': 0.2},
        'optimizer': {'learning_rate': 0.002, 'warmup_steps': 1},
        'trainer': {'max_epochs': 2, 'gradient_clip_val': 1.0, 'accelerator': 'cpu',
                    'enable_progress_bar': False},
    }
    if task == 'segmentation':
        content['data']['classes'] = 'surfaces'
    for key, value in changes.items():
        *sections, name = key.split('.')
        section = content
        for part in sections:
            section = section.setdefault(part, {})
        section[name] = value
    path = folder / f'{task}.yaml'
    path.write_text(yaml.safe_dump(content))
    return path


def tiny_recipe(folder, task, /, **changes):
    """Give such a recipe, read."""
    return read_recipe(write_recipe(folder, task, **changes))


def write_data(root, *, count=4, splits=('train', 'val')):
    """Write bright squares on dark ground, told apart by colour, one a picture."""
    rng = np.random.default_rng(0)
    for split in splits:
        for name in ('images', 'masks'):
            (root / split / name).mkdir(parents=True)
        images, annotations, labels = [], [], []
        for index in range(count):
            class_id = index % len(NAMES)
            image = rng.integers(0, 40, (96, 96, 3), dtype=np.uint8)
            mask = np.zeros((96, 96), np.uint8)
            left, top = (int(side) for side in rng.integers(8, 40, 2))
            inside = slice(top, top + 48), slice(left, left + 48)
            image[inside], mask[inside] = COLORS_BGR[class_id], class_id + 1
            cv2.imwrite(str(root / split / 'images' / f'{index:06}.png'), image)
            cv2.imwrite(str(root / split / 'masks' / f'{index:06}.png'), mask)
            images.append({'id': index + 1, 'file_name': f'{index:06}.png'})
            annotations.append({'image_id': index + 1, 'category_id': class_id + 1,
                                'bbox': [left, top, 48, 48]})
            labels.append((f'{index:06}.png', NAMES[class_id]))
        (root / split / 'instances.json').write_text(json.dumps({
            'images': images, 'annotations': annotations,
            'categories': [{'id': i + 1, 'name': name} for i, name in enumerate(NAMES)]}))
        with open(root / split / 'labels.csv', 'w', newline='') as file:
            csv.writer(file).writerows([('file_name', 'label'), *labels])
    (root / 'classes.json').write_text(json.dumps({
        'objects': {'names': NAMES}, 'surfaces': {'names': SURFACES, 'ignore_index': 255}}))
    return root
