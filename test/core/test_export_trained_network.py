"""What can be exported, and what is said of a checkpoint that cannot."""

import hashlib

import pytest
import torch
from tiny_networks import NAMES, finished_run, make_network

from edgenext_core.export.trained_network import from_release, from_run
from edgenext_core.runtime.errors import EdgeNextError
from edgenext_core.weights.checkpoint import CheckpointError
from edgenext_core.weights.releases import ReleaseError


@pytest.fixture
def refuse(tmp_path):
    """Save a run's content and give the sentence with which it is refused."""
    def refuse(content):
        torch.save(content, tmp_path / 'last.ckpt')
        with pytest.raises(EdgeNextError) as caught:
            from_run(tmp_path / 'last.ckpt')
        assert '\n' not in str(caught.value)
        return str(caught.value)
    return refuse


def test_a_run_tells_what_its_card_needs(tmp_path):
    run = finished_run('detection', resize='letterbox', defaults={'nms_iou': 0.4})
    torch.save(run, tmp_path / 'last.ckpt')
    trained = from_run(tmp_path / 'last.ckpt')
    assert trained.task == 'detection'
    assert trained.labels.names == NAMES
    assert trained.input_size == (64, 64)
    assert trained.resize == 'letterbox'
    assert trained.defaults == {'nms_iou': 0.4}
    assert trained.training['recipe']['task'] == 'detection'
    assert trained.accuracy == {'validation': {'val/some': 0.5}}
    assert trained.name == tmp_path.name
    assert trained.checkpoint_sha256 == hashlib.sha256(
        (tmp_path / 'last.ckpt').read_bytes()).hexdigest()
    assert not trained.network.training
    weights = trained.network.state_dict()
    torch.testing.assert_close(weights['backbone.stem.0.weight'],
                               run['state_dict']['model.backbone.stem.0.weight'])


@pytest.mark.parametrize('part', ['recipe', 'labels', 'metrics'])
@pytest.mark.parametrize('value', [None, 'text', ['a list']])
def test_a_checkpoint_without_a_part_of_a_run_is_refused(refuse, part, value):
    content = finished_run('classification')
    content[part] = value
    assert f'has no {part}; give the last.ckpt' in refuse(content)
    del content[part]
    assert f'has no {part}; give the last.ckpt' in refuse(content)


@pytest.mark.parametrize('part', ['recipe', 'labels', 'metrics'])
def test_what_no_card_can_hold_is_refused(refuse, part):
    content = finished_run('classification')
    content[part]['more'] = torch.zeros(1)
    assert 'by more than names and plain values' in refuse(content)


def test_weights_of_no_training_run_are_refused(refuse):
    weights = make_network('segmentation').state_dict()
    assert 'has no recipe; give the last.ckpt' in refuse(weights)
    assert 'has no recipe; give the last.ckpt' in refuse(torch.zeros(3))


@pytest.mark.parametrize(('name', 'value'), [
    ('name', ['edgenext_small']), ('options', 'none'), ('input_size', 64), ('input_size', (64,)),
    ('input_size', ('64', '64')), ('resize', None), ('defaults', []),
])
def test_a_field_that_cannot_be_is_named_with_its_value(refuse, name, value):
    sentence = refuse(finished_run('classification', **{name: value}))
    assert f'its recipe.model.{name} is {value!r}, expected ' in sentence


def test_a_missing_field_is_named(refuse):
    content = finished_run('classification')
    del content['labels']['names']
    assert 'its labels.names is None, expected a list' in refuse(content)
    del content['recipe']['model']
    assert 'its recipe.model.name is None, expected a text' in refuse(content)
    content['recipe']['task'] = 5
    assert 'its recipe.task is 5, expected a text' in refuse(content)


def test_a_task_that_is_not_the_models_is_refused(refuse):
    content = finished_run('classification')
    content['recipe']['task'] = 'segmentation'
    assert 'for segmentation, but its model edgenext_xx_small is for classification' in (
        refuse(content))


def test_the_weights_of_another_task_are_refused(refuse):
    content = finished_run('detection')
    content['state_dict'] = finished_run('segmentation')['state_dict']
    assert 'does not fit the model' in refuse(content)


@pytest.mark.parametrize('option', ['num_classes', 'features_only'])
def test_what_the_labels_decide_is_refused_among_the_models_options(refuse, option):
    content = finished_run('classification', options={option: 1})
    assert f'has {option!r} among the options of its model' in refuse(content)


@pytest.mark.parametrize(('changes', 'sentence'), [
    ({'name': 'edgenext_smal'}, 'did you mean edgenext_small'),
    ({'options': {'depth': 3}}, "has no option 'depth'"),
    ({'options': {'output_stride': '16'}}, "output_stride is '16'; it can be 8, 16 or 32"),
])
def test_a_model_that_cannot_be_made_is_refused(refuse, changes, sentence):
    assert sentence in refuse(finished_run('classification', **changes))


def test_a_missing_file_and_an_unknown_release_are_refused(tmp_path):
    with pytest.raises(CheckpointError, match='there is no file'):
        from_run(tmp_path / 'last.ckpt')
    with pytest.raises(ReleaseError, match="no released weights are called 'resnet'"):
        from_release('resnet')
