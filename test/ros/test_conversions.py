"""Records to messages and back."""

import numpy as np
import pytest
from std_msgs.msg import Header
from tiny_models import write_detector

from edgenext_core.runtime.errors import SettingError
from edgenext_core.runtime.records import Classification, ClassMask, Detections
from edgenext_ros.conversions import (
    class_id_from_ros,
    class_id_to_ros,
    classification_from_ros,
    classification_to_ros,
    detections_from_ros,
    detections_to_ros,
    label_info_to_ros,
    mask_from_ros,
    mask_to_ros,
    vision_info_to_ros,
)

LABELS = ('car', 'truck', 'cone')
FORMATS = ('index', 'name')


@pytest.fixture
def header():
    header = Header(frame_id='lens')
    header.stamp.sec, header.stamp.nanosec = 12, 34
    return header


def _assert_equal(record, expected):
    for field in expected._fields:
        value, wanted = getattr(record, field), getattr(expected, field)
        assert value.dtype == wanted.dtype
        np.testing.assert_array_equal(value, wanted)


@pytest.mark.parametrize('class_id_format', FORMATS)
@pytest.mark.parametrize('count', [0, 1, 3])
def test_a_classification_survives_the_round_trip(header, class_id_format, count):
    record = Classification(np.array([2, 0, 1], np.int64)[:count],
                            np.array([.75, .25, .125], np.float32)[:count])
    message = classification_to_ros(record, header, labels=LABELS,
                                    class_id_format=class_id_format)
    assert message.header == header
    _assert_equal(classification_from_ros(message, labels=LABELS), record)


@pytest.mark.parametrize('class_id_format', FORMATS)
@pytest.mark.parametrize('count', [0, 1, 2])
def test_detections_survive_the_round_trip(header, class_id_format, count):
    record = Detections(np.array([[0, 0, 639.5, 480], [10.25, 20.5, 11, 21]], np.float32)[:count],
                        np.array([1, 2], np.int64)[:count],
                        np.array([.5, .25], np.float32)[:count])
    message = detections_to_ros(record, header, labels=LABELS, class_id_format=class_id_format)
    assert message.header == header
    assert all(detection.header == header for detection in message.detections)
    _assert_equal(detections_from_ros(message, labels=LABELS), record)


def test_a_box_has_its_centre_and_size_in_pixels(header):
    record = Detections(np.array([[10, 20, 30, 60]], np.float32), np.array([0]), np.ones(1))
    bbox = detections_to_ros(record, header, labels=LABELS,
                             class_id_format='index').detections[0].bbox
    assert (bbox.center.position.x, bbox.center.position.y) == (20.0, 40.0)
    assert (bbox.size_x, bbox.size_y, bbox.center.theta) == (20.0, 40.0, 0.0)


@pytest.mark.parametrize('shape', [(1, 1), (3, 5), (480, 640)])
def test_a_mask_survives_the_round_trip(header, shape):
    record = ClassMask(np.random.default_rng(1).integers(0, 256, shape, np.uint8))
    message = mask_to_ros(record, header)
    assert (message.header, message.encoding) == (header, 'mono8')
    assert (message.height, message.width) == shape
    _assert_equal(mask_from_ros(message), record)


def test_class_ids_are_printable_strings_in_either_format():
    assert class_id_to_ros(np.int64(1), labels=LABELS, class_id_format='index') == '1'
    assert class_id_to_ros(np.int64(1), labels=LABELS, class_id_format='name') == 'truck'


def test_class_ids_are_read_in_either_format_even_where_names_are_digits():
    assert class_id_from_ros('cone', labels=LABELS) == 2
    assert class_id_from_ros('2', labels=LABELS) == 2
    assert class_id_from_ros('7', labels=('7', '9')) == 0


@pytest.mark.parametrize('class_id', ['tram', '-1', '1.5', ''])
def test_a_class_of_another_model_is_named(class_id):
    with pytest.raises(SettingError, match=f"'{class_id}' is neither a name of the model nor"):
        class_id_from_ros(class_id, labels=LABELS)


def test_the_infos_say_labels_threshold_method_and_version(header, tmp_path):
    card = write_detector(tmp_path / 'detector.onnx')
    labels = label_info_to_ros(card, header, threshold=.25)
    assert [(item.class_id, item.class_name) for item in labels.class_map] == [
        (0, 'red'), (1, 'blue')]
    assert labels.threshold == .25
    vision = vision_info_to_ros(card, header, database_location='/detection/class_names',
                                database_version=2 ** 31 - 1)
    assert (vision.method, vision.database_version) == ('tiny detection', 2 ** 31 - 1)
    assert vision.database_location == '/detection/class_names'
