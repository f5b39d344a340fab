"""Which engine belongs to a model on a machine; no GPU and no double is needed to say so."""

import errno
import json
import os

import pytest
from tiny_onnx import tiny_card, write_tiny_network

from edgenext_core.runtime.engines import cache
from edgenext_core.runtime.errors import EngineError

MACHINE = {'tensorrt': 'TensorRT 8.2.1.8', 'device': 'NVIDIA Tegra X1',
           'compute_capability': '5.3', 'precision': 'float16'}


@pytest.fixture
def built(tmp_path):
    """Give a model with an engine that fits it: the model, the engine, the key."""
    model = write_tiny_network(tmp_path / 'tiny.onnx')
    engine = cache.engine_path(model)
    key = cache.key_for(model, tiny_card(), **MACHINE)
    install(engine, key)
    return model, engine, key


def install(engine, key, **changes):
    """Put an engine and its sidecar in place."""
    with open(f'{engine}.part', 'wb') as stream:
        stream.write(b'an engine' * 1000)
    sidecar = cache.Sidecar('tensorrt', '', key, tiny_card(), {'float16': 6, 'all': 22})
    cache.install_engine(f'{engine}.part', engine, sidecar._replace(**changes))


def check(engine, key, model):
    """Read an engine's sidecar and check it, as opening does."""
    cache.check_engine(engine, cache.read_sidecar(engine, model=model), key, model=model)


def test_an_engine_that_fits_is_accepted(built):
    model, engine, key = built
    check(engine, key, model)
    check(engine, key._replace(model=None, precision=None), model)


@pytest.mark.parametrize('part, value, message', [
    ('tensorrt', 'TensorRT 10', 'for TensorRT 8.2.1.8, this machine and model have TensorRT 10'),
    ('device', 'Orin', 'was built for the GPU NVIDIA Tegra X1, this machine .* have Orin'),
    ('compute_capability', '8.7', 'for the compute capability 5.3, .* have 8.7'),
    ('precision', 'float32', 'for the precision float16, .* have float32'),
    ('input_shape', (1, 64, 64, 3), r'for the input \(1, 8, 12, 3\), .* have \(1, 64, 64, 3\)'),
    ('model', 'another hash', 'was built from another version of .*tiny.onnx')])
def test_each_part_of_the_key_invalidates_the_engine(built, part, value, message):
    model, engine, key = built
    with pytest.raises(EngineError, match=message) as caught:
        check(engine, key._replace(**{part: value}), model)
    assert f'build it with: edgenext build {model}' in str(caught.value)
    assert '\n' not in str(caught.value)


def test_every_part_of_the_key_is_tested_above():
    assert set(cache.EngineKey._fields) == set(MACHINE) | {'model', 'input_shape'}


def test_another_model_of_that_name_invalidates_the_engine(built):
    model, engine, _ = built
    write_tiny_network(model, seed=1)
    key = cache.key_for(model, tiny_card(), **MACHINE)
    with pytest.raises(EngineError, match='another version of'):
        check(engine, key, model)


def test_an_engine_ahead_of_time_fits_each_of_its_compute_capabilities(built):
    model, engine, key = built
    install(engine, key._replace(device=None, compute_capability='8.6 12.0'))
    check(engine, key._replace(compute_capability='12.0'), model)
    with pytest.raises(EngineError, match='compute capability 8.6 12.0, .* have 2.0'):
        check(engine, key._replace(compute_capability='2.0'), model)


def test_an_engine_that_somebody_else_built_in_a_folder_of_his_is_found(built, monkeypatch):
    model, engine, _ = built
    monkeypatch.setattr(os, 'access', lambda path, mode: False)
    assert cache.engine_path(model) == engine


def test_a_full_disk_leaves_the_old_engine_and_its_sidecar(built, tmp_path, monkeypatch):
    model, engine, key = built

    def dump(*arguments, **keywords):
        raise OSError(errno.ENOSPC, 'No space left on device')

    with monkeypatch.context() as patch, pytest.raises(OSError, match='No space'):
        patch.setattr(json, 'dump', dump)
        install(engine, key._replace(model='new'))
    check(engine, key, model)
    assert sorted(os.listdir(tmp_path)) == ['tiny.engine', 'tiny.engine.json', 'tiny.engine.part',
                                            'tiny.onnx']


@pytest.mark.parametrize('damage', [lambda content: content[:-1], lambda content: b'',
                                    lambda content: b'x' + content[1:],
                                    lambda content: content + b'x'])
def test_a_damaged_engine_is_refused_before_tensorrt_sees_it(built, damage):
    model, engine, key = built
    with open(engine, 'rb') as stream:
        content = stream.read()
    with open(engine, 'wb') as stream:
        stream.write(damage(content))
    with pytest.raises(EngineError, match='damaged or truncated; build it with'):
        check(engine, key, model)


def test_a_missing_engine_is_a_sentence(built):
    model, engine, key = built
    os.remove(engine)
    with pytest.raises(EngineError, match='there is no engine .*; build it with: edgenext build'):
        check(engine, key, model)


@pytest.mark.parametrize('text, message', [
    (None, 'has no tiny.engine.json beside it'), ('{', 'is damaged'), ('[]', 'is damaged'),
    ('', 'is damaged'), ('{"input_shape": [1, 2]}', 'is damaged')])
def test_an_engine_without_a_good_sidecar_does_not_count(built, text, message):
    model, engine, key = built
    os.remove(f'{engine}.json')
    if text is not None:
        with open(f'{engine}.json', 'w') as stream:
            stream.write(text)
    with pytest.raises(EngineError, match=message):
        check(engine, key, model)


def test_the_sidecar_carries_the_card_so_that_an_engine_runs_alone(built):
    sidecar = cache.read_sidecar(built[1])
    assert sidecar.card == tiny_card() and sidecar.library == 'tensorrt'
    assert sidecar.built == {'float16': 6, 'all': 22} and sidecar.key == built[2]


@pytest.mark.parametrize('field, value', [
    ('card', '{}'), ('library', 'os'), ('compute_capability', 5.3), ('input_shape', 'wide')])
def test_a_sidecar_with_a_broken_field_is_a_sentence(built, field, value):
    _, engine, _ = built
    with open(f'{engine}.json') as stream:
        content = json.load(stream)
    content[field] = value
    with open(f'{engine}.json', 'w') as stream:
        json.dump(content, stream)
    with pytest.raises(EngineError, match='is damaged; build it with: edgenext build'):
        cache.read_sidecar(engine)


def test_an_engine_lives_beside_its_model_if_that_folder_can_be_written(tmp_path):
    assert cache.engine_path(str(tmp_path / 'a.b.onnx')) == str(tmp_path / 'a.b.engine')


def test_else_it_lives_in_the_cache_of_the_user(tmp_path, monkeypatch):
    monkeypatch.setattr(os, 'access', lambda path, mode: False)
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    first = cache.engine_path('/one/tiny.onnx')
    assert first.startswith(str(tmp_path / 'cache' / 'edgenext' / 'engines' / 'tiny-'))
    assert first != cache.engine_path('/other/tiny.onnx')
    monkeypatch.delenv('XDG_CACHE_HOME')
    monkeypatch.setenv('HOME', '/home/somebody')
    home = '/home/somebody/.cache/edgenext/engines/'
    assert cache.engine_path('/one/tiny.onnx').startswith(home)


def test_timings_are_kept_for_each_version_and_gpu():
    def path(version, device):
        return cache.timing_cache_path('/e', tensorrt=version, device=device)

    assert path('8.2.1.8', 'NVIDIA Tegra X1') == '/e/NVIDIA_Tegra_X1-8.2.1.8.timings'
    assert path('8.2.1.8', 'A/B') == '/e/A_B-8.2.1.8.timings'


def test_nothing_half_written_is_left(built, tmp_path):
    assert sorted(os.listdir(tmp_path)) == ['tiny.engine', 'tiny.engine.json', 'tiny.onnx']
