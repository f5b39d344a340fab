"""The camera node over real DDS, run inside this process."""

import cv2
import numpy as np
import pytest
from bench import values_of
from diagnostic_msgs.msg import DiagnosticStatus
from sensor_msgs.msg import CompressedImage, Image
from vision_msgs.msg import Classification, Detection2DArray

from edgenext_core.runtime.errors import SettingError, SourceError
from edgenext_core.runtime.frame_sources import DEFAULT_RATE_HZ
from edgenext_ros.conversions import classification_from_ros, detections_from_ros, mask_from_ros
from edgenext_ros.images import frame_from_compressed, frame_from_image
from edgenext_ros.qos import image_qos
from synthetic_street import Drive
from synthetic_street.labels import STREET_OBJECTS, STREET_SCENES

SMALL = {'width': 64, 'height': 48, 'wait_for_subscribers': 1}


def _collect_images(bench):
    return bench.collect(Image, 'image', image_qos('reliable'))


def _write_pictures(folder, *, count=3):
    folder.mkdir()
    for number in range(count):
        cv2.imwrite(str(folder / f'{number}.png'), np.full((4, 6), number, np.uint8))


def test_every_frame_arrives_with_frame_id_and_rising_stamps(bench):
    images = _collect_images(bench)
    bench.run_camera(frames=5, rate_hz=50, frame_id='lens', **SMALL)
    bench.wait_for(lambda: len(images) == 5, 'the frames')
    stamps = [(image.header.stamp.sec, image.header.stamp.nanosec) for image in images]
    assert stamps == sorted(set(stamps))
    assert {image.header.frame_id for image in images} == {'lens'}
    np.testing.assert_array_equal(
        frame_from_image(images[3]),
        Drive(1000000, width=64, height=48, rate_hz=50).scene(3).image_bgr)


def test_truth_carries_the_images_header_and_the_worlds_truth(bench):
    labels = bench.collect(Classification, '/camera/truth/labels')
    detections = bench.collect(Detection2DArray, '/camera/truth/detections')
    masks = bench.collect(Image, '/camera/truth/mask')
    bench.run_camera(source='synthetic', frames=0, **SMALL)
    bench.wait_for(lambda: all(bench.node.count_publishers('/camera/truth/' + topic)
                               for topic in ('labels', 'detections', 'mask')), 'the truth')
    images = _collect_images(bench)
    bench.wait_for(lambda: min(map(len, (images, labels, detections, masks))) >= 2, 'the truth')
    assert bench.stop_newest() == 0
    drive = Drive(1000000, width=64, height=48, rate_hz=DEFAULT_RATE_HZ)
    scene, header = drive.scene(0), images[0].header
    assert labels[0].header == detections[0].header == masks[0].header == header
    label = classification_from_ros(labels[0], labels=STREET_SCENES.names)
    assert (label.class_ids.tolist(), label.scores.tolist()) == ([scene.label_id], [1.0])
    boxes = detections_from_ros(detections[0], labels=STREET_OBJECTS.names)
    np.testing.assert_allclose(boxes.boxes_xyxy, scene.boxes_xyxy, atol=1e-4)
    np.testing.assert_array_equal(boxes.class_ids, scene.box_class_ids)
    np.testing.assert_array_equal(mask_from_ros(masks[0]).class_ids, scene.mask)


def test_compressed_frames_are_published_while_somebody_listens(bench):
    compressed = bench.collect(CompressedImage, 'image/compressed', image_qos('reliable'))
    bench.run_camera(frames=2, **SMALL)
    bench.wait_for(lambda: len(compressed) == 2, 'the frames')
    assert frame_from_compressed(compressed[0]).shape == (48, 64, 3)


def test_the_end_of_the_source_is_told_with_the_frames_sent(bench, tmp_path):
    _write_pictures(tmp_path / 'pictures')
    images = _collect_images(bench)
    statuses = bench.collect_diagnostics('camera: source')
    ended = bench.run_camera(source=str(tmp_path / 'pictures'), wait_for_subscribers=1)
    bench.wait_for(ended.is_set, 'the end')
    assert bench.stop_newest() == 0
    bench.wait_for(lambda: statuses and statuses[-1].message == 'ended', 'the last diagnostics')
    bench.wait_for(lambda: len(images) == 3, 'the frames')
    assert values_of(statuses[-1])['sent'] == '3'


def test_a_camera_that_stays_does_not_end_with_its_source(bench, tmp_path):
    _write_pictures(tmp_path / 'pictures')
    statuses = bench.collect_diagnostics('camera: source')
    ended = bench.run_camera(source=str(tmp_path / 'pictures'), stay=True)
    bench.wait_for(lambda: statuses and statuses[-1].message == 'ended', 'the end')
    assert not ended.is_set()


def test_a_camera_that_was_stopped_goes_on_when_started_again(bench, tmp_path):
    _write_pictures(tmp_path / 'pictures', count=200)
    images = _collect_images(bench)
    bench.run_camera(source=str(tmp_path / 'pictures'), rate_hz=100, wait_for_subscribers=1)
    bench.wait_for(lambda: images, 'a frame')
    resume = bench.pause_newest()
    before = len(images)  # stopping waits until the subscriber has everything
    resume()
    bench.wait_for(lambda: len(images) > before, 'the frames after')
    assert bench.stop_newest() == 0
    numbers = [frame_from_image(image)[0, 0, 0] for image in images]
    assert numbers == sorted(set(numbers))


def test_a_destroyed_camera_leaves_no_topic_behind(bench):
    bench.run_camera(frames=1, **SMALL)
    part, node = bench.newest()

    def topics():
        return dict(node.get_publisher_names_and_types_by_node(node.get_name(), '/'))

    own = {'/image', '/image/compressed', '/camera/truth/mask', '/diagnostics'}
    bench.wait_for(lambda: own < set(topics()), 'the topics')
    bench.pause_newest()
    part.destroy()
    bench.wait_for(lambda: not own & set(topics()), 'their end')
    bench.forget_newest()


def test_a_picture_that_cannot_be_decoded_is_skipped_and_counted(bench, tmp_path):
    _write_pictures(tmp_path / 'pictures')
    (tmp_path / 'pictures' / '1.png').write_bytes(b'no picture')
    statuses = bench.collect_diagnostics('camera: source')
    bench.run_camera(source=str(tmp_path / 'pictures'), stay=True)
    bench.wait_for(lambda: statuses and statuses[-1].message == 'ended', 'the end')
    values = values_of(statuses[-1])
    assert (values['sent'], values['skipped']) == ('2', '1')


def test_mask_files_are_the_truth_of_the_frames_of_the_same_place(bench, tmp_path):
    _write_pictures(tmp_path / 'pictures')
    _write_pictures(tmp_path / 'masks', count=2)
    masks = bench.collect(Image, '/camera/truth/mask')
    bench.run_camera(source=str(tmp_path / 'pictures'), truth_masks=str(tmp_path / 'masks'),
                     wait_for_subscribers=1, stay=True)
    bench.wait_for(lambda: bench.node.count_publishers('/camera/truth/mask'), 'the truth')
    images = _collect_images(bench)
    bench.wait_for(lambda: len(images) == 3 and len(masks) == 2, 'the frames')
    for number, (image, mask) in enumerate(zip(images, masks)):
        assert image.header == mask.header
        assert set(mask_from_ros(mask).class_ids.flat) == {number}


def test_a_mask_of_another_size_ends_the_camera_with_an_error(bench, tmp_path):
    _write_pictures(tmp_path / 'masks')
    bench.collect(Image, '/camera/truth/mask')
    statuses = bench.collect_diagnostics('camera: source')
    ended = bench.run_camera(truth_masks=str(tmp_path / 'masks'), **SMALL)
    bench.wait_for(lambda: bench.node.count_publishers('/camera/truth/mask'), 'the truth')
    _collect_images(bench)
    bench.wait_for(ended.is_set, 'the end')
    assert bench.stop_newest() == 1
    bench.wait_for(lambda: statuses and statuses[-1].level == DiagnosticStatus.ERROR, 'the error')


@pytest.mark.parametrize(('parameters', 'error', 'sentence'), [
    ({'source': 'absent.mp4'}, SourceError, "'absent.mp4' does not exist, expected synthetic, "),
    ({'source': 99}, SourceError, "'99' cannot be opened as a video"),
    ({'truth_masks': 'absent'}, SourceError, "'absent' is not a folder"),
    ({'rate_hz': 'fast'}, SettingError, "rate_hz is 'fast', expected a number"),
    ({'width': 8}, SettingError, 'width.*out of range.*8'),
])
def test_a_camera_that_cannot_start_says_why(bench, parameters, error, sentence):
    with pytest.raises(error, match=sentence):
        bench.run_camera(**parameters)
