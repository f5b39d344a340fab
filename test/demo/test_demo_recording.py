"""What the demo keeps of a run, in what words it tells it, and what it draws of it."""

import tempfile

import numpy as np
import pytest
from rclpy.serialization import serialize_message
from std_msgs.msg import Header
from tiny_models import write_classifier, write_detector, write_segmenter

from edgenext_core.runtime.records import Classification, ClassMask, Detections
from edgenext_core.runtime.tasks import TASKS
from edgenext_demo.model_folder import DemoModel
from edgenext_demo.picture import Shown, compose, height_at, legend
from edgenext_demo.recorder import result_topic
from edgenext_demo.recording import Recording
from edgenext_demo.spool import Spool, stamp_of
from edgenext_ros.conversions import detections_to_ros, mask_to_ros

MASK = ClassMask(np.repeat(np.array([[0, 0, 0, 2]], np.uint8), 8, axis=0).repeat(4, axis=1))
BOXES = Detections(np.array([[1, 2, 30, 40], [5, 5, 9, 9], [7, 7, 20, 20]], np.float32),
                   np.array([1, 1, 0]), np.array([.9, .8, .7], np.float32))
CLASSES = Classification(np.array([2, 0]), np.array([.874, .1], np.float32))


@pytest.fixture
def spool():
    with tempfile.TemporaryFile() as file:
        yield Spool(file)


@pytest.fixture
def models(tmp_path):
    return {name: DemoModel(str(tmp_path / name), write(tmp_path / name))
            for name, write in (('classification', write_classifier),
                                ('detection', write_detector),
                                ('segmentation', write_segmenter))}


def header(seconds, nanoseconds):
    message = Header(frame_id='a camera with a name')
    message.stamp.sec, message.stamp.nanosec = seconds, nanoseconds
    return message


@pytest.mark.parametrize('compress', [False, True])
def test_messages_come_back_from_the_spool_by_channel_and_stamp(spool, compress):
    first, second = (serialize_message(mask_to_ros(MASK, header(7, at))) for at in (5, 999999999))
    assert spool.append('a', second, compress=compress) == 7999999999
    assert spool.append('a', first, compress=compress) == 7000000005
    spool.append('b', first, compress=compress)
    assert spool.stamps('a') == [7000000005, 7999999999]
    assert spool.stamps('never heard of') == []
    assert spool.read('a', 7999999999) == second
    assert spool.read('b', 7000000005) == first


def test_a_stamp_is_read_without_deserialising():
    serialized = serialize_message(detections_to_ros(
        BOXES, header(1234567890, 123456789), labels=('a', 'b'), class_id_format='index'))
    assert stamp_of(serialized) == 1234567890123456789


def test_a_recording_gives_results_and_truth_of_the_same_frame(spool, models):
    model = models['detection']
    truth = BOXES._replace(boxes_xyxy=BOXES.boxes_xyxy + 1)
    for topic, record, seconds in ((result_topic(model), BOXES, (1, 2, 3)),
                                   ('camera/truth/detections', truth, (2, 3, 4))):
        for second in seconds:
            spool.append(topic, serialize_message(detections_to_ros(
                record, header(second, 0), labels=model.card.labels, class_id_format='index')),
                compress=True)
    pairs = list(Recording(spool).pairs(model))
    assert len(pairs) == 2
    for found, true in pairs:
        np.testing.assert_array_equal(found.boxes_xyxy, BOXES.boxes_xyxy)
        np.testing.assert_array_equal(true.boxes_xyxy, truth.boxes_xyxy)
        np.testing.assert_array_equal(found.class_ids, BOXES.class_ids)


@pytest.mark.parametrize(('task', 'record', 'words'), [
    ('classification', CLASSES, 'red 87 %'),
    ('detection', BOXES, '2 blue, 1 red'),
    ('detection', Detections(np.zeros((0, 4)), np.zeros(0, int), np.zeros(0)), 'nothing found'),
    ('segmentation', MASK, 'blue 75 %, red 25 %'),
])
def test_results_are_told_in_words(models, task, record, words):
    assert TASKS[task].describe(record, models[task].card) == words


@pytest.mark.parametrize('shape', [(480, 640), (41, 33), (1, 2000), (1080, 1920)])
def test_a_picture_has_one_even_size_whatever_the_frames_are(models, shape):
    frame = np.zeros((*shape, 3), np.uint8)
    shown = [Shown(models['classification'], CLASSES, 15.0, 20.0),
             Shown(models['detection'], BOXES, 14.0, 30.0),
             Shown(models['segmentation'], ClassMask(np.zeros(shape, np.uint8)), 0.0, 0.0)]
    picture = compose(frame, shown, width=640, height=480, time_s=1.0)
    assert picture.dtype == np.uint8
    assert picture.shape[1:] == (640, 3)
    assert picture.shape[0] % 2 == 0
    assert height_at(frame, width=640) % 2 == 0


def test_pictures_before_and_after_the_first_results_have_one_size(models):
    frame, shapes = np.zeros((48, 64, 3), np.uint8), set()
    for records in ((None, None, None),
                    (CLASSES, BOXES, ClassMask(np.zeros((48, 64), np.uint8)))):
        shown = [Shown(model, record, 0.0, 0.0)
                 for model, record in zip(models.values(), records)]
        shapes.add(compose(frame, shown, width=640, height=480, time_s=0.0).shape)
    assert len(shapes) == 1


def test_a_legend_of_many_classes_takes_two_rows_at_most(models):
    card = models['segmentation'].card
    heights = []
    for count in (3, 30, 200):
        names = tuple(f'class number {index}' for index in range(count))
        many = card._replace(labels=names, colors_rgb=((9, 9, 9),) * count)
        shown = Shown(DemoModel('', many), MASK, 0.0, 0.0)
        heights.append(legend(shown, width=640).shape[0])
    assert heights[0] < heights[1] == heights[2]
    assert all(height % 2 == 0 for height in heights)
