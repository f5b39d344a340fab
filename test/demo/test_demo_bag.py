"""The demo's bag opens in any tool, holds what was said, and costs no memory."""

import json
import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from full_disk import files_limited_to
from rclpy.serialization import deserialize_message, serialize_message
from rosbags.highlevel import AnyReader
from sample_run import (
    BOXES,
    CLASSES,
    MASK,
    frame_message,
    header,
    label_info,
    plain_frame,
    record_message,
    vision_info,
    write_bag,
)
from sensor_msgs.msg import CompressedImage, Image
from vision_msgs.msg import Classification, Detection2DArray, LabelInfo, VisionInfo

from edgenext_core.measure.share_folders import find_share
from edgenext_core.runtime.records import ClassMask
from edgenext_demo.bag_reader import BagReader, NewestMessage, stamp_of
from edgenext_demo.bag_writer import BagWriter, remove_bag
from edgenext_demo.errors import DemoError
from edgenext_demo.topics import FRAMES, result_topic
from edgenext_ros.conversions import classification_to_ros, detections_to_ros, mask_to_ros
from edgenext_ros.images import compressed_from_frame
from edgenext_ros.qos import LATCHED_QOS, RESULT_QOS

STAMP_NS = 1234567890123456789
TYPES = (Classification, CompressedImage, Detection2DArray, DiagnosticArray, Image, LabelInfo,
         VisionInfo)


def one_message_of_each_type(card):
    """Make a message of every type that the demo keeps, all about one frame."""
    about = header(STAMP_NS)
    return {
        Classification: classification_to_ros(CLASSES, about, card.labels, 'index'),
        CompressedImage: compressed_from_frame(plain_frame(), about),
        Detection2DArray: detections_to_ros(BOXES, about, card.labels, 'index'),
        DiagnosticArray: DiagnosticArray(header=about, status=[DiagnosticStatus(
            level=DiagnosticStatus.WARN, name='a', values=[KeyValue(key='b', value='c')])]),
        Image: mask_to_ros(MASK, about),
        LabelInfo: label_info(about),
        VisionInfo: vision_info(about),
    }


def assert_same(read, expected):
    """Compare every field of rosbags' message, or rclpy's, with rclpy's."""
    if hasattr(expected, 'get_fields_and_field_types'):
        for name in expected.get_fields_and_field_types():
            assert_same(getattr(read, name), getattr(expected, name))
    elif isinstance(expected, bytes):
        assert read in (expected, expected[0])
    elif isinstance(expected, str) or not hasattr(expected, '__len__'):
        assert read == expected
    else:
        assert len(read) == len(expected)
        for one, other in zip(read, expected):
            assert_same(one, other)


def test_every_message_comes_out_of_the_bag_as_it_went_in_without_this_package(models, tmp_path):
    messages = one_message_of_each_type(models['detection'].card)
    assert tuple(messages) == TYPES
    with BagWriter(str(tmp_path / 'bag')) as bag:
        for index, (kind, message) in enumerate(messages.items()):
            bag.add_topic(f'/topic_{index}', kind, qos=LATCHED_QOS)
            bag.write(f'/topic_{index}', serialize_message(message), received_ns=1000 + index)
    with AnyReader([tmp_path / 'bag']) as reader:
        read = list(reader.messages())
        assert [connection.topic for connection, _, _ in read] == [
            f'/topic_{index}' for index in range(len(TYPES))]
        assert [received_ns for _, received_ns, _ in read] == [
            1000 + index for index in range(len(TYPES))]
        for (connection, _, raw), expected in zip(read, messages.values()):
            assert_same(reader.deserialize(raw, connection.msgtype), expected)
            assert_same(deserialize_message(raw, type(expected)), expected)


def test_the_definitions_in_the_bag_are_those_that_are_installed(tmp_path):
    with BagWriter(str(tmp_path / 'bag')) as bag:
        for kind in TYPES:
            bag.add_topic('/' + kind.__name__.lower(), kind, qos=RESULT_QOS)
    with AnyReader([tmp_path / 'bag']) as reader:
        digests = {connection.msgtype: connection.digest for connection in reader.connections}
    assert len(digests) == len(TYPES)
    for name, digest in digests.items():
        package, _, short = name.split('/')
        path = Path(find_share(package), 'msg', short + '.json')
        if not path.exists():
            pytest.skip('ROS 2 before Jazzy installs no hashes')
        hashes = {one['type_name']: one['hash_string']
                  for one in json.loads(path.read_text())['type_hashes']}
        assert digest == hashes[name]


def test_those_who_play_the_bag_learn_which_topics_are_latched(tmp_path):
    with BagWriter(str(tmp_path / 'bag')) as bag:
        bag.add_topic('/label_info', LabelInfo, qos=LATCHED_QOS)
        bag.add_topic('/mask', Image, qos=RESULT_QOS)
    with AnyReader([tmp_path / 'bag']) as reader:
        latched, streamed = (connection.ext.offered_qos_profiles[0]
                             for connection in reader.connections)
    assert (latched.durability.name, latched.reliability.name) == ('TRANSIENT_LOCAL', 'RELIABLE')
    assert (streamed.durability.name, streamed.reliability.name) == ('VOLATILE', 'RELIABLE')
    assert (latched.depth, streamed.depth) == (1, 10)


def test_a_bag_that_is_broken_off_opens_with_all_that_it_holds(models, tmp_path):
    serialized = record_message(models['detection'], STAMP_NS, BOXES)
    with pytest.raises(KeyboardInterrupt), BagWriter(str(tmp_path / 'bag')) as bag:
        bag.add_topic('/detections', Detection2DArray, qos=RESULT_QOS)
        bag.write('/detections', serialized, received_ns=1)
        raise KeyboardInterrupt
    with BagReader(str(tmp_path / 'bag')) as bag:
        assert list(bag.messages('/detections')) == [(STAMP_NS, serialized)]


def test_a_bag_in_which_nothing_was_said_opens_too(tmp_path):
    with BagWriter(str(tmp_path / 'bag')) as bag:
        bag.add_topic('/detections', Detection2DArray, qos=RESULT_QOS)
    with BagReader(str(tmp_path / 'bag')) as bag:
        assert list(bag.stamps('/detections')) == []
        assert list(bag.messages('/detections')) == []


def test_a_full_disk_is_told_in_one_sentence_and_once(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (1000, 1000, 3), dtype=np.uint8)
    serialized = frame_message(STAMP_NS, noise)
    with files_limited_to(2 * 10 ** 6), pytest.raises(DemoError) as error_info, \
            BagWriter(str(tmp_path / 'bag')) as bag:
        bag.add_topic(FRAMES, CompressedImage, qos=RESULT_QOS)
        for index in range(20):
            bag.write(FRAMES, serialized, received_ns=index)
    assert str(error_info.value) == (
        f'cannot write the bag {tmp_path}/bag (File too large); free some space, or name another '
        'folder with --out')


def test_a_disk_that_is_full_at_the_end_is_told_too(models, tmp_path):
    with files_limited_to(300), pytest.raises(DemoError, match='cannot write the bag'), \
            BagWriter(str(tmp_path / 'bag')) as bag:
        bag.add_topic('/detections', Detection2DArray, qos=RESULT_QOS)
        bag.write('/detections', record_message(models['detection'], 1, BOXES), received_ns=1)


def test_a_full_disk_hides_no_other_error(models, tmp_path):
    with files_limited_to(300), pytest.raises(KeyboardInterrupt), \
            BagWriter(str(tmp_path / 'bag')) as bag:
        bag.add_topic('/detections', Detection2DArray, qos=RESULT_QOS)
        bag.write('/detections', record_message(models['detection'], 1, BOXES), received_ns=1)
        raise KeyboardInterrupt


def test_a_folder_that_cannot_be_written_to_is_told(tmp_path):
    (tmp_path / 'file').write_text('no folder')
    with pytest.raises(DemoError, match=r'cannot write the bag .*\(Not a directory\)'):
        BagWriter(str(tmp_path / 'file' / 'bag'))


def test_topics_are_read_side_by_side_by_the_stamps_of_their_headers(models, tmp_path):
    model, generator = models['segmentation'], np.random.default_rng(0)
    masks = [ClassMask(generator.integers(0, 3, (480, 640), dtype=np.uint8)) for _ in range(12)]
    messages = []
    for index, mask in enumerate(masks):  # noise, so that the bag has several chunks
        messages += [(FRAMES, frame_message(7 + index, plain_frame(index))),
                     (result_topic(model), record_message(model, 7 + index, mask))]
    with BagReader(write_bag(tmp_path / 'bag', messages, models=[model])) as bag:
        assert list(bag.stamps(FRAMES)) == list(range(7, 19))
        side_by_side = zip(bag.messages(FRAMES), bag.messages(result_topic(model)))
        for index, (frame, result) in enumerate(side_by_side):
            assert frame == (7 + index, messages[2 * index][1])
            assert result == (7 + index, messages[2 * index + 1][1])
        assert index == 11
        assert list(bag.stamps('/never_heard_of')) == list(bag.messages('/never_heard_of')) == []


def test_stamps_are_in_order_even_where_messages_came_in_another(tmp_path):
    messages = [(FRAMES, frame_message(stamp_ns, plain_frame())) for stamp_ns in (5, 9, 2)]
    with BagReader(write_bag(tmp_path / 'bag', messages)) as bag:
        assert list(bag.stamps(FRAMES)) == [2, 5, 9]
        assert [stamp_ns for stamp_ns, _ in bag.messages(FRAMES)] == [5, 9, 2]


def test_a_long_run_needs_no_more_memory_than_a_short_one(tmp_path):
    serialized = serialize_message(Image(header=header(STAMP_NS), height=480, width=640, step=640,
                                         encoding='mono8', data=bytes(480 * 640)))
    tracemalloc.start()
    with BagWriter(str(tmp_path / 'bag')) as bag:
        bag.add_topic('/mask', Image, qos=RESULT_QOS)
        for index in range(300):  # 92 MB
            bag.write('/mask', serialized, received_ns=index)
    with BagReader(str(tmp_path / 'bag')) as bag:
        assert sum(1 for _ in bag.messages('/mask')) == 300
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 * 10 ** 6
    assert sum(path.stat().st_size for path in (tmp_path / 'bag').iterdir()) < 10 ** 6


def test_only_a_bag_is_removed(tmp_path):
    write_bag(tmp_path / 'bag', [])
    assert sorted(os.listdir(tmp_path / 'bag')) == ['bag.mcap', 'metadata.yaml']
    remove_bag(str(tmp_path / 'bag'))
    assert not (tmp_path / 'bag').exists()
    remove_bag(str(tmp_path / 'bag'))
    (tmp_path / 'bag').mkdir()
    (tmp_path / 'bag' / 'diary').write_text('mine')
    with pytest.raises(OSError, match='not empty'):
        remove_bag(str(tmp_path / 'bag'))
    assert (tmp_path / 'bag' / 'diary').read_text() == 'mine'


def test_a_stamp_is_read_without_deserialising(models):
    assert stamp_of(record_message(models['detection'], STAMP_NS, BOXES)) == STAMP_NS
    assert stamp_of(record_message(models['detection'], 7999999999, BOXES)) == 7999999999


def test_the_newest_message_is_the_last_one_up_to_a_time():
    newest = NewestMessage(iter([(3, b'three'), (5, b'five'), (6, b'six')]))
    assert [newest.at(stamp_ns) for stamp_ns in (2, 3, 4, 6, 9)] == [
        None, (3, b'three'), (3, b'three'), (6, b'six'), (6, b'six')]
    assert NewestMessage(iter([])).at(9) is None
