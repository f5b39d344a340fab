"""Training: recipes, losses that fall, runs that continue."""

from pathlib import Path

import pytest
import torch
from tiny_recipes import make_scenes, tiny_recipe

from edgenext_core.train import run
from edgenext_core.train.recipe import RecipeError, read_recipe, recipe_from_dict
from edgenext_core.train.segmentation import dice_loss
from edgenext_core.train.task_module import warmup_cosine
from edgenext_core.weights.checkpoint import CheckpointError, load_encoder

RECIPES = sorted((Path(__file__).parents[2] / 'training').glob('*.yaml'))
TASKS = ('classification', 'detection', 'segmentation')


@pytest.fixture(autouse=True)
def small_world(monkeypatch):
    """Replace the thousands of drawn scenes by four."""
    torch.set_num_threads(1)
    monkeypatch.setattr(run, 'open_scenes', lambda *_, **__: make_scenes(4))


@pytest.fixture(scope='module')
def segmenter(tmp_path_factory):
    """Train a segmenter for one epoch."""
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, 'open_scenes', lambda *_, **__: make_scenes(4))
        return run.train(tiny_recipe('segmentation'), out=tmp_path_factory.mktemp('segmenter'))


def weights_of(path):
    return torch.load(path, map_location='cpu', weights_only=True)['state_dict']


@pytest.mark.parametrize('task', TASKS)
def test_a_network_learns_one_batch_by_heart(task):
    torch.manual_seed(0)
    recipe = tiny_recipe(task)
    module = run.make_module(recipe)
    loader = run.validation_loader(recipe, make_scenes(2))
    batch = next(iter(loader))
    optimizer = torch.optim.AdamW(module.parameters(), lr=2e-3)
    totals = []
    for _ in range(12):
        total = sum(module.losses(batch).values())
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        totals.append(float(total))
    assert totals[-1] < 0.5 * totals[0]


def test_a_resumed_run_ends_like_an_uninterrupted_one(tmp_path):
    options = {'layer_scale_init': 0.1, 'drop_path_rate': 0.3}  # with a generator to restore
    recipe = tiny_recipe('classification', model_options=options)
    whole = run.train(recipe, out=tmp_path / 'whole')
    module_class = type(run.make_module(recipe))
    start_epoch = module_class.on_train_epoch_start

    def interrupt_second_epoch(module):
        if module.current_epoch == 1:
            raise InterruptedError
        start_epoch(module)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module_class, 'on_train_epoch_start', interrupt_second_epoch)
        with pytest.raises(InterruptedError):
            run.train(recipe, out=tmp_path / 'part')
    resumed = run.train(recipe, out=tmp_path / 'part', resume=tmp_path / 'part' / 'last.ckpt')
    # Rounding may differ; one step of another order or drop path would move weights by 0.002.
    torch.testing.assert_close(weights_of(resumed), weights_of(whole), rtol=1e-4, atol=1e-4)


def test_a_checkpoint_holds_averaged_weights_recipe_labels_and_metrics(segmenter):
    checkpoint = torch.load(segmenter, weights_only=True)
    assert checkpoint['recipe']['task'] == 'segmentation'
    assert checkpoint['labels']['names'][0] == 'road'
    assert 0 <= checkpoint['metrics']['val/miou'] <= 1
    name = 'model.backbone.stem.0.weight'
    assert (checkpoint['state_dict'][name] != checkpoint['current_model_state'][name]).any()


def test_another_recipe_cannot_be_resumed(segmenter, tmp_path):
    with pytest.raises(RecipeError, match="'epochs' is 3, but .* was trained with 2"):
        run.train(tiny_recipe('segmentation', epochs=3), out=tmp_path, resume=segmenter)


def test_a_detector_starts_from_a_segmenters_encoder(segmenter):
    detector = run.build_model(tiny_recipe('detection'))
    load_encoder(detector, segmenter)
    source = weights_of(segmenter)
    for name, value in detector.backbone.state_dict().items():
        torch.testing.assert_close(value, source[f'model.backbone.{name}'])


def test_a_classifier_starts_from_a_segmenters_encoder(segmenter):
    classifier = run.build_model(tiny_recipe('classification'))
    load_encoder(classifier, segmenter)
    torch.testing.assert_close(
        classifier.stem[0].weight.detach(),
        weights_of(segmenter)['model.backbone.stem.0.weight'])


def test_another_encoder_is_refused(segmenter):
    larger = run.build_model(tiny_recipe('classification', model='edgenext_x_small'))
    with pytest.raises(CheckpointError, match='of another shape .* that of edgenext_xx_small$'):
        load_encoder(larger, segmenter)


def test_a_folder_recipe_needs_a_folder(tmp_path):
    with pytest.raises(RecipeError, match="'data' is 'camvid': give its folder with --data"):
        run.train(tiny_recipe('segmentation', data='camvid'), out=tmp_path)


@pytest.mark.parametrize('changes, message', [
    ({'task': 'tracking'}, "'task' is 'tracking', expected one of"),
    ({'epochs': 0}, "'epochs' is 0, expected a whole number from 1"),
    ({'epochs': True}, "'epochs' is True, expected a whole number"),
    ({'learning_rate': '1e-3'}, "'learning_rate' is '1e-3', expected a number above 0"),
    ({'input_size': [31, 64]}, r"'input_size' is \(31, 64\), expected .* both at least 32"),
    ({'window': [0.9, 0.5]}, r"'window' is \(0.9, 0.5\), expected \[smallest, largest\]"),
    ({'epoch': 3}, "'epoch' is unknown, known are"),
    ({'task': 'detection', 'data': 'camvid'}, "'data' is 'camvid', which has masks only"),
    ({'task': 'detection', 'resize': 'center_crop'}, 'use stretch or letterbox'),
])
def test_a_wrong_recipe_field_is_named_with_its_value_and_rule(changes, message):
    content = {
        'task': 'classification', 'model': 'edgenext_xx_small', 'data': 'world',
        'input_size': [64, 64], 'resize': 'stretch', 'epochs': 1, 'batch_size': 2,
        'learning_rate': 0.001,
    }
    recipe_from_dict(content)
    with pytest.raises(RecipeError, match=message):
        recipe_from_dict({**content, **changes})


@pytest.mark.parametrize('path', RECIPES, ids=lambda path: path.stem)
def test_the_recipes_of_the_repository_can_be_followed(path):
    recipe = read_recipe(path)
    with torch.device('meta'):
        run.build_model(recipe)


def test_a_missing_recipe_field_is_named():
    with pytest.raises(RecipeError, match="'batch_size' is missing, required are"):
        recipe_from_dict({'task': 'classification'})


def test_a_recipe_file_without_fields_is_refused(tmp_path):
    path = tmp_path / 'recipe.yaml'
    path.write_text('- a list')
    with pytest.raises(RecipeError, match='holds list, expected fields and values'):
        read_recipe(path)


def test_the_learning_rate_rises_then_falls():
    shares = [warmup_cosine(step, 10, 100) for step in range(101)]
    assert shares[0] == pytest.approx(0.1)
    assert shares[9] == shares[10] == 1
    assert shares[100] == pytest.approx(0.01)
    assert shares[10:] == sorted(shares[10:], reverse=True)


def test_dice_is_zero_where_right_and_one_where_wrong_and_ignores_void():
    mask = torch.tensor([[[0, 0, 1, 255]]]).repeat(1, 64, 64)
    right = torch.nn.functional.one_hot(mask.clamp(max=1), 2).permute(0, 3, 1, 2) * 100.0
    assert float(dice_loss(right, mask, ignore_index=255)) == pytest.approx(0, abs=1e-3)
    assert float(dice_loss(-right, mask, ignore_index=255)) == pytest.approx(1, abs=1e-2)
    void = torch.full_like(mask, 255)
    assert float(dice_loss(right, void, ignore_index=255)) == 0
