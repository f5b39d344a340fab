"""Training: losses that fall, figures that are right, runs that continue."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_recipes import NAMES, SURFACES, tiny_recipe, write_data

from edgenext_core.data.samples import DataError
from edgenext_core.measure.accuracy import AccuracyError
from edgenext_core.train.loaders import training_loader, validation_loader
from edgenext_core.train.losses import dice_loss
from edgenext_core.train.module import TrainingModule
from edgenext_core.train.optimizer import make_optimizer, warmup_cosine
from edgenext_core.train.recipe import RecipeError
from edgenext_core.train.run import RunError, build_network, open_splits, train
from edgenext_core.train.tasks import TRAINING_TASKS
from edgenext_core.weights.checkpoint import CheckpointError, load_encoder

TASKS = tuple(TRAINING_TASKS)


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    """Give a data set that no test changes."""
    return write_data(tmp_path_factory.mktemp('data'))


@pytest.fixture(scope='module')
def segmenter(root, tmp_path_factory):
    """Train a segmenter."""
    torch.set_num_threads(1)
    return train(tiny_recipe(root, 'segmentation'), out=tmp_path_factory.mktemp('segmenter'))


def weights_of(path):
    return torch.load(path, map_location='cpu', weights_only=True)['state_dict']


def make_module(recipe):
    labels = open_splits(recipe)[0].labels
    return TrainingModule(build_network(recipe, labels), recipe, labels=labels)


def batch_of(recipe):
    return next(iter(validation_loader(recipe, open_splits(recipe)[1])))


@pytest.mark.parametrize('task', TASKS)
def test_a_network_learns_one_batch_by_heart(root, task):
    torch.manual_seed(0)
    recipe = tiny_recipe(root, task)
    module, batch = make_module(recipe), batch_of(recipe)
    optimizer = torch.optim.AdamW(module.parameters(), lr=2e-3)
    totals = []
    for _ in range(12):
        total = sum(module.losses(module(batch['image']), batch).values())
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        totals.append(total.item())
    assert totals[-1] < 0.5 * totals[0]


@pytest.mark.parametrize('task', TASKS)
def test_losses_and_metrics_do_not_call_the_network(root, task, monkeypatch):
    recipe = tiny_recipe(root, task)
    module, batch = make_module(recipe).eval(), batch_of(recipe)
    outputs = module(batch['image'])
    monkeypatch.setattr(module.model, 'forward', None)
    assert all(torch.isfinite(term) for term in module.losses(outputs, batch).values())
    module.update_metrics(outputs, batch)
    assert all(0 <= value <= 1 for value in module.metrics().values())


def test_validation_counts_the_classes_that_were_right(root):
    module = make_module(tiny_recipe(root, 'classification'))
    logits = torch.tensor([[9.0, 0, 0, 0], [9.0, 0, 0, 0], [0, 0, 9.0, 0]])
    module.update_metrics(logits, {'class_id': torch.tensor([0, 1, 2])})
    assert module.metrics() == {'top1': pytest.approx(2 / 3)}
    with pytest.raises(AccuracyError):  # it starts anew
        module.metrics()


def test_validation_measures_boxes_in_the_pixels_of_the_input(root):
    batch = {'image': torch.zeros(1, 100, 200, 3, dtype=torch.uint8),
             'boxes_xyxy': [torch.tensor([[0.1, 0.2, 0.5, 0.6]])],
             'class_ids': [torch.tensor([2])]}
    truth, = TRAINING_TASKS['detection'].true(batch)
    np.testing.assert_allclose(truth.boxes_xyxy, [[20, 20, 100, 60]], rtol=1e-6)
    anchor = torch.tensor([[0.3, 0.4, 0.4, 0.4]])  # cxcywh: where the box is
    outputs = {'class_logits': torch.tensor([[[0, 0, 0, 9.0, 0]]]),
               'box_deltas': torch.zeros(1, 1, 4), 'anchors_cxcywh': anchor}
    module = make_module(tiny_recipe(root, 'detection'))
    module.update_metrics(outputs, batch)
    assert module.metrics() == pytest.approx({'map50': 1, 'map': 1, 'ap50_red': 1})


def test_validation_measures_masks_without_their_void(root):
    mask = torch.tensor([[[0, 0, 1, 255]]], dtype=torch.uint8).repeat(1, 8, 8)
    found = torch.where(mask == 255, 4, mask)
    found[:, :4] = 1
    logits = torch.nn.functional.one_hot(found.long(), 5).permute(0, 3, 1, 2) * 9.0
    module = make_module(tiny_recipe(root, 'segmentation'))
    module.update_metrics({'logits': logits}, {'mask': mask})
    assert module.metrics() == {
        'miou': pytest.approx((1 / 2 + 1 / 2) / 2), 'iou_dark': 0.5, 'iou_blue': 0.5}


def test_a_run_leaves_averaged_weights_recipe_labels_and_metrics(segmenter):
    checkpoint = torch.load(segmenter, weights_only=True)
    assert checkpoint['recipe']['task'] == 'segmentation'
    assert checkpoint['labels']['names'] == SURFACES
    assert 0 <= checkpoint['metrics']['val/miou'] <= 1
    assert 'val/iou_dark' in checkpoint['metrics']
    json.dumps([checkpoint[part] for part in ('recipe', 'labels', 'metrics')])
    name = 'model.backbone.stem.0.weight'
    assert (checkpoint['state_dict'][name] != checkpoint['current_model_state'][name]).any()


def test_a_resumed_run_ends_like_an_uninterrupted_one(root, tmp_path):
    changes = {'model.options.drop_path_rate': 0.3, 'optimizer.learning_rate': 0.002}
    recipe = tiny_recipe(root, 'classification', **changes)
    whole = train(recipe, out=tmp_path / 'whole')

    def interrupt_second_epoch(module):
        if module.current_epoch == 1:
            raise InterruptedError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TrainingModule, 'on_train_epoch_start', interrupt_second_epoch)
        with pytest.raises(InterruptedError):
            train(recipe, out=tmp_path / 'part')
    resumed = train(recipe, out=tmp_path / 'part', resume=tmp_path / 'part' / 'last.ckpt')
    torch.testing.assert_close(weights_of(resumed), weights_of(whole), rtol=0, atol=0)


def test_workers_change_nothing_of_what_is_learned(root, tmp_path):
    options = {'model.options.drop_path_rate': 0.3}
    alone, helped = (
        train(tiny_recipe(root, 'classification', **options, **{'data.workers': workers}),
              out=tmp_path / str(workers))
        for workers in (0, 1))
    torch.testing.assert_close(weights_of(helped), weights_of(alone), rtol=0, atol=0)


@pytest.mark.parametrize('task', TASKS)
def test_workers_change_nothing_of_what_is_loaded(root, task):
    alone, helped = (
        list(training_loader(recipe, open_splits(recipe)[0]))
        for recipe in (tiny_recipe(root, task, **{'data.workers': workers}) for workers in (0, 2)))
    torch.testing.assert_close(helped, alone, rtol=0, atol=0)


@pytest.mark.parametrize(('key', 'value', 'before'), [
    ('trainer.max_epochs', 3, 2), ('optimizer.learning_rate', 0.1, 0.002),
    ('model.options.output_stride', 8, None), ('seed', 7, 0),
])
def test_another_recipe_cannot_be_resumed(root, segmenter, tmp_path, key, value, before):
    with pytest.raises(RecipeError, match=f"'{key}' is {value}, but .* was trained with {before}"):
        train(tiny_recipe(root, 'segmentation', **{key: value}), out=tmp_path, resume=segmenter)


def test_a_run_resumes_where_its_data_have_moved(segmenter, tmp_path):
    moved = write_data(tmp_path / 'moved')
    recipe = tiny_recipe(moved, 'segmentation', **{'data.workers': 1})
    last = segmenter.parent / 'last.ckpt'
    assert train(recipe, out=segmenter.parent, resume=last) == last


def test_other_classes_cannot_be_resumed(root, segmenter, tmp_path):
    recipe = tiny_recipe(root, 'segmentation')
    classes = root / 'classes.json'
    text = classes.read_text()
    classes.write_text(text.replace('"dark"', '"black"'))
    try:
        with pytest.raises(DataError, match='classes black, blue, .* trained with dark, blue'):
            train(recipe, out=tmp_path, resume=segmenter)
    finally:
        classes.write_text(text)


def test_a_run_that_had_ended_trains_nothing_elsewhere(root, segmenter, tmp_path):
    with pytest.raises(RunError, match='nothing was trained, so there is no .*/new/last.ckpt'):
        train(tiny_recipe(root, 'segmentation'), out=tmp_path / 'new', resume=segmenter)


@pytest.mark.parametrize('task', ['detection', 'classification'])
def test_a_network_starts_from_a_segmenters_encoder(root, segmenter, task):
    recipe = tiny_recipe(root, task)
    network = build_network(recipe, open_splits(recipe)[0].labels)
    load_encoder(network, segmenter)
    source = weights_of(segmenter)
    encoder = getattr(network, 'backbone', network)
    for name, value in encoder.state_dict().items():
        if not name.startswith('head.'):
            torch.testing.assert_close(value, source[f'model.backbone.{name}'])


def test_a_run_can_start_from_another_ones_weights(root, segmenter, tmp_path):
    recipe = tiny_recipe(root, 'detection', **{
        'trainer.max_epochs': 1, 'optimizer.learning_rate': 1e-9})
    name = 'model.backbone.stem.0.weight'
    last = train(recipe, out=tmp_path, init=segmenter)
    torch.testing.assert_close(weights_of(last)[name], weights_of(segmenter)[name])


def test_another_encoder_is_refused(root, segmenter, tmp_path):
    recipe = tiny_recipe(root, 'classification', **{'model.name': 'edgenext_x_small'})
    with pytest.raises(CheckpointError, match='of another shape .* that of edgenext_xx_small$'):
        train(recipe, out=tmp_path, init=segmenter)


def test_classes_come_from_the_data_or_the_recipe(root):
    training, validation = open_splits(tiny_recipe(root, 'classification'))
    assert training.labels.names == validation.labels.names == NAMES
    names = ['white', 'red', 'green', 'blue', 'black']
    training, validation = open_splits(
        tiny_recipe(root, 'detection', **{'data.classes': names}))
    assert training.labels.names == validation.labels.names == tuple(names)
    assert validation[0].truth.class_ids.tolist() == [3]


def test_validation_follows_the_classes_of_training(tmp_path):
    write_data(tmp_path, splits=('train',))
    write_data(tmp_path, splits=('val',), count=2)  # where two classes do not occur
    training, validation = open_splits(tiny_recipe(tmp_path, 'classification'))
    assert validation.labels == training.labels
    (tmp_path / 'val' / 'labels.csv').write_text('file_name,label\n000000.png,black\n')
    with pytest.raises(DataError, match='val has the classes black, .* none of blue, green, red'):
        open_splits(tiny_recipe(tmp_path, 'classification'))


def test_fewer_pictures_than_a_batch_are_refused(root, tmp_path):
    recipe = tiny_recipe(root, 'classification', **{'data.batch_size': 5})
    with pytest.raises(DataError, match='has 4 pictures, fewer than one batch of 5; set .* to 4'):
        train(recipe, out=tmp_path)


@pytest.mark.parametrize('task', TASKS)
@pytest.mark.parametrize('split', ['train', 'val'])
def test_a_missing_split_is_named(tmp_path, task, split):
    write_data(tmp_path, splits=[name for name in ('train', 'val') if name != split])
    with pytest.raises(DataError, match=f"has no split '{split}'"):
        train(tiny_recipe(tmp_path, task), out=tmp_path / 'run')


def test_a_folder_that_cannot_be_written_is_named_before_anything_else(root, tmp_path):
    (tmp_path / 'file').write_text('')
    for out in (tmp_path / 'file', tmp_path / 'file' / 'run', Path('/proc/run')):
        with pytest.raises(RunError, match=f'{out} cannot be written, .* with --out'):
            train(tiny_recipe(root, 'classification', **{'data.root': 'nowhere'}), out=out)


@pytest.mark.parametrize(('key', 'value'), [
    ('trainer.accelerator', 'abacus'), ('trainer.strategy', 'luck'),
    ('trainer.limit_train_batches', -1)])
def test_what_the_trainer_refuses_is_told_in_a_sentence(root, tmp_path, key, value):
    with pytest.raises(RecipeError, match="recipe section 'trainer': ") as caught:
        train(tiny_recipe(root, 'classification', **{key: value}), out=tmp_path)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('workers', [0, 1])
def test_a_broken_picture_ends_a_run_with_one_sentence(tmp_path, workers):
    write_data(tmp_path)
    (tmp_path / 'train' / 'images' / '000002.png').write_bytes(b'no picture')
    recipe = tiny_recipe(tmp_path, 'classification', **{'data.workers': workers})
    with pytest.raises(DataError, match=r'^\S+000002.png cannot be decoded; .* out$') as caught:
        train(recipe, out=tmp_path / 'run')
    assert '\n' not in str(caught.value)


def test_the_learning_rate_rises_then_falls():
    shares = [warmup_cosine(step, 10, total_steps=100) for step in range(101)]
    assert shares[0] == pytest.approx(0.1)
    assert shares[9] == shares[10] == 1
    assert shares[100] == pytest.approx(0.01)
    assert shares[10:] == sorted(shares[10:], reverse=True)


def test_only_weights_of_two_and_more_dimensions_decay(root):
    recipe = tiny_recipe(root, 'classification')
    network = build_network(recipe, open_splits(recipe)[0].labels)
    optimizer = make_optimizer(network.parameters(), recipe.optimizer, steps=10)['optimizer']
    decayed, kept = optimizer.param_groups
    assert (decayed['weight_decay'], kept['weight_decay']) == (0.02, 0)
    assert all(weight.ndim > 1 for weight in decayed['params'])
    assert all(weight.ndim <= 1 for weight in kept['params'])
    assert len(decayed['params']) + len(kept['params']) == len(list(network.parameters()))


def test_dice_is_zero_where_right_and_one_where_wrong_and_ignores_void():
    mask = torch.tensor([[[0, 0, 1, 255]]]).repeat(1, 64, 64)
    right = torch.nn.functional.one_hot(mask.clamp(max=1), 2).permute(0, 3, 1, 2) * 100.0
    assert float(dice_loss(right, mask)) == pytest.approx(0, abs=1e-3)
    assert float(dice_loss(-right, mask)) == pytest.approx(1, abs=1e-2)
    assert float(dice_loss(right, torch.full_like(mask, 255))) == 0
