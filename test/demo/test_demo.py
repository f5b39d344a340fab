"""The demo's command from end to end over real DDS, with models whose answers are known."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import cv2
import numpy as np
import onnx
import pytest
from onnx import helper
from rosbags.highlevel import AnyReader
from tiny_models import write_classifier, write_detector, write_segmenter

from edgenext_core.runtime.card_file import METADATA_KEY, card_to_json
from edgenext_demo.__main__ import main
from edgenext_demo.model_folder import find_models

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 100
HEIGHT, WIDTH = 96, 160
BLUE, RED = 0, 2
VOID = 255


@pytest.fixture(scope='module')
def models(tmp_path_factory):
    """Give a folder with one tiny model per task."""
    folder = tmp_path_factory.mktemp('models')
    write_classifier(folder / 'colours.onnx')
    write_detector(folder / 'quarters.onnx')
    write_segmenter(folder / 'pixels.onnx')
    return folder


@pytest.fixture
def demo(tmp_path):
    """Give a function that starts the demo in a session of its own, and leave nothing behind."""
    started = []

    def start_demo(*arguments):
        process = subprocess.Popen(
            [sys.executable, '-m', 'edgenext_demo', '--out', str(tmp_path / 'out'),
             *map(str, arguments)],
            cwd=str(ROOT), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            universal_newlines=True)
        started.append(process)
        return process

    yield start_demo
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def write_half_and_half(folder, frames):
    """Write pictures, left half blue and right half red, and their masks with a void stripe."""
    images, masks = folder / 'images', folder / 'masks'
    for path in (images, masks):
        path.mkdir()
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    picture[:, :WIDTH // 2, BLUE], picture[:, WIDTH // 2:, RED] = 255, 255
    mask = np.where(picture[:, :, RED] > 0, RED, BLUE).astype(np.uint8)
    mask[:10] = VOID
    for index in range(frames):
        cv2.imwrite(str(images / f'{index:03}.png'), picture)
        cv2.imwrite(str(masks / f'{index:03}.png'), mask)
    return images, masks


def count_messages(bag):
    """Decode everything in a bag, by the definitions in it; count the messages by topic."""
    with AnyReader([bag]) as reader:
        counts = {connection.topic: 0 for connection in reader.connections}
        for connection, _, raw in reader.messages():
            reader.deserialize(raw, connection.msgtype)
            counts[connection.topic] += 1
    return counts


def node_processes(folder):
    """List the processes that were started with a model of this folder."""
    found = []
    for entry in Path('/proc').iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / 'cmdline').read_bytes().decode(errors='replace')
            except OSError:
                continue
            if '-m\0edgenext_ros.' in command and '_node' in command and str(folder) in command:
                found.append(command)
    return found


@pytest.mark.slow
def test_the_demo_measures_a_clip_exactly_and_leaves_video_sheet_report_and_bag(demo, models,
                                                                                tmp_path):
    images, masks = write_half_and_half(tmp_path, frames=24)
    process = demo('--source', images, '--truth-masks', masks, '--models', models,
                   '--duration', 0, '--rate', 12)
    output, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, output

    report = json.loads((tmp_path / 'out' / 'report.json').read_text())
    assert report['frames_sent'] == 24
    assert report['clip']['ended_by'] == 'source'
    assert sorted(report['nodes']) == ['classification', 'detection', 'segmentation']
    for figures in report['nodes'].values():
        assert figures['received'] == (figures['processed'] + figures['dropped']
                                       + figures['failed'])
        assert 0 < figures['published'] <= figures['received'] <= 24
        for stage in ('queue', 'decode', 'preprocess', 'infer', 'postprocess', 'publish', 'age'):
            latency = figures['latency_ms'][stage]
            assert latency['p50'] <= latency['p95'] <= latency['p99']
    assert report['machine']['rmw'].startswith('rmw_')

    # Blue and red everywhere else than in the void stripe: the tiny segmenter is never wrong.
    segmentation = report['accuracy']['segmentation']
    assert segmentation['miou'] == 1.0
    assert segmentation['per_class'] == {'blue': 1.0, 'red': 1.0}
    assert 0 < segmentation['frames'] <= report['nodes']['segmentation']['published']
    assert segmentation['pixels'] == segmentation['frames'] * (HEIGHT - 10) * WIDTH
    assert report['accuracy']['classification'] is None
    assert 'mIoU 1.000' in output

    with av.open(str(tmp_path / 'out' / 'demo.mp4')) as video:
        stream = video.streams.video[0]
        assert stream.codec_context.name == 'h264'
        assert stream.width == 640
        assert 0 < sum(1 for _ in video.decode(stream)) <= 24
    sheet = cv2.imread(str(tmp_path / 'out' / 'sheet.png'))
    assert sheet.shape[1] > 1900

    counts = count_messages(tmp_path / 'out' / 'bag')
    assert counts.pop('/diagnostics') > 3
    for task, topic in (('classification', 'labels'), ('detection', 'detections'),
                        ('segmentation', 'mask')):
        published = report['nodes'][task]['published']
        assert counts.pop(f'/{task}/{topic}') == counts.pop(f'/{task}/latency') == published
        assert counts.pop(f'/{task}/label_info') == counts.pop(f'/{task}/vision_info') == 1
    assert counts == {'/image/compressed': 24, '/camera/truth/mask': 24,
                      '/camera/truth/labels': 0, '/camera/truth/detections': 0}
    assert node_processes(models) == []


@pytest.mark.slow
def test_ctrl_c_ends_the_clip_and_still_writes_everything(demo, models, tmp_path):
    process = demo('--source', 'synthetic', '--models', models, '--duration', 0)
    while ' s played' not in process.stdout.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, output
    report = json.loads((tmp_path / 'out' / 'report.json').read_text())
    assert report['clip']['ended_by'] == 'user'
    assert node_processes(models) == []


@pytest.mark.slow
@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGHUP])
def test_a_demo_that_is_told_to_end_leaves_no_process_behind_and_a_bag_that_opens(
        demo, models, tmp_path, number):
    process = demo('--models', models)
    wait_for_nodes(models, count=3)
    process.send_signal(number)
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 128 + number
    assert '/diagnostics' in count_messages(tmp_path / 'out' / 'bag')
    assert node_processes(models) == []


@pytest.mark.slow
def test_a_node_that_dies_ends_the_demo_with_its_last_words(demo, models):
    process = demo('--models', models)
    wait_for_nodes(models, count=3)
    for entry in Path('/proc').iterdir():
        if entry.name.isdigit() and b'edgenext_ros.detection_node' in read(entry / 'cmdline') \
                and str(models).encode() in read(entry / 'cmdline'):
            os.kill(int(entry.name), signal.SIGKILL)
    output, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert 'detection ended with exit code -9' in output
    assert node_processes(models) == []


@pytest.mark.parametrize(('arguments', 'expected'), [
    (['--models', 'nowhere'], 'there is no models folder nowhere'),
    (['--models', 'EMPTY'], 'holds no .onnx file'),
    (['--models', 'MODELS', '--source', 'no.mp4'], "source 'no.mp4' does not exist"),
    (['--models', 'MODELS', '--source', 'EMPTY'], 'holds no image'),
    (['--models', 'MODELS', '--source', 'README'], 'is a text, expected'),
    (['--models', 'MODELS', '--source', '97'], "source '97' cannot be opened as a video"),
    (['--models', 'MODELS', '--truth-masks', 'nowhere'], "'nowhere' is not a folder"),
])
def test_bad_input_is_told_in_one_sentence(models, tmp_path, capfd, arguments, expected):
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'README').write_text('no video')
    places = {'EMPTY': tmp_path / 'empty', 'MODELS': models, 'README': tmp_path / 'README'}
    assert main(['--out', str(tmp_path / 'out'),
                 *(str(places.get(argument, argument)) for argument in arguments)]) == 1
    told = [line for line in capfd.readouterr().err.splitlines()
            if line.startswith('edgenext_demo: ')]
    assert len(told) == 1
    assert expected in told[0]


def test_of_one_models_files_that_for_a_cpu_is_taken(tmp_path):
    for name, target in (('a', 'tensorrt'), ('b', 'cpu'), ('c', 'jetson-nano')):
        card = write_detector(tmp_path / f'{name}.onnx')
        model = onnx.load(str(tmp_path / f'{name}.onnx'))
        helper.set_model_props(model, {METADATA_KEY: card_to_json(
            card._replace(export=card.export._replace(target=target)))})
        onnx.save(model, str(tmp_path / f'{name}.onnx'))

    assert [model.path for model in find_models(str(tmp_path))] == [str(tmp_path / 'b.onnx')]


def test_two_models_of_one_task_are_told_by_name(tmp_path, capfd):
    write_detector(tmp_path / 'a.onnx')
    write_detector(tmp_path / 'b.onnx')
    assert main(['--models', str(tmp_path)]) == 1
    assert (f'{tmp_path}/a.onnx and {tmp_path}/b.onnx are both for detection'
            in capfd.readouterr().err)


def test_a_folder_with_a_bag_of_somebody_else_is_left_alone(models, tmp_path, capfd):
    (tmp_path / 'bag').mkdir()
    (tmp_path / 'bag' / 'diary').write_text('mine')
    assert main(['--models', str(models), '--out', str(tmp_path)]) == 1
    assert f'cannot write to {tmp_path} (Directory not empty)' in capfd.readouterr().err
    assert (tmp_path / 'bag' / 'diary').read_text() == 'mine'


def test_what_the_system_refuses_is_told_in_one_line(demo, models, tmp_path):
    (tmp_path / 'out').mkdir()
    (tmp_path / 'out' / 'logs').write_text('no folder')
    process = demo('--models', models)
    output, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert output == f"edgenext_demo: [Errno 17] File exists: '{tmp_path}/out/logs'\n"
    assert count_messages(tmp_path / 'out' / 'bag') == {}


def wait_for_nodes(models, count):
    deadline_s = time.monotonic() + PATIENCE_S
    while len(node_processes(models)) < count:
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


def read(path):
    try:
        return path.read_bytes()
    except OSError:
        return b''
