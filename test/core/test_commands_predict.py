"""The command edgenext predict, on models whose answers can be worked out by hand."""

import json

import cv2
import numpy as np
import pytest
from tiny_models import write_classifier, write_detector, write_segmenter

from edgenext_core import cli
from edgenext_core.commands import predict as command
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
    assert 'is the folder of the input' in error
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
    folder._video._count += 3

    with pytest.raises(Exception, match='holds 1 frames of 4; the disk may be full'):
        folder.end_video()
