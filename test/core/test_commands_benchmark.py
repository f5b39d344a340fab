"""The command edgenext benchmark, and runs side by side; how fast anything is, is not tested."""

import json
import math
import sys

import cv2
import numpy as np
import onnx
import pytest
from constant_models import answers_of, card_of, write_constant_model
from full_disk import files_limited_to
from onnx import TensorProto, helper
from source_tree import ROOT
from tiny_onnx import write_tiny_network

from edgenext_core import cli
from edgenext_core.commands import benchmark as command
from edgenext_core.measure.benchmark import infer_ratio, name_files, summarize, time_in_turn
from edgenext_core.measure.memory import peak_memory_mb
from edgenext_core.measure.published import find_published
from edgenext_core.measure.timed_models import Order, TimedModel


@pytest.fixture
def benchmark(capsys, monkeypatch):
    """
    Give a function that runs the command, quickly, and returns status, output and errors.

    A process of its own for each model takes a second, so only some tests measure the memory.
    """
    def benchmark(*words, runs=2, warmup=1, with_memory=False):
        monkeypatch.setattr(command, 'peak_memory_mb',
                            peak_memory_mb if with_memory else lambda order: 100.0)
        status = cli.main(['benchmark', '--runs', str(runs), '--warmup', str(warmup),
                           *map(str, words)])
        told = capsys.readouterr()
        errors = [line for line in told.err.splitlines() if line.startswith('edgenext: ')]
        assert len(errors) <= 1
        return status, told.out, ''.join(errors)
    return benchmark


@pytest.fixture
def model(tmp_path):
    return constant(tmp_path / 'model.onnx', 'detection')


def constant(path, task, **changes):
    return write_constant_model(path, card_of(task, **changes), answers_of(task))


def write_other(path, *, shape=(1, 3, 8, 8), kind=TensorProto.FLOAT):
    """Write an ONNX file without a card."""
    graph = helper.make_graph(
        [helper.make_node('Identity', ['pixel_values'], ['logits'])], 'other',
        [helper.make_tensor_value_info('pixel_values', kind, shape)],
        [helper.make_tensor_value_info('logits', kind, shape)])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 13)])
    made.ir_version = 7
    onnx.save(made, str(path))
    return str(path)


def read(path):
    """Read a JSON file that holds finite numbers only."""
    def refuse(name):
        raise AssertionError(name)
    return json.loads(path.read_text('utf-8'), parse_constant=refuse)


def numbers_in(content):
    if isinstance(content, dict):
        content = list(content.values())
    if isinstance(content, list):
        return [number for part in content for number in numbers_in(part)]
    return [content] if isinstance(content, float) else []


def test_every_stage_of_every_model_is_in_file_table_and_plot(benchmark, tmp_path, model):
    other = constant(tmp_path / 'mask.onnx', 'segmentation')
    status, out, _ = benchmark(model, other, '-o', tmp_path / 'new' / 'out', runs=3,
                               with_memory=True)

    assert status == 0
    content = read(tmp_path / 'new' / 'out' / 'benchmark.json')
    assert (content['kind'], content['format']) == ('edgenext benchmark', 1)
    assert content['settings'] == {'runs': 3, 'warmup': 1,
                                   'pictures': {'source': 'drawn pictures', 'count': 16}}
    assert content['machine']['cores'] >= 1
    assert content['machine']['versions']['onnxruntime'] == content['models'][0]['version']
    assert [row['name'] for row in content['models']] == ['model', 'mask']
    for row in content['models']:
        assert list(row['stages']) == ['preprocess', 'infer', 'postprocess', 'total']
        assert all(set(times) == {'p50_ms', 'p95_ms', 'p99_ms', 'fps'}
                   for times in row['stages'].values())
        assert row['memory_mb'] > 10
        assert row['backend'] == 'onnxruntime' and row['threads'] == 1
    assert all(math.isfinite(number) and number > 0 for number in numbers_in(content['models']))
    assert cv2.imread(str(tmp_path / 'new' / 'out' / 'benchmark.png')).shape[1] > 600
    lines = out.splitlines()
    assert any(line.startswith('model: edgenext_xx_small, 24x32, float32, onnxruntime ')
               for line in lines)
    assert sum(line.startswith('  postprocess ') for line in lines) == 2
    assert sorted(path.name for path in (tmp_path / 'new' / 'out').iterdir()) == [
        'benchmark.json', 'benchmark.png']


def test_memory_is_measured_of_files_with_and_without_a_card_and_unknown_of_others(tmp_path):
    other = write_other(tmp_path / 'other.onnx')
    assert 10 < peak_memory_mb(Order(other, '', 1)) < 1000
    assert peak_memory_mb(Order(other, 'auto', 1)) is None


def test_memory_grows_with_the_model(tmp_path):
    small, large = (write_other(tmp_path / f'{side}.onnx', shape=(1, 3, side, side))
                    for side in (8, 3000))
    grown = peak_memory_mb(Order(large, '', 1)) - peak_memory_mb(Order(small, '', 1))
    assert grown > 100  # the input alone


def test_without_a_folder_nothing_is_written(benchmark, tmp_path, model):
    assert benchmark(model)[0] == 0
    assert [path.name for path in tmp_path.iterdir()] == ['model.onnx']


def test_backends_and_threads_are_all_run(benchmark, tmp_path, model):
    status, out, _ = benchmark(model, '--backend', 'auto', 'onnxruntime', '--threads', 1, 2,
                               '-o', tmp_path)
    assert status == 0
    assert [row['threads'] for row in read(tmp_path / 'benchmark.json')['models']] == [1, 2, 1, 2]
    assert 'model, onnxruntime, 2 threads' in out


def test_a_folder_of_pictures_is_used(benchmark, tmp_path, model):
    folder = tmp_path / 'pictures'
    folder.mkdir()
    for number in range(18):
        cv2.imwrite(str(folder / f'{number}.png'), np.zeros((20, 30, 3), np.uint8))
    (folder / '0.png').write_bytes(b'no picture')
    assert benchmark(model, '--images', folder, '-o', tmp_path)[0] == 0
    assert read(tmp_path / 'benchmark.json')['settings']['pictures'] == {
        'source': str(folder), 'count': 16}


@pytest.mark.parametrize('shape, kind, batch', [
    ((1, 3, 8, 8), TensorProto.FLOAT, 1), (('batch', 3, 8, 8), TensorProto.FLOAT16, 1),
    ((4, 8, 8, 3), TensorProto.UINT8, 4), ((1, 6), TensorProto.INT64, 1),
])
def test_any_other_onnx_file_is_timed_in_the_same_run(benchmark, tmp_path, model, shape, kind,
                                                      batch):
    other = write_other(tmp_path / 'other.onnx', shape=shape, kind=kind)
    status, out, _ = benchmark(model, '--against', other, '-o', tmp_path)
    assert status == 0
    row = read(tmp_path / 'benchmark.json')['models'][1]
    assert list(row['stages']) == ['infer']
    assert (row['name'], row['task'], row['batch']) == ('other', None, batch)
    assert row['input'] == list(shape[1:])
    assert '  other, onnxruntime, 1 thread' in out
    assert benchmark('--against', other)[0] == 0


def test_a_file_that_cannot_be_run_on_made_up_input_is_a_sentence(benchmark, tmp_path):
    graph = helper.make_graph(
        [helper.make_node('Gather', ['data', 'indices'], ['row'])], 'gather',
        [helper.make_tensor_value_info('data', TensorProto.FLOAT, (1,)),
         helper.make_tensor_value_info('indices', TensorProto.INT64, (8,)),
         helper.make_tensor_value_info('alone', TensorProto.FLOAT, ())],
        [helper.make_tensor_value_info('row', TensorProto.FLOAT, (8,))])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 13)])
    made.ir_version = 7
    onnx.save(made, str(tmp_path / 'other.onnx'))
    status, _, error = benchmark('--against', tmp_path / 'other.onnx')
    assert status == 1 and 'cannot be run on made-up input; leave it out (ONNX' in error


def test_the_demos_models_are_timed_side_by_side(benchmark, tmp_path):
    models = sorted((ROOT / 'engines' / 'demo').glob('*ion.onnx'))  # those for a CPU
    status, out, _ = benchmark(*models, '-o', tmp_path, runs=1)
    assert status == 0 and len(read(tmp_path / 'benchmark.json')['models']) == 3
    assert out.count(' onnxruntime, 1 thread') == 3


def test_sizes_that_are_left_open_are_refused(benchmark, tmp_path):
    other = write_other(tmp_path / 'other.onnx', shape=(1, 3, 'height', 8))
    status, _, error = benchmark('--against', other)
    assert status == 1
    assert 'leaves sizes of its input open, pixel_values float32 (1, 3, ?, 8); export' in error


def test_a_model_of_several_frames_is_timed_by_its_inference_alone(benchmark, tmp_path):
    model = write_tiny_network(tmp_path / 'tiny.onnx', batch=3)
    status, out, _ = benchmark(model, '-o', tmp_path)
    row = read(tmp_path / 'benchmark.json')['models'][0]
    assert status == 0 and list(row['stages']) == ['infer'] and row['batch'] == 3
    assert ', batch 3, ' in out


def test_a_share_of_a_batch_is_an_images(tmp_path):
    assert summarize(('infer',), [(2.0,), (4.0,)]) == {
        'infer': {'p50_ms': 3.0, 'p95_ms': 3.9, 'p99_ms': 3.98, 'fps': 333.33}}


def test_the_total_is_of_whole_runs():
    times = [(1.0, 10.0, 2.0), (3.0, 10.0, 1.0)]
    total = summarize(('preprocess', 'infer', 'postprocess'), times)['total']
    assert total['p50_ms'] == 13.5 and total['fps'] == round(1e3 / 13.5, 2)


def test_the_ratio_is_that_of_single_rounds():
    whole = TimedModel({}, ('preprocess', 'infer', 'postprocess'), None, None)
    other = TimedModel({}, ('infer',), None, None)
    times = [(9.0, 10.0, 9.0), (9.0, 100.0, 9.0), (9.0, 10.0, 9.0)]
    assert infer_ratio(other, [(5.0,), (50.0,), (40.0,)], first=whole, first_times=times) == 0.5
    assert infer_ratio(whole, times, first=whole, first_times=times) == 1


def test_all_models_are_run_once_a_round_in_changing_order():
    called = []

    def timed(name):
        def run(picture):
            called.append((name, int(picture)))
            return (float(picture),)
        return TimedModel({}, ('infer',), run, lambda: None)
    times = time_in_turn([timed('a'), timed('b'), timed('c')], [10, 11], range(-1, 4))
    assert times == [[(10.0,), (11.0,), (10.0,), (11.0,)]] * 3
    rounds = [called[start:start + 3] for start in range(0, 15, 3)]
    assert all(sorted(name for name, _ in one) == ['a', 'b', 'c'] for one in rounds)
    assert len({one[0][0] for one in rounds}) == 3  # each is the first once


def test_files_of_one_name_are_told_apart():
    assert name_files(['a/x.onnx', 'b/x.onnx', 'b/y.onnx', 'b/y.onnx']) == {
        'a/x.onnx': 'a/x.onnx', 'b/x.onnx': 'b/x.onnx', 'b/y.onnx': 'y'}


@pytest.mark.parametrize('name, size, published', [
    ('edgenext_small', (256, 256), True), ('edgenext_small', (256, 320), False),
    ('edgenext_base', (256, 256), False), ('ssdlite_edgenext_small', (256, 256), False),
])
def test_published_figures_stand_beside_the_same_network_and_size(name, size, published):
    assert (find_published(name, size) is not None) == published


def test_published_figures_are_in_table_and_file(benchmark, tmp_path):
    size = dict(card_of('classification')['input'], height=256, width=256)
    model = write_constant_model(tmp_path / 'a.onnx', card_of('classification', input=size),
                                 answers_of('classification'), input_shape=(1, 256, 256, 3))
    status, out, _ = benchmark(model, '-o', tmp_path)
    assert status == 0
    assert '  published: 19.3 ms (Jetson Nano, TensorRT FP16, batch 1)\n' in out
    assert '  published: 0.142 ms (A100, PyTorch, batch 256, an image)\n' in out
    assert read(tmp_path / 'benchmark.json')['models'][0]['published'] == {
        'nano_ms': 19.3, 'a100_us': 142.0}


def edited(source, path, change):
    content = json.loads(source.read_text('utf-8'))
    change(content)
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content))
    return path


@pytest.fixture
def earlier(benchmark, tmp_path, model):
    """Give the files of two earlier runs, the second of half the time and of a Nano."""
    assert benchmark(model, '-o', tmp_path / 'first')[0] == 0
    first = tmp_path / 'first' / 'benchmark.json'

    def change(content):
        for times in content['models'][0]['stages'].values():
            for name in times:
                times[name] /= 2
        content['machine'].update(
            board='NVIDIA Jetson Nano', cores=4, jetson='L4T 32.7.1 (JetPack 4.6.1)',
            power_mode='MAXN', clocks_mhz={'CPU': 1470, 'CPU max': 1479, 'GPU': 921})
    return first, edited(first, tmp_path / 'nano' / 'benchmark.json', change)


def test_runs_stand_side_by_side_with_ratios(benchmark, earlier):
    status, out, _ = benchmark('--compare', *earlier)
    assert status == 0
    lines = out.splitlines()
    assert any(line.startswith('nano: ') and line.endswith(
        ', NVIDIA Jetson Nano, 4 cores, L4T 32.7.1 (JetPack 4.6.1), MAXN, CPU at 1470 MHz, '
        'GPU at 921 MHz') for line in lines)
    assert lines[-2].split()[-2:] == ['first', 'nano']
    assert lines[-1].startswith('model, onnxruntime, 1 thread, total ')
    assert lines[-1].endswith(' ms (0.50)')


def test_an_earlier_run_stands_beside_the_present_one(benchmark, earlier, tmp_path):
    new = constant(tmp_path / 'new.onnx', 'detection')
    status, out, _ = benchmark(new, '--compare', earlier[0])
    lines = out.splitlines()
    assert status == 0 and lines[-3].split()[-3:] == ['this', 'run', 'first']
    assert lines[-2].startswith('new, ') and lines[-2].endswith(' -')
    assert lines[-1].startswith('model, ') and lines[-1].split()[-3] == '-'


@pytest.mark.parametrize('content, told', [
    (None, 'cannot be read (No such file or directory)'),
    ('{', 'is no JSON'), (b'\xff\xfe\x00', 'is no JSON'), ('[]', 'is no benchmark'),
    ('{"kind": "edgenext verify"}', 'is no benchmark'),
    ('{"kind": "edgenext benchmark", "format": 2}', 'has format 2, this version reads up to 1'),
    ('{"kind": "edgenext benchmark"}', 'has format None'),
    ('{"kind": "edgenext benchmark", "format": 1}', 'is damaged (KeyError'),
])
def test_a_file_that_is_no_run_is_refused(benchmark, earlier, tmp_path, content, told):
    path = tmp_path / 'run.json'
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    status, out, error = benchmark('--compare', earlier[0], path)
    assert (status, out) == (1, '') and str(path) in error and told in error


@pytest.mark.parametrize('change', [
    lambda content: content['models'][0].pop('stages'),
    lambda content: content.update(models=7),
    lambda content: content.update(models=[7]),
    lambda content: content['models'][0].update(threads='many'),
    lambda content: content['models'][0]['stages']['total'].update(p50_ms='fast'),
    lambda content: content['models'][0]['stages']['total'].update(p50_ms=math.nan),
    lambda content: content['models'][0]['stages']['total'].update(p50_ms=0),
    lambda content: content['machine'].update(clocks_mhz=7),
    lambda content: content.update(machine=None),
])
def test_a_run_that_is_damaged_inside_is_refused(benchmark, earlier, tmp_path, change):
    path = edited(earlier[0], tmp_path / 'run.json', change)
    status, _, error = benchmark('--compare', earlier[0], path)
    assert status == 1 and f'{path} is damaged' in error


@pytest.mark.parametrize('words, told', [
    ([], 'there is nothing to time or to compare; name a MODEL'),
    (['--compare', 'one.json'], 'name a MODEL, or at least two'),
    (['x.onnx', '--runs', '0'], '--runs is 0, expected at least 1'),
    (['x.onnx', '--warmup', '-1'], '--warmup is -1, expected at least 0'),
    (['x.onnx', '--threads', '1', '0'], '--threads is 0, expected at least 1'),
    (['absent.onnx'], 'there is no model file absent.onnx'),
    (['--against', 'absent.onnx'], 'there is no model file absent.onnx'),
])
def test_wrong_words_are_a_sentence(benchmark, words, told):
    status, out, error = benchmark(*words)
    assert (status, out) == (1, '') and told in error


def test_a_folder_without_pictures_is_a_sentence(benchmark, tmp_path, model):
    (tmp_path / 'empty').mkdir()
    assert 'holds no image' in benchmark(model, '--images', tmp_path / 'empty')[2]
    (tmp_path / 'empty' / 'a.png').write_bytes(b'x')
    assert 'none of the image files in' in benchmark(model, '--images', tmp_path / 'empty')[2]


def test_a_file_without_a_card_is_refused_as_a_model(benchmark, tmp_path):
    status, _, error = benchmark(write_other(tmp_path / 'other.onnx'))
    assert status == 1 and 'has no model card' in error


def test_a_full_disk_names_the_file_and_leaves_no_half_one(benchmark, tmp_path, model):
    out = tmp_path / 'out'
    with files_limited_to(1000):
        status, _, error = benchmark(model, '-o', out)
    assert status == 1 and error == f'edgenext: {out / "benchmark.json"}: File too large'
    assert list(out.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_told_before_anything_is_timed(benchmark, tmp_path, model):
    (tmp_path / 'file').write_text('x')
    status, out, error = benchmark(model, '-o', tmp_path / 'file' / 'out')
    assert (status, out) == (1, '') and str(tmp_path / 'file') in error


def test_without_matplotlib_there_is_everything_but_the_plot(benchmark, tmp_path, model,
                                                             monkeypatch):
    for name in ('matplotlib', 'matplotlib.figure', 'matplotlib.backends.backend_agg'):
        monkeypatch.setitem(sys.modules, name, None)
    status, out, _ = benchmark(model, '-o', tmp_path / 'out')
    assert status == 0 and out.splitlines()[-1] == (
        "there is no plot, since matplotlib is missing; run: pip install 'edgenext_ros[plot]'")
    assert [path.name for path in (tmp_path / 'out').iterdir()] == ['benchmark.json']
