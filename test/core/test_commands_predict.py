"""The command edgenext predict, on models whose answers can be worked out by hand."""

import contextlib
import http.server
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time

import cv2
import numpy as np
import pytest
from source_tree import ROOT
from tiny_models import write_classifier, write_detector, write_segmenter

from edgenext_core import cli
from edgenext_core.commands import predict as command
from edgenext_core.commands import progress
from edgenext_core.runtime.errors import OutputError
from edgenext_core.runtime.frame_sources import IMAGE_SUFFIXES
from edgenext_core.runtime.result_folder import ResultFolder

WRITERS = {'classification': write_classifier, 'detection': write_detector,
           'segmentation': write_segmenter}


@pytest.fixture
def predict(tmp_path, capsys):
    """Give a function that runs a task's model and returns status, lines, output and errors."""
    def predict(task, *words):
        model = tmp_path / f'{task}.onnx'
        WRITERS[task](model)
        out = tmp_path / 'out'
        status = cli.main(['predict', str(model), *map(str, words), '-o', str(out)])
        told = capsys.readouterr()
        results = out / 'results.jsonl'
        lines = results.read_text('utf-8').splitlines() if results.exists() else []
        return status, [json.loads(line) for line in lines], told.out, told.err
    return predict


def red_picture(path, *, width=64, height=48):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 2] = 255
    cv2.imwrite(str(path), image)
    return path


def write_video(path, *, frames=5, rate_hz=10.0, width=64, height=48):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), rate_hz, (width, height))
    for _ in range(frames):
        writer.write(np.full((height, width, 3), (0, 0, 255), np.uint8))
    writer.release()
    return path


def count_frames(path):
    reader = cv2.VideoCapture(str(path))
    count = 0
    while reader.read()[0]:
        count += 1
    return count


def test_a_picture_gives_its_classes_and_an_annotated_picture(predict, tmp_path):
    status, lines, out, _ = predict('classification', red_picture(tmp_path / 'in' / 'a.png'))

    assert status == 0
    line, = lines
    assert line['source'] == str(tmp_path / 'in' / 'a.png')
    assert (line['frame'], line['width'], line['height']) == (0, 64, 48)
    assert [found['label'] for found in line['classes']] == ['red', 'blue']
    assert line['classes'][0]['class_id'] == 2
    assert line['classes'][0]['score'] > 0.9
    assert set(line['times_ms']) == {'preprocess', 'infer', 'postprocess'}
    drawn = cv2.imread(str(tmp_path / 'out' / line['picture']))
    assert drawn.shape == (48, 64, 3)
    assert (drawn != (0, 0, 255)).any()
    assert '1 frames in' in out
    assert 'results.jsonl' in out


def test_boxes_are_in_pixels_of_the_frame(predict, tmp_path):
    _, (line,), _, _ = predict('detection', red_picture(tmp_path / 'in' / 'a.png'))

    boxes = sorted(found['box_xyxy'] for found in line['objects'])
    assert boxes == [[0, 0, 32, 24], [0, 24, 32, 48], [32, 0, 64, 24], [32, 24, 64, 48]]
    assert {found['label'] for found in line['objects']} == {'red'}


def test_a_mask_is_a_picture_of_class_ids(predict, tmp_path):
    _, (line,), _, _ = predict('segmentation', red_picture(tmp_path / 'in' / 'a.png'))

    assert line['shares'] == {'red': 1.0}
    mask = cv2.imread(str(tmp_path / 'out' / line['mask']), cv2.IMREAD_UNCHANGED)
    assert mask.shape == (48, 64)
    assert (mask == 2).all()


def test_a_video_gives_a_video_and_a_line_a_frame(predict, tmp_path):
    status, lines, _, _ = predict('segmentation', write_video(tmp_path / 'clip.avi'))

    assert status == 0
    assert [line['time_s'] for line in lines] == [0.0, 0.1, 0.2, 0.3, 0.4]
    assert {line['picture'] for line in lines} == {'clip.mp4'}
    assert len({line['mask'] for line in lines}) == 5
    assert count_frames(tmp_path / 'out' / 'clip.mp4') == 5


def test_videos_of_odd_sizes_and_of_one_name_are_whole(predict, tmp_path):
    (tmp_path / 'b').mkdir()
    _, lines, _, _ = predict('detection', write_video(tmp_path / 'clip.avi', width=65, height=49),
                             write_video(tmp_path / 'b' / 'clip.avi', frames=3))

    assert len(lines) == 8
    assert count_frames(tmp_path / 'out' / 'clip.mp4') == 5
    assert count_frames(tmp_path / 'out' / 'clip-2.mp4') == 3


def test_pictures_of_one_name_do_not_replace_each_other(predict, tmp_path):
    _, lines, _, _ = predict(
        'segmentation', red_picture(tmp_path / 'one' / 'a.png'),
        red_picture(tmp_path / 'two' / 'A.png'), red_picture(tmp_path / 'two' / 'a.jpg'))

    for kind in ('picture', 'mask'):
        names = [line[kind] for line in lines]
        assert len({name.lower() for name in names}) == 3
        assert all((tmp_path / 'out' / name).is_file() for name in names)


def test_a_folder_is_read_in_the_order_of_a_person(predict, tmp_path):
    for name in ('10.png', '2.png', '1.png', '._1.png'):
        red_picture(tmp_path / 'in' / name)
    _, lines, _, _ = predict('classification', tmp_path / 'in')

    assert [line['source'].rpartition('/')[2] for line in lines] == ['1.png', '2.png', '10.png']


def test_a_broken_picture_is_named_and_counted_and_the_others_are_answered(predict, tmp_path):
    red_picture(tmp_path / 'in' / 'a.png')
    (tmp_path / 'in' / 'b.png').write_bytes(b'no picture')
    red_picture(tmp_path / 'in' / 'c.png')
    status, lines, out, _ = predict('classification', tmp_path / 'in')

    assert status == 1
    assert [('error' in line) for line in lines] == [False, True, False]
    assert '1 could not be read: ' + str(tmp_path / 'in' / 'b.png') in out


@pytest.mark.parametrize('make', [
    lambda path: cv2.imwrite(str(path), np.full((20, 30), 128, np.uint8)),
    lambda path: cv2.imwrite(str(path), np.full((20, 30), 30000, np.uint16)),
    lambda path: cv2.imwrite(str(path), np.full((20, 30, 4), 90, np.uint8)),
])
def test_grey_deep_and_transparent_pictures_are_answered(predict, tmp_path, make):
    (tmp_path / 'in').mkdir()
    make(tmp_path / 'in' / 'a.png')
    status, (line,), _, _ = predict('segmentation', tmp_path / 'in')

    assert status == 0
    assert (line['width'], line['height']) == (30, 20)


def test_settings_of_the_task_are_taken(predict, tmp_path):
    _, (line,), _, _ = predict('classification', red_picture(tmp_path / 'in' / 'a.png'),
                               '--top-k', 3)

    assert len(line['classes']) == 3


def test_without_pictures_only_numbers_and_masks_are_written(predict, tmp_path):
    _, (line,), _, _ = predict('segmentation', red_picture(tmp_path / 'in' / 'a.png'),
                               '--no-pictures')

    assert 'picture' not in line
    assert sorted(path.name for path in (tmp_path / 'out').iterdir()) == [
        'masks', 'results.jsonl']


@pytest.mark.parametrize('task, words, sentence', [
    ('segmentation', ['--top-k', '3'], '--top-k is no setting of a model for segmentation'),
    ('classification', ['--score-threshold', '0.5'], 'which has: --top-k'),
    ('classification', ['--top-k', '0'], 'top_k is 0, expected a whole number'),
])
def test_a_setting_that_is_none_of_the_task_is_refused(predict, tmp_path, task, words, sentence):
    status, _, _, error = predict(task, red_picture(tmp_path / 'in' / 'a.png'), *words)

    assert status == 1
    assert sentence in error


def test_inputs_that_are_none_are_refused_with_a_sentence(predict, tmp_path):
    notes = tmp_path / 'notes.txt'
    notes.write_text('not a video, though FFmpeg would show it as one\n' * 40)
    for name, sentence in ((tmp_path / 'nothing.jpg', 'does not exist'), (notes, 'is a text'),
                           (tmp_path / 'empty', 'holds no image')):
        if name.name == 'empty':
            name.mkdir()
        status, _, _, error = predict('classification', name)
        assert status == 1
        assert sentence in error


def test_the_inputs_are_never_overwritten(predict, tmp_path):
    picture = red_picture(tmp_path / 'out' / 'a.png')
    before = picture.read_bytes()
    status, _, _, error = predict('classification', picture)

    assert status == 1
    assert 'is in the folder of the results' in error
    assert picture.read_bytes() == before


def test_a_place_that_cannot_be_written_is_named(predict, tmp_path):
    (tmp_path / 'out').write_text('a file')
    status, _, _, error = predict('classification', red_picture(tmp_path / 'in' / 'a.png'))

    assert status == 1
    assert str(tmp_path / 'out') in error


def test_an_interrupted_run_leaves_whole_files(predict, tmp_path, monkeypatch):
    video = write_video(tmp_path / 'clip.avi', frames=9)

    def interrupt_at_the_fifth(items, *, total):
        for number, item in enumerate(items):
            if number == 4:
                raise KeyboardInterrupt
            yield item
    monkeypatch.setattr(command, 'show_progress', interrupt_at_the_fifth)
    status, lines, out, _ = predict('detection', video)

    assert status == 130
    assert len(lines) == 4
    assert count_frames(tmp_path / 'out' / 'clip.mp4') == 4
    assert '4 frames in' in out


def test_a_video_that_lacks_frames_is_told_of(tmp_path):
    folder = ResultFolder(str(tmp_path / 'out'))
    folder.add_to_video(np.zeros((48, 64, 3), np.uint8), 'clip.avi', rate_hz=10)
    folder._video.count += 3

    with pytest.raises(Exception, match='holds 1 frames of 4; the disk may be full'):
        folder.end_video()


@pytest.mark.parametrize('suffix', IMAGE_SUFFIXES)
def test_a_picture_of_every_format_has_an_annotated_one(predict, tmp_path, suffix):
    (tmp_path / 'in').mkdir()
    picture = np.full((48, 64) if suffix == '.pgm' else (48, 64, 3), 90, np.uint8)
    cv2.imwrite(str(tmp_path / 'in' / f'a{suffix}'), picture)
    status, (line,), _, _ = predict('classification', tmp_path / 'in')

    assert status == 0
    assert line['picture'] == ('a.png' if suffix == '.pgm' else f'a{suffix}')
    assert cv2.imread(str(tmp_path / 'out' / line['picture'])).shape == (48, 64, 3)


def test_a_picture_whose_name_is_not_utf_8_is_answered(predict, tmp_path):
    source = red_picture(tmp_path / 'in' / 'a.png')
    name = os.fsdecode(os.fsencode(str(source.parent)) + b'/caf\xe9.png')
    os.rename(str(source), name)
    status, (line,), _, _ = predict('segmentation', source.parent)

    assert status == 0
    assert line['source'] == name
    assert os.path.isfile(os.path.join(str(tmp_path / 'out'), line['picture']))


def test_a_name_that_is_not_utf_8_is_told_of_where_it_cannot_be_read(predict, tmp_path):
    (tmp_path / 'in').mkdir()
    with open(os.fsencode(str(tmp_path)) + b'/in/caf\xe9.png', 'wb') as stream:
        stream.write(b'no picture')
    status, _, out, _ = predict('classification', tmp_path / 'in')

    assert status == 1
    assert 'could not be read: ' in out and 'caf\ufffd.png' in out


def test_a_video_without_frames_is_told_of(predict, tmp_path):
    status, (line,), out, _ = predict('detection', write_video(tmp_path / 'none.avi', frames=0))

    assert status == 1
    assert line['error'] == 'it holds no frame that can be read'
    assert f'1 could not be read: {tmp_path / "none.avi"}' in out


def test_a_video_that_ends_early_is_told_of(predict, tmp_path):
    video = write_video(tmp_path / 'clip.avi', frames=40)
    content = video.read_bytes()
    video.write_bytes(content[:len(content) // 2])
    status, lines, out, _ = predict('classification', video, '--no-pictures')

    assert status == 0
    assert 0 < len(lines) < 40
    assert f'ended early, so damaged perhaps: {video} after {len(lines)} of about 40' in out


def test_an_input_that_is_missing_is_told_of_before_anything_is_done(predict, tmp_path):
    status, lines, _, error = predict('classification', red_picture(tmp_path / 'in' / 'a.png'),
                                      tmp_path / 'missing.mp4')

    assert status == 1
    assert 'missing.mp4' in error and 'does not exist' in error
    assert not (tmp_path / 'out').exists()


def test_masks_are_not_written_over_an_input(predict, tmp_path):
    picture = red_picture(tmp_path / 'out' / 'masks' / 'a.png')
    before = picture.read_bytes()
    status, _, _, error = predict('segmentation', picture.parent)

    assert status == 1
    assert 'is in the folder of the results' in error
    assert picture.read_bytes() == before


def test_a_picture_that_opencv_cannot_encode_is_refused_with_a_sentence(tmp_path):
    with ResultFolder(str(tmp_path / 'out')) as folder, pytest.raises(
            OutputError, match='no such encoder for a picture of 16400x2; go without'):
        folder.write_picture(np.zeros((2, 16400, 3), np.uint8), 'wide.webp')
    assert not (tmp_path / 'out' / 'wide.webp').exists()


class Camera(http.server.BaseHTTPRequestHandler):
    """A camera in the network: JPEG after JPEG, about forty a second."""

    def do_GET(self):
        image = cv2.imencode('.jpg', np.full((48, 64, 3), (0, 0, 255), np.uint8))[1].tobytes()
        self.send_response(200)
        self.send_header('Content-Type', 'multipart/x-mixed-replace; boundary=frame')
        self.end_headers()
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(b'--frame\r\nContent-Type: image/jpeg\r\nContent-Length: '
                                 b'%d\r\n\r\n%s\r\n' % (len(image), image))
                time.sleep(0.025)

    def log_message(self, *_):
        pass


@pytest.fixture
def camera():
    """Give the url of a camera."""
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Camera)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f'http://127.0.0.1:{server.server_port}/front.mjpg'
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize('ending', [signal.SIGINT, signal.SIGTERM])
def test_a_camera_runs_until_it_is_ended_and_leaves_whole_files(tmp_path, camera, ending):
    model, results = tmp_path / 'model.onnx', tmp_path / 'out' / 'results.jsonl'
    write_classifier(model)
    child = subprocess.Popen(
        [sys.executable, '-m', 'edgenext_core.cli', 'predict', str(model), camera, '-o',
         str(tmp_path / 'out')], cwd=str(ROOT), stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, universal_newlines=True)
    try:
        while child.poll() is None and not (
                results.exists() and len(results.read_text().splitlines()) > 20):
            time.sleep(0.05)
        child.send_signal(ending)
        told, _ = child.communicate(timeout=60)
    finally:
        child.kill()
    lines = [json.loads(line) for line in results.read_text().splitlines()]

    assert child.returncode == 130, told
    assert f'{len(lines)} frames in' in told
    times = [line['time_s'] for line in lines]
    assert times[0] == 0 and times == sorted(times)
    # The video shows each frame when it came, at 15 frames a second.
    assert abs(count_frames(tmp_path / 'out' / 'front.mp4') - (15 * times[-1] + 1)) <= 1


class Terminal(io.StringIO):
    """What is written to a terminal."""

    def isatty(self):
        return True


@pytest.mark.parametrize('total, has_rich, expected', [
    (3, True, '100%'), (3, False, '2 of 3 frames'), (0, True, '2 frames')])
def test_a_terminal_shows_how_far_it_is(monkeypatch, total, has_rich, expected):
    terminal = Terminal()
    monkeypatch.setattr(sys, 'stderr', terminal)
    monkeypatch.setattr(progress, 'LINE_PERIOD_S', 0)
    if not has_rich:
        monkeypatch.setitem(sys.modules, 'rich.progress', None)

    assert list(progress.show_progress(iter('abc'), total=total)) == ['a', 'b', 'c']
    assert expected in terminal.getvalue()


def test_where_there_is_no_terminal_nothing_is_shown(capsys):
    assert list(progress.show_progress(iter('abc'), total=3)) == ['a', 'b', 'c']
    assert capsys.readouterr() == ('', '')
