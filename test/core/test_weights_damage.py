"""Files that were damaged on their way, and weights that are no numbers any more."""

import numpy as np
import pytest
import safetensors.torch
import torch

from edgenext_core.models import create_model
from edgenext_core.weights.checkpoint import CheckpointError, read_run, read_weights

STEM = 'stem.0.weight'


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope='module')
def weights():
    return create_model('edgenext_xx_small', num_classes=5).state_dict()


@pytest.fixture(scope='module')
def whole(weights, tmp_path_factory):
    """Give a checkpoint's bytes."""
    path = tmp_path_factory.mktemp('whole') / 'last.ckpt'
    torch.save({'state_dict': weights}, path)
    return path.read_bytes()


def refuse(path):
    with pytest.raises(CheckpointError) as caught:
        read_weights(path)
    assert str(path) in str(caught.value)
    assert '\n' not in str(caught.value)
    return str(caught.value)


def overwrite(content, start, count):
    """Give the content with some of its bytes turned over."""
    turned = bytes(255 - byte for byte in content[start:start + count])
    return content[:start] + turned + content[start + count:]


@pytest.mark.parametrize('name', [STEM, 'stages.0.blocks.0.mlp.fc1.weight',
                                  'stages.2.blocks.5.xca.qkv.weight', 'head.fc.bias'])
@pytest.mark.parametrize('count', [1, 20, 4096])
def test_bytes_overwritten_in_a_weight_are_noticed(tmp_path, whole, weights, name, count):
    start = whole.index(weights[name].numpy().tobytes())
    sentence = refuse(_written(tmp_path / 'last.ckpt', overwrite(whole, start, count)))
    assert 'damaged' in sentence
    assert 'get it again' in sentence or 'get the file again' in sentence


def _written(path, content):
    path.write_bytes(content)
    return path


def _places(whole):
    """Give a place in every part of an archive by its name."""
    directory = whole.index(b'PK\x01\x02')
    return {'the first header': 26, 'its name': 34, 'the pickle': whole.index(b'state_dict'),
            'the directory': directory, 'a size in it': directory + 24,
            'an offset in it': directory + 42, 'a name in it': directory + 50,
            'the end record': len(whole) - 20}


@pytest.mark.parametrize('name', ['the first header', 'its name', 'the pickle', 'the directory',
                                  'a size in it', 'an offset in it', 'a name in it',
                                  'the end record'])
def test_bytes_overwritten_beside_the_weights_are_noticed(tmp_path, whole, name):
    path = _written(tmp_path / 'last.ckpt', overwrite(whole, _places(whole)[name], 4))
    refuse(path)
    with pytest.raises(CheckpointError):
        read_run(path)


def test_a_byte_anywhere_is_noticed_or_does_no_harm(tmp_path, whole, weights):
    path = tmp_path / 'last.ckpt'
    for start in np.random.default_rng(0).integers(0, len(whole), 40).tolist():
        path.write_bytes(overwrite(whole, start, 1))
        try:
            found = read_weights(path).tensors
        except CheckpointError:
            continue
        for key, value in weights.items():
            torch.testing.assert_close(found[key], value, rtol=0, atol=0)


@pytest.mark.parametrize('share', [0.0001, 0.3, 0.9, 0.99999])
def test_a_file_that_ends_early_is_noticed(tmp_path, whole, share):
    assert 'get it again' in refuse(
        _written(tmp_path / 'last.ckpt', whole[:int(share * len(whole))]))


@pytest.mark.parametrize('share', [0.001, 0.5, 0.999])
def test_safetensors_that_end_early_are_noticed(tmp_path, weights, share):
    path = tmp_path / 'model.safetensors'
    safetensors.torch.save_file(weights, path)
    content = path.read_bytes()
    assert 'get it again' in refuse(_written(path, content[:int(share * len(content))]))


def test_an_archive_without_checksums_is_read(tmp_path, weights):
    torch.serialization.set_crc32_options(False)
    try:
        torch.save(weights, tmp_path / 'fast.pth')
    finally:
        torch.serialization.set_crc32_options(True)
    torch.testing.assert_close(read_weights(tmp_path / 'fast.pth').tensors[STEM], weights[STEM])


@pytest.mark.parametrize('value', [float('nan'), float('inf'), -float('inf')])
@pytest.mark.parametrize('dtype', [torch.float32, torch.float16, torch.bfloat16])
def test_weights_that_are_not_finite_are_named(tmp_path, weights, value, dtype):
    changed = {name: tensor.to(dtype) for name, tensor in weights.items()}
    changed[STEM] = changed[STEM].clone()
    changed[STEM][0, 0, 0, :2] = value
    torch.save({'state_dict': changed}, tmp_path / 'last.ckpt')
    sentence = refuse(tmp_path / 'last.ckpt')
    assert f'not finite: 2 of the {changed[STEM].numel()} in {STEM}' in sentence
    assert 'take an earlier checkpoint or train again' in sentence
    safetensors.torch.save_file(changed, tmp_path / 'model.safetensors')
    assert STEM in refuse(tmp_path / 'model.safetensors')


def test_a_statistic_that_is_not_finite_is_named(tmp_path):
    changed = create_model('edgenext_xx_small_bn_hs', num_classes=2).state_dict()
    changed['head.norm.running_var'][3] = float('inf')
    torch.save(changed, tmp_path / 'bn.pth')
    assert '1 of the 168 in head.norm.running_var' in refuse(tmp_path / 'bn.pth')
