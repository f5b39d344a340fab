"""Recipes: read whole, or refused in one sentence with the key, the value and the rule."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from tiny_recipes import tiny_recipe, write_recipe

from edgenext_core.train.recipe import RecipeError
from edgenext_core.train.recipe_file import describe_keys, read_recipe

RECIPES = sorted((Path(__file__).parents[2] / 'training').glob('*.yaml'))


@pytest.mark.parametrize('path', RECIPES, ids=lambda path: path.stem)
def test_the_recipes_of_the_repository_can_be_followed(path):
    recipe = read_recipe(path)
    assert recipe.task == path.stem.rpartition('_')[2]


@pytest.mark.parametrize('path', RECIPES, ids=lambda path: path.stem)
def test_the_recipes_of_the_repository_leave_no_number_to_defaults(path):
    content, recipe = yaml.safe_load(path.read_text()), read_recipe(path).as_dict()
    for section in ('optimizer', 'ema', 'trainer'):
        assert content[section] == recipe[section]
    assert {'seed', 'threads'} <= content.keys()


def test_a_recipe_becomes_plain_values(tmp_path):
    recipe = tiny_recipe(tmp_path, 'detection', **{'model.defaults': {'nms_iou': 0.4}}).as_dict()
    assert recipe['model']['defaults'] == {'nms_iou': 0.4}
    assert recipe['model']['input_size'] == (64, 64)
    assert recipe['trainer']['max_epochs'] == 2
    assert 'strategy' not in recipe['trainer']


def test_keys_on_the_command_line_replace_those_of_the_file(tmp_path):
    path = write_recipe(tmp_path, 'segmentation', **{'data.root': 'here'})
    recipe = read_recipe(path, [
        '--data.root', 'there', '--model.options.output_stride=8', '--data.classes', '[a, b]',
        '--trainer.max_epochs', '7'])
    assert recipe.data.root == 'there'
    assert recipe.data.classes == ['a', 'b']
    assert recipe.model.options == {'layer_scale_init': 0.1, 'output_stride': 8}
    assert recipe.trainer['max_epochs'] == 7


def test_numbers_may_be_written_as_powers_of_ten(tmp_path):
    path = write_recipe(tmp_path, 'classification')
    path.write_text(path.read_text().replace('0.002', '1e-3').replace('0.1', '1e-6'))
    recipe = read_recipe(path)
    assert recipe.optimizer.learning_rate == 0.001
    assert recipe.model.options == {'layer_scale_init': 1e-6}


@pytest.mark.parametrize(('key', 'value', 'message'), [
    ('data.batch_size', 0, "'data.batch_size' is 0, expected a whole number from 1"),
    ('data.workers', -1, "'data.workers' is -1, expected a whole number from 0"),
    ('optimizer.learning_rate', -1, "'optimizer.learning_rate' is -1.0, expected a number above"),
    ('optimizer.learning_rate', 1e999, "'optimizer.learning_rate': expected float, got Inf"),
    ('optimizer.learning_rate', float('nan'), "'optimizer.learning_rate': expected float, got N"),
    ('ema.decay', 1.5, "'ema.decay' is 1.5, expected a number from 0 to 1"),
    ('model.input_size', [31, 64], r"'model.input_size' is \[31, 64\], .* both at least 32"),
    ('augmentation.size', [64, 8], r"'augmentation.size' is \[64, 8\], .* both at least 32"),
    ('augmentation.window', [0.9, 0.5], r"'augmentation.window' is \[0.9, 0.5\], expected \[sma"),
    ('augmentation.flip', 2, "'augmentation.flip' is 2.0, expected a number from 0 to 1"),
    ('threads', 0, "'threads' is 0, expected a whole number from 1"),
    ('model.resize', 'center_crop', "'model.resize' is 'center_crop', .* use stretch or letterb"),
    ('trainer.max_epochs', None, "'trainer.max_epochs' is None, expected a whole number from 1"),
    ('trainer.max_epochs', 0, "'trainer.max_epochs' is 0, expected a whole number from 1"),
    ('trainer.max_epochs', -1, "'trainer.max_epochs' is -1, expected a whole number from 1"),
    ('trainer', 3, "'trainer' is 3, expected arguments of lightning.Trainer"),
    ('model.defaults', {'top_k': 3}, "'model.defaults': there is no setting 'top_k'"),
    ('model.defaults', {'nms_iou': 3}, "'model.defaults': nms_iou is 3, expected a number 0 to 1"),
])
def test_a_value_that_breaks_a_rule_is_named_with_it(tmp_path, key, value, message):
    with pytest.raises(RecipeError, match=message):
        tiny_recipe(tmp_path, 'detection', **{key: value})


@pytest.mark.parametrize(('key', 'value', 'message'), [
    ('task', 'tracking', "expected one of 'classification', 'detection', 'segmentation', got t"),
    ('trainer.max_epochs', 'many', "'trainer.max_epochs': expected one of int, null, got many"),
    ('trainer.max_epochs', True, "'trainer.max_epochs': expected one of int, null, got True"),
    ('data.batch_size', 2.5, "'data.batch_size': expected int, got 2.5"),
    ('data.batch_size', True, "'data.batch_size': expected int, got True"),
    ('data.classes', 3, "'data.classes': expected one of str.*, got 3"),
    ('data', 'camvid', "'data'.*camvid"),
    ('optimizer.learning_rate', 'fast', "'optimizer.learning_rate': expected float, got fast"),
    ('model.input_size', [64], r"'model.input_size': expected tuple with 2 elements, got \[64\]"),
    ('model.resize', 'squeeze', "'model.resize': expected .*'letterbox'.*, got squeeze"),
    ('model.options', 3, "'model.options': expected dict, got 3"),
    ('trainer.precision', 17, "'trainer.precision': expected one of .*, got 17"),
])
def test_a_value_of_another_type_is_named_with_what_was_expected(tmp_path, key, value, message):
    with pytest.raises(RecipeError, match=message) as caught:
        tiny_recipe(tmp_path, 'classification', **{key: value})
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize(('key', 'message'), [
    ('epochs', "'epochs' is unknown, known are augmentation, data"),
    ('model.nam', "'model.nam' is unknown, did you mean name"),
    ('data.path', "'data.path' is unknown, known are batch_size, classes, root, workers"),
    ('optimizer.lr', "'optimizer.lr' is unknown, known are learning_rate"),
    ('trainer.max_epoch', "'trainer.max_epoch' is unknown, did you mean max_epochs"),
    ('trainer.logger', "'trainer.logger' is unknown"),
    ('trainer.callbacks', "'trainer.callbacks' is unknown"),
])
def test_an_unknown_key_is_refused_on_every_level(tmp_path, key, message):
    with pytest.raises(RecipeError, match=message):
        tiny_recipe(tmp_path, 'classification', **{key: 3})


@pytest.mark.parametrize('keys', [['--optimizer.lr', '1'], ['here'], ['--data.root']])
def test_an_unknown_key_on_the_command_line_is_refused(tmp_path, keys):
    with pytest.raises(RecipeError, match='(unrecognized arguments|expected one argument)'):
        read_recipe(write_recipe(tmp_path, 'classification'), keys)


@pytest.mark.parametrize('key', ['task', 'model.name', 'data.root', 'optimizer.learning_rate'])
def test_a_missing_key_is_named(tmp_path, key):
    path = write_recipe(tmp_path, 'classification')
    content = yaml.safe_load(path.read_text())
    *sections, name = key.split('.')
    del (content[sections[0]] if sections else content)[name]
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(RecipeError, match=f'it lacks {key}'):
        read_recipe(path)


@pytest.mark.parametrize(('text', 'message'), [
    (b'- a list', 'holds list, expected keys and values'),
    (b'', 'holds NoneType, expected keys and values'),
    (b'words', 'holds str, expected keys and values'),
    (b'task: [', 'is no YAML'),
    (b'task: a: b', 'is no YAML'),
    (b'\tx: 1', 'is no YAML'),
    (b'\xff\xfe', 'is no YAML'),
    (b'\0', 'is no YAML'),
])
def test_a_file_that_is_no_recipe_is_refused_in_one_line(tmp_path, text, message):
    path = tmp_path / 'recipe.yaml'
    path.write_bytes(text)
    with pytest.raises(RecipeError, match=message) as caught:
        read_recipe(path)
    assert '\n' not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match='none.yaml'):
        read_recipe(tmp_path / 'none.yaml')


@pytest.mark.parametrize('task', ['classification', 'detection', 'segmentation'])
@pytest.mark.parametrize('name', [
    'edgenext_xx_small', 'ssdlite_edgenext_xx_small', 'deeplabv3_edgenext_xx_small'])
def test_a_model_of_another_task_is_refused(tmp_path, task, name):
    if tiny_recipe(tmp_path, task).model.name == name:
        return
    with pytest.raises(RecipeError, match=f"'model.name' is '{name}', which is for another task"):
        tiny_recipe(tmp_path, task, **{'model.name': name})


@pytest.mark.parametrize('option', ['num_classes', 'features_only'])
def test_what_the_data_decide_is_refused_among_the_models_options(tmp_path, option):
    with pytest.raises(RecipeError, match=f"'model.options.{option}' is not .* remove it"):
        tiny_recipe(tmp_path, 'classification', **{f'model.options.{option}': 3})


@pytest.mark.parametrize(('key', 'value', 'message'), [
    ('model.name', 'edgenext_smal', "no model 'edgenext_smal'; did you mean edgenext_small"),
    ('model.options.output_stride', 7, 'output_stride is 7; it can be 8, 16 or 32'),
    ('model.options.depth', 3, "has no option 'depth'"),
])
def test_a_model_that_cannot_be_made_is_refused(tmp_path, key, value, message):
    with pytest.raises(RecipeError, match=message):
        tiny_recipe(tmp_path, 'classification', **{key: value})


def test_checking_a_recipe_draws_no_random_numbers(tmp_path):
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    tiny_recipe(tmp_path, 'detection')
    torch.testing.assert_close(torch.rand(3), expected)


@pytest.mark.slow
def test_a_recipe_may_speak_any_language_under_any_locale(tmp_path):
    path = write_recipe(tmp_path, 'classification', **{'data.classes': ['Straße', '道路']})
    path.write_text(f'# für alle\n{path.read_text()}', encoding='utf-8')
    program = ('import sys; from edgenext_core.train.recipe_file import read_recipe; '
               'print(ascii(read_recipe(sys.argv[1]).data.classes))')
    printed = subprocess.run(
        [sys.executable, '-c', program, str(path)], check=True, text=True, stdout=subprocess.PIPE,
        env={'LC_ALL': 'C', 'PYTHONUTF8': '0', 'PYTHONCOERCECLOCALE': '0',
             'PYTHONPATH': str(Path(__file__).parents[2])}).stdout
    assert printed.strip() == ascii(['Straße', '道路'])


def test_every_key_is_described():
    text = ' '.join(describe_keys().split())
    for words in ('--data.batch_size', 'a whole number from 1', '--trainer.max_epochs',
                  'steps of linear warm-up before the cosine'):
        assert words in text
