"""Checkpoints of every origin, and what is said of those that do not fit."""

import argparse
import os
import pathlib

import numpy as np
import pytest
import safetensors.torch
import torch
from authors_names import as_the_authors_name, with_the_authors_names

from edgenext_core.models import create_model
from edgenext_core.models.configs import ABLATIONS, BACKBONES
from edgenext_core.weights.checkpoint import (
    CheckpointError,
    load_checkpoint,
    load_encoder,
    read_weights,
)


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope='module')
def source():
    return create_model('edgenext_xx_small', num_classes=5)


def require_same_weights(model, expected):
    for name, value in expected.state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], value, rtol=0, atol=0)


@pytest.mark.parametrize(('container', 'prefix'), [
    (None, ''), ('model', 'module.'), ('model_ema', ''), ('state_dict', 'module.'),
    ('state_dict', 'model.'), ('state_dict', '_orig_mod.'),
])
@pytest.mark.parametrize('authors', [False, True])
def test_every_container_prefix_and_naming_is_recognised(tmp_path, source, container, prefix,
                                                         authors):
    rename = as_the_authors_name if authors else str
    weights = {prefix + rename(name): value for name, value in source.state_dict().items()}
    content = weights if container is None else {container: weights, 'epoch': 3}
    torch.save(content, tmp_path / 'weights.pth')
    model = create_model('edgenext_xx_small', num_classes=5)
    loaded = load_checkpoint(model, tmp_path / 'weights.pth')
    assert loaded.source == ('authors' if authors else 'timm or ours')
    assert loaded.fresh == ()
    require_same_weights(model, source)


def test_averaged_weights_come_before_the_others(tmp_path, source):
    torch.save({'model': create_model('edgenext_xx_small', num_classes=5).state_dict(),
                'model_ema': source.state_dict()}, tmp_path / 'both.pth')
    model = create_model('edgenext_xx_small', num_classes=5)
    load_checkpoint(model, tmp_path / 'both.pth')
    require_same_weights(model, source)


def test_safetensors_are_read(tmp_path, source):
    safetensors.torch.save_file(source.state_dict(), tmp_path / 'model.safetensors')
    model = create_model('edgenext_xx_small', num_classes=5)
    load_checkpoint(model, tmp_path / 'model.safetensors')
    require_same_weights(model, source)


def test_batch_norm_statistics_are_loaded(tmp_path):
    source = create_model('edgenext_xx_small_bn_hs', num_classes=2)
    for name, value in source.state_dict().items():
        if 'running' in name:
            value.copy_(torch.rand_like(value))
    torch.save({'model_ema': with_the_authors_names(source.state_dict())}, tmp_path / 'bn.pth')
    model = create_model('edgenext_xx_small_bn_hs', num_classes=2)
    load_checkpoint(model, tmp_path / 'bn.pth')
    require_same_weights(model, source)


def test_options_and_metrics_beside_the_weights_do_no_harm(tmp_path, source):
    torch.save({'model_ema': source.state_dict(), 'max_accuracy': np.float64(79.4),
                'args': argparse.Namespace(lr=6e-3, output_dir=pathlib.Path('out'))},
               tmp_path / 'released.pth')
    load_checkpoint(create_model('edgenext_xx_small', num_classes=5), tmp_path / 'released.pth')


class Malicious:
    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (str(self.trace),)


def test_code_in_a_pickle_is_not_run(tmp_path, source):
    torch.save({'model': source.state_dict(), 'extra': Malicious(tmp_path / 'trace')},
               tmp_path / 'evil.pth')
    with pytest.raises(CheckpointError, match='Python objects besides weights, which are not run'):
        read_weights(tmp_path / 'evil.pth')
    assert not (tmp_path / 'trace').exists()


def test_another_number_of_classes_is_taken_only_if_asked(tmp_path, source):
    torch.save(source.state_dict(), tmp_path / 'five.pth')
    model = create_model('edgenext_xx_small', num_classes=3)
    with pytest.raises(CheckpointError, match=r'2 of another shape \(head.fc.weight is 5x168 '
                       r'instead of 3x168.*adapt_classifier=True'):
        load_checkpoint(model, tmp_path / 'five.pth')
    loaded = load_checkpoint(model, tmp_path / 'five.pth', adapt_classifier=True)
    assert loaded.fresh == ('head.fc.weight', 'head.fc.bias')
    torch.testing.assert_close(model.stem[0].weight, source.stem[0].weight)


@pytest.mark.parametrize('name', ['ssdlite_edgenext_xx_small', 'deeplabv3_edgenext_xx_small'])
def test_detectors_and_segmenters_adapt_their_last_layers(tmp_path, name):
    source = create_model(name, num_classes=5)
    torch.save({'state_dict': {f'model.{key}': value
                               for key, value in source.state_dict().items()}},
               tmp_path / 'last.ckpt')
    same, other = create_model(name, num_classes=5), create_model(name, num_classes=3)
    assert load_checkpoint(same, tmp_path / 'last.ckpt').fresh == ()
    require_same_weights(same, source)
    fresh = load_checkpoint(other, tmp_path / 'last.ckpt', adapt_classifier=True).fresh
    assert len(fresh) == (12 if name.startswith('ssd') else 2)
    torch.testing.assert_close(other.backbone.stem[0].weight, source.backbone.stem[0].weight)


def test_missing_and_unexpected_weights_are_named(tmp_path, source):
    weights = source.state_dict()
    weights['surplus.weight'] = weights.pop('stages.3.blocks.1.gamma')
    torch.save(weights, tmp_path / 'odd.pth')
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(create_model('edgenext_xx_small', num_classes=5), tmp_path / 'odd.pth')
    assert caught.value.missing == ('stages.3.blocks.1.gamma',)
    assert caught.value.unexpected == ('surplus.weight',)
    assert '1 missing (stages.3.blocks.1.gamma); 1 unexpected (surplus.weight)' in str(
        caught.value)


@pytest.mark.parametrize('name', [*BACKBONES, *ABLATIONS])
def test_a_checkpoint_of_another_model_is_recognised(tmp_path, name):
    torch.save(create_model(name, num_classes=2).state_dict(), tmp_path / 'other.pth')
    with torch.device('meta'):
        model = create_model('edgenext_small' if name == 'edgenext_xx_small' else
                             'edgenext_xx_small')
    with pytest.raises(CheckpointError, match=f'its encoder is that of {name}$') as caught:
        load_checkpoint(model, tmp_path / 'other.pth')
    assert '\n' not in str(caught.value)


def test_a_detector_takes_the_encoder_of_a_classifier(tmp_path, source):
    torch.save({'model_ema': with_the_authors_names(source.state_dict())},
               tmp_path / 'classifier.pth')
    detector = create_model('ssdlite_edgenext_xx_small', num_classes=2)
    with pytest.raises(CheckpointError, match='encoders are the same: load_encoder takes that'):
        load_checkpoint(detector, tmp_path / 'classifier.pth')
    loaded = load_encoder(detector, tmp_path / 'classifier.pth')
    torch.testing.assert_close(detector.backbone.stages[3].blocks[1].xca.qkv.weight,
                               source.stages[3].blocks[1].xca.qkv.weight)
    assert loaded.fresh
    assert not any(name.startswith('backbone.') for name in loaded.fresh)


def test_a_segmenter_of_other_classes_gives_its_aspp_too(tmp_path):
    source = create_model('deeplabv3_edgenext_xx_small', num_classes=5)
    torch.save(source.state_dict(), tmp_path / 'five.pth')
    segmenter = create_model('deeplabv3_edgenext_xx_small', num_classes=3)
    assert load_encoder(segmenter, tmp_path / 'five.pth').fresh == (
        'classifier.weight', 'classifier.bias')
    torch.testing.assert_close(segmenter.aspp.project[0].weight, source.aspp.project[0].weight)


def test_a_classifier_takes_the_encoder_of_a_cvnets_segmenter(tmp_path, source):
    encoder = {f'encoder.{as_the_authors_name(name)}': value
               for name, value in source.state_dict().items() if not name.startswith('head')}
    torch.save({**encoder, 'seg_head.aspp.weight': torch.zeros(3)}, tmp_path / 'cvnets.pt')
    model = create_model('edgenext_xx_small', num_classes=7)
    loaded = load_encoder(model, tmp_path / 'cvnets.pt')
    assert loaded.source == 'cvnets'
    assert set(loaded.fresh) == {'head.norm.weight', 'head.norm.bias', 'head.fc.weight',
                                 'head.fc.bias'}
    torch.testing.assert_close(model.stem[0].weight, source.stem[0].weight)


def test_a_segmenter_of_cvnets_is_told_apart_from_ours(tmp_path):
    segmenter = create_model('deeplabv3_edgenext_xx_small', num_classes=3)
    encoder = {f'encoder.{as_the_authors_name(name)}': value
               for name, value in segmenter.backbone.state_dict().items()}
    torch.save({**encoder, 'seg_head.aspp.weight': torch.zeros(3)}, tmp_path / 'cvnets.pt')
    with pytest.raises(CheckpointError, match='unexpected .seg_head.aspp.weight.*load_encoder'):
        load_checkpoint(segmenter, tmp_path / 'cvnets.pt')


@pytest.mark.parametrize('content', [b'', b'PK\x03\x04 cut', b'a text file', b'\x80\x02}.'])
def test_a_file_that_is_no_checkpoint_is_refused_in_one_sentence(tmp_path, content):
    (tmp_path / 'bad.pth').write_bytes(content)
    with pytest.raises(CheckpointError, match='no checkpoint|holds no EdgeNeXt') as caught:
        read_weights(tmp_path / 'bad.pth')
    assert '\n' not in str(caught.value)


def test_a_truncated_file_is_refused(tmp_path, source):
    path = tmp_path / 'weights.pth'
    torch.save(source.state_dict(), path)
    path.write_bytes(path.read_bytes()[:100_000])
    with pytest.raises(CheckpointError, match='damaged or no checkpoint'):
        read_weights(path)
    (tmp_path / 'a.safetensors').write_bytes(b'\x10\0\0\0\0\0\0\0{"cut":')
    with pytest.raises(CheckpointError, match='damaged or no checkpoint'):
        read_weights(tmp_path / 'a.safetensors')


def test_a_missing_file_and_a_foreign_network_are_refused(tmp_path):
    with pytest.raises(CheckpointError, match='there is no file'):
        read_weights(tmp_path / 'none.pth')
    torch.save({'conv1.weight': torch.zeros(1)}, tmp_path / 'resnet.pth')
    with pytest.raises(CheckpointError, match='holds no EdgeNeXt: none of its 1 tensors'):
        read_weights(tmp_path / 'resnet.pth')
