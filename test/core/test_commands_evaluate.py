"""The command edgenext evaluate, on models whose answers can be worked out by hand."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from tiny_models import COLORS, write_classifier, write_detector, write_segmenter

from edgenext_core import cli

WRITERS = {'classification': write_classifier, 'detection': write_detector,
           'segmentation': write_segmenter}
BLUE, GREEN, RED = range(3)
QUARTERS = [(0, 0), (32, 0), (0, 32), (32, 32)]  # left and top of each, in pixels
FRAMES = [(RED, GREEN, GREEN, GREEN), (BLUE, RED, RED, RED)]
"""The colours of the quarters of two pictures of 64 x 64."""


@pytest.fixture
def root(tmp_path):
    """Give the pictures with the truth of every task, numbered otherwise than in the models."""
    folder = tmp_path / 'data' / 'test'
    for name in ('images', 'masks'):
        (folder / name).mkdir(parents=True)
    annotations, labels = [], ['file_name,label']
    for index, colors in enumerate(FRAMES):
        image = np.zeros((64, 64, 3), np.uint8)
        mask = np.zeros((64, 64), np.uint8)
        for (left, top), color in zip(QUARTERS, colors):
            image[top:top + 32, left:left + 32, color] = 255
            mask[top:top + 32, left:left + 32] = 2 - color
            if color != GREEN:
                annotations.append({'image_id': index, 'category_id': 5 if color == RED else 3,
                                    'bbox': [left, top, 32, 32]})
        mask[30:34] = 255
        cv2.imwrite(str(folder / 'images' / f'{index}.png'), image)
        cv2.imwrite(str(folder / 'masks' / f'{index}.png'), mask)
        labels.append(f'{index}.png,{COLORS[colors[3]]}')
    (folder / 'labels.csv').write_text('\n'.join(labels))
    (folder / 'instances.json').write_text(json.dumps({
        'images': [{'id': index, 'file_name': f'{index}.png'} for index in range(2)],
        'annotations': annotations,
        'categories': [{'id': 3, 'name': 'blue'}, {'id': 5, 'name': 'red'}]}))
    (folder.parent / 'classes.json').write_text('{"names": ["red", "green", "blue"]}')
    return folder.parent


@pytest.fixture
def evaluate(root, capsys):
    """Give a function that measures a model of a task and returns status, output and errors."""
    def evaluate(task, *words):
        model = root.parent / f'{task}.onnx'
        WRITERS[task](model)
        status = cli.main(['evaluate', str(model), '--data', str(root), '--split', 'test',
                           *map(str, words)])
        told = capsys.readouterr()
        return status, told.out, told.err

    return evaluate


def figures(output):
    """Give the numbers by the words before them."""
    lines = [line.rsplit(None, 1) for line in output.splitlines()[1:]]
    return {' '.join(words.split()): float(value) for words, value in lines
            if value[0].isdigit()}


@pytest.mark.parametrize(('task', 'first', 'expected'), [
    ('classification', '2 frames', {'top1': 1, 'green': 1, 'red': 1}),
    ('detection', '2 frames, 5 objects', {'map50': 1, 'map': 1, 'red': 1, 'blue': 1}),
    ('segmentation', '2 frames, 7680 pixels', {'miou': 1, 'blue': 1, 'green': 1, 'red': 1}),
])
def test_a_model_that_is_always_right_is_measured_as_such(evaluate, task, first, expected):
    status, output, _ = evaluate(task)
    assert status == 0
    assert output.splitlines()[0] == first
    assert figures(output) == expected


def test_a_wrong_answer_counts(root, evaluate):
    path = root / 'test' / 'labels.csv'
    path.write_text(path.read_text().replace('1.png,red', '1.png,green'))
    assert figures(evaluate('classification')[1]) == {'top1': 0.5, 'green': 0.5}
    path = root / 'test' / 'instances.json'
    path.write_text(path.read_text().replace('"category_id": 3', '"category_id": 5'))
    assert figures(evaluate('detection')[1])['map50'] < 1
    mask = np.zeros((64, 64), np.uint8)
    cv2.imwrite(str(root / 'test' / 'masks' / '1.png'), mask)
    assert figures(evaluate('segmentation')[1])['miou'] < 1


def test_folders_of_classes_are_measured_too(root, evaluate):
    folder = root / 'test'
    for index, name in enumerate(('green', 'red')):
        (folder / name).mkdir()
        (folder / 'images' / f'{index}.png').rename(folder / name / 'a.png')
    for name in ('images', 'masks'):
        shutil.rmtree(folder / name)
    (folder / 'labels.csv').unlink()
    assert figures(evaluate('classification')[1]) == {'top1': 1, 'green': 1, 'red': 1}


def test_the_classes_of_masks_may_be_named_on_the_command_line(root, evaluate):
    (root / 'classes.json').unlink()
    status, _, told = evaluate('segmentation')
    assert status == 1
    assert 'masks holds numbers only, and nobody says which classes they are' in told
    _, output, _ = evaluate('segmentation', '--classes', 'red', 'green', 'blue')
    assert figures(output)['miou'] == 1
    _, output, _ = evaluate('segmentation', '--classes', 'blue', 'green', 'red')
    assert figures(output)['miou'] < 0.5


def test_of_several_entries_of_classes_that_of_the_model_is_taken(root, evaluate):
    (root / 'classes.json').write_text(json.dumps({
        'things': {'names': ['cup', 'pen']}, 'colours': {'names': ['blue', 'green', 'red']}}))
    assert figures(evaluate('segmentation')[1])['miou'] < 0.5
    _, output, _ = evaluate('segmentation', '--classes', 'colours')
    assert figures(output)['miou'] < 0.5
    status, _, told = evaluate('segmentation', '--classes', 'things')
    assert status == 1
    assert "has the classes cup, pen, of which 'cup' is none of blue, green, red" in told


@pytest.mark.parametrize(('task', 'change', 'message'), [
    ('classification', 'labels.csv', 'red.*purple'),
    ('detection', 'instances.json', 'red.*purple'),
])
def test_a_class_that_the_model_does_not_know_is_named(root, evaluate, task, change, message):
    path = root / 'test' / change
    path.write_text(path.read_text().replace('red', 'purple'))
    status, _, told = evaluate(task)
    assert status == 1
    assert "'purple' is none of" in told
    assert ('blue, green, red' if task == 'classification' else 'red, blue') in told


@pytest.mark.parametrize(('task', 'lost', 'message'), [
    ('classification', 'labels.csv', 'nothing says of which class they are'),
    ('detection', 'instances.json', 'has no boxes, expected'),
    ('segmentation', 'masks', 'masks/0.png is missing, as are 1 more files'),
    ('classification', 'images', 'images/0.png is missing'),
    ('detection', 'images', 'images/0.png is missing'),
    ('segmentation', 'images', 'images holds no pictures'),
    ('classification', '.', "has no split 'test'"),
    ('detection', '.', "has no split 'test'"),
    ('segmentation', '.', "has no split 'test'"),
])
def test_data_that_lack_something_say_what(root, evaluate, task, lost, message):
    path = root / 'test' / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    status, output, told = evaluate(task)
    assert status == 1
    assert output == ''
    assert message in told
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize('task', list(WRITERS))
def test_a_broken_picture_is_named(root, evaluate, task):
    (root / 'test' / 'images' / '1.png').write_bytes(b'no picture')
    status, _, told = evaluate(task)
    assert status == 1
    assert '1.png cannot be decoded' in told


def test_masks_that_are_all_void_are_no_truth(root, evaluate):
    for path in (root / 'test' / 'masks').iterdir():
        cv2.imwrite(str(path), np.full((64, 64), 255, np.uint8))
    status, _, told = evaluate('segmentation')
    assert status == 1
    assert 'the truth of 2 masks holds no pixel' in told


def test_crowds_alone_are_no_truth(root, evaluate):
    path = root / 'test' / 'instances.json'
    path.write_text(path.read_text().replace('"bbox"', '"iscrowd": 1, "bbox"'))
    status, _, told = evaluate('detection')
    assert status == 1
    assert 'the truth of 2 frames holds no object' in told


@pytest.mark.parametrize(('content', 'message'), [
    (None, 'none.onnx'), (b'', 'model.onnx'), (b'no model', 'model.onnx')])
def test_a_file_that_is_no_model_ends_the_command_with_a_sentence(
        root, tmp_path, capsys, content, message):
    model = tmp_path / ('none.onnx' if content is None else 'model.onnx')
    if content is not None:
        Path(model).write_bytes(content)
    assert cli.main(['evaluate', str(model), '--data', str(root)]) == 1
    told = capsys.readouterr().err
    assert message in told
    assert len(told.splitlines()) == 1
