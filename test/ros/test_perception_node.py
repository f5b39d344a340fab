"""The perception nodes over real DDS, run inside this process."""

import re

import numpy as np
import pytest
import rclpy
from bench import values_of
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, QoSReliabilityPolicy
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header
from tiny_models import write_classifier, write_detector, write_segmenter
from vision_msgs.msg import Classification, Detection2DArray, LabelInfo, VisionInfo

from edgenext_core.runtime.errors import EngineError, ModelCardError, SettingError
from edgenext_core.runtime.model_file import model_number
from edgenext_ros.images import compressed_from_frame
from edgenext_ros.latency import FrameLatency
from edgenext_ros.qos import LATCHED_QOS, image_qos

BLUE, GREEN, RED, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (0, 0, 0)


def _plain(color_bgr, *, width=64, height=48):
    return np.full((height, width, 3), color_bgr, np.uint8)


def _quarters():
    """Draw red at the top left and blue at the bottom right, black elsewhere."""
    frame = _plain(BLACK)
    frame[:24, :32] = RED
    frame[24:, 32:] = BLUE
    return frame


def _boxes(message):
    return [(detection.results[0].hypothesis.class_id,
             detection.bbox.center.position.x, detection.bbox.center.position.y,
             detection.bbox.size_x, detection.bbox.size_y) for detection in message.detections]


@pytest.fixture
def detection(bench, tmp_path):
    """Run the tiny detector; give its node, a publisher of images and its results."""
    write_detector(tmp_path / 'detector.onnx')
    node = bench.run_perception('detection', model=str(tmp_path / 'detector.onnx'))
    images = bench.node.create_publisher(Image, 'image', image_qos('reliable'))
    results = bench.collect(Detection2DArray, '/detection/detections')
    bench.wait_for_subscriber(images)
    bench.wait_for(lambda: bench.node.count_publishers('/detection/detections'), 'the results')
    return node, images, results


def _ask(bench, images, results, frame, *, stamp_s=1):
    """Publish one frame and wait for one result."""
    count = len(results)
    header = bench.publish(images, frame, stamp_s=stamp_s)
    bench.wait_for(lambda: len(results) > count, 'a result')
    return header, results[-1]


def test_the_classification_node_publishes_the_top_classes_with_the_header(bench, tmp_path):
    write_classifier(tmp_path / 'classifier.onnx')
    bench.run_perception('classification', model=str(tmp_path / 'classifier.onnx'),
                         class_id_format='name')
    images = bench.node.create_publisher(Image, 'image', image_qos('reliable'))
    results = bench.collect(Classification, '/classification/labels')
    bench.wait_for_subscriber(images)
    header, message = _ask(bench, images, results, _plain(RED))
    assert message.header == header
    assert [result.class_id for result in message.results][0] == 'red'
    assert len(message.results) == 2
    assert message.results[0].score == pytest.approx(1 / (1 + 2 * np.exp(-10)), abs=1e-5)


def test_the_detection_node_publishes_boxes_in_frame_pixels_with_the_header(bench, detection):
    _, images, results = detection
    header, message = _ask(bench, images, results, _quarters())
    assert message.header == header
    assert all(item.header == header for item in message.detections)
    assert sorted(_boxes(message)) == [('0', 16., 12., 32., 24.), ('1', 48., 36., 32., 24.)]


def test_an_empty_result_is_published_too(bench, detection):
    _, images, results = detection
    header, message = _ask(bench, images, results, _plain(BLACK))
    assert (message.header, message.detections) == (header, [])


def test_the_segmentation_node_publishes_a_mask_of_the_frames_size(bench, tmp_path):
    write_segmenter(tmp_path / 'segmenter.onnx', resize='letterbox')
    bench.run_perception('segmentation', model=str(tmp_path / 'segmenter.onnx'))
    images = bench.node.create_publisher(Image, 'image', image_qos('reliable'))
    results = bench.collect(Image, '/segmentation/mask')
    bench.wait_for_subscriber(images)
    frame = _plain(GREEN, width=65, height=47)
    frame[:, 30:] = RED
    header, message = _ask(bench, images, results, frame)
    assert (message.header, message.encoding) == (header, 'mono8')
    mask = np.array(message.data).reshape(47, 65)
    assert set(np.unique(mask[:, :28])) == {1}
    assert set(np.unique(mask[:, 33:])) == {2}


def test_compressed_images_are_taken_beside_the_remapped_raw_topic(bench, tmp_path):
    write_classifier(tmp_path / 'classifier.onnx')
    bench.run_perception('classification', model=str(tmp_path / 'classifier.onnx'),
                         image_transport='compressed')
    images = bench.node.create_publisher(CompressedImage, 'image/compressed',
                                         image_qos('reliable'))
    results = bench.collect(Classification, '/classification/labels')
    bench.wait_for_subscriber(images)
    images.publish(compressed_from_frame(_plain(BLUE), Header(frame_id='lens')))
    bench.wait_for(lambda: results, 'a result')
    assert results[0].results[0].class_id == '0'
    assert results[0].header.frame_id == 'lens'


@pytest.mark.parametrize(('offered', 'setting', 'chosen'), [
    ('reliable', 'auto', 'reliable'),
    ('best_effort', 'auto', 'best_effort'),
    ('reliable', 'best_effort', 'best_effort'),
    ('best_effort', 'best_effort', 'best_effort'),
    ('reliable', 'reliable', 'reliable'),
])
def test_every_sensible_pair_of_reliabilities_gets_frames(bench, tmp_path, offered, setting,
                                                          chosen):
    write_classifier(tmp_path / 'classifier.onnx')
    images = bench.node.create_publisher(Image, 'image', image_qos(offered))
    statuses = bench.collect_diagnostics('classification: classification')
    bench.run_perception('classification', model=str(tmp_path / 'classifier.onnx'),
                         image_reliability=setting)
    results = bench.collect(Classification, '/classification/labels')
    bench.wait_for_subscriber(images)
    bench.wait_for(lambda: bench.publish(images, _plain(RED)) and results, 'a result')
    bench.wait_for(lambda: any(values_of(status)['image_reliability'] == chosen
                               for status in statuses), f'{chosen} in the diagnostics')


def test_auto_follows_when_a_best_effort_publisher_joins_and_leaves(bench, tmp_path):
    write_classifier(tmp_path / 'classifier.onnx')
    bench.run_perception('classification', model=str(tmp_path / 'classifier.onnx'))

    def asked():
        infos = bench.node.get_subscriptions_info_by_topic('/image')
        return [info.qos_profile.reliability for info in infos]

    bench.node.create_publisher(Image, 'image', image_qos('reliable'))
    bench.wait_for(lambda: asked() == [QoSReliabilityPolicy.RELIABLE], 'reliable')
    second = bench.node.create_publisher(Image, 'image', image_qos('best_effort'))
    bench.wait_for(lambda: asked() == [QoSReliabilityPolicy.BEST_EFFORT], 'best effort')
    bench.node.destroy_publisher(second)
    bench.wait_for(lambda: asked() == [QoSReliabilityPolicy.RELIABLE], 'reliable again')


def test_silence_is_explained_with_topic_publishers_and_fix(bench, tmp_path):
    write_classifier(tmp_path / 'classifier.onnx')
    bench.node.create_publisher(Image, 'image', image_qos('best_effort'))
    statuses = bench.collect_diagnostics('classification: classification')
    bench.run_perception('classification', model=str(tmp_path / 'classifier.onnx'),
                         image_reliability='reliable')
    bench.wait_for(lambda: statuses and '1 publisher' in statuses[-1].message, 'a warning')
    assert statuses[-1].level == DiagnosticStatus.WARN
    assert re.fullmatch(
        r'no frame on /image for \d+ s; this node asks for sensor_msgs/msg/Image, reliable; '
        r'1 publisher: /bench \(sensor_msgs/msg/Image, best_effort\); '
        'set image_reliability to auto or best_effort', statuses[-1].message)


def test_a_publisher_of_another_type_is_named_with_the_parameter_that_helps(bench, tmp_path):
    write_classifier(tmp_path / 'classifier.onnx')
    # In a context of its own: one DDS participant cannot have two types on one topic.
    other = rclpy.Context()
    rclpy.init(context=other, signal_handler_options=SignalHandlerOptions.NO)
    camera = Node('other', context=other, use_global_arguments=False)
    camera.create_publisher(CompressedImage, 'image', image_qos('reliable'))
    statuses = bench.collect_diagnostics('classification: classification')
    bench.run_perception('classification', model=str(tmp_path / 'classifier.onnx'))
    bench.wait_for(lambda: statuses and '1 publisher' in statuses[-1].message, 'a warning')
    camera.destroy_node()
    rclpy.shutdown(context=other)
    assert '/other (sensor_msgs/msg/CompressedImage, reliable)' in statuses[-1].message
    assert statuses[-1].message.endswith('set image_transport to the type that is published, or '
                                         'remap image')


def test_the_counters_add_up_exactly_after_a_flood_with_bad_frames(bench, detection):
    _, images, results = detection
    statuses = bench.collect_diagnostics('detection: detection')
    good, bad = _plain(RED, width=640, height=480), _plain(RED, width=8, height=8)
    for number in range(1, 151):
        if number % 10:
            bench.publish(images, good, stamp_s=number)
        else:
            bench.publish(images, bad, stamp_s=number, encoding='32FC1')

    def settled():
        counts = [values_of(status) for status in statuses[-2:]]
        return len(counts) == 2 and counts[0]['received'] == counts[1]['received'] != '0'

    bench.wait_for(settled, 'the counters to stand still')
    assert bench.stop_newest() == 0
    bench.wait_for_final_counters(statuses, results)
    stamps = [message.header.stamp.sec for message in results]
    assert stamps == sorted(set(stamps))
    assert not [stamp for stamp in stamps if stamp % 10 == 0]


def test_bad_frames_are_counted_and_the_node_lives(bench, detection):
    _, images, results = detection
    statuses = bench.collect_diagnostics('detection: detection')
    broken = [Image(encoding='bgr8'),
              Image(encoding='bgr8', width=4, height=4, step=12, data=bytes(47)),
              Image(encoding='64FC4', width=1, height=1, step=32, data=bytes(32))]
    for count, message in enumerate(broken, start=1):
        images.publish(message)
        bench.wait_for_value(statuses, 'failed', count)
    assert any(status.level == DiagnosticStatus.ERROR and '1 of 1 frames failed' in status.message
               for status in statuses)
    header, message = _ask(bench, images, results, _plain(BLACK), stamp_s=9)
    assert message.header == header


def test_latency_of_every_frame_has_all_stages_and_the_frames_header(bench, detection):
    _, images, results = detection
    latencies = bench.collect(DiagnosticArray, '/detection/latency')
    bench.wait_for(lambda: bench.node.count_publishers('/detection/latency'), 'the topic')
    header, _ = _ask(bench, images, results, _plain(BLACK))
    bench.wait_for(lambda: latencies, 'the latency')
    assert latencies[0].header == header
    assert latencies[0].status[0].name == 'detection'
    values = values_of(latencies[0].status[0])
    assert tuple(values) == FrameLatency._fields
    assert all(float(value) >= 0 for value in values.values())


def test_a_frame_without_a_stamp_has_no_age(bench, detection):
    _, images, results = detection
    latencies = bench.collect(DiagnosticArray, '/detection/latency')
    bench.wait_for(lambda: bench.node.count_publishers('/detection/latency'), 'the topic')
    _ask(bench, images, results, _plain(BLACK), stamp_s=0)
    bench.wait_for(lambda: latencies, 'the latency')
    assert tuple(values_of(latencies[0].status[0])) == FrameLatency._fields[:-1]


def test_without_a_simulated_clock_there_is_no_age_but_there_are_diagnostics(bench, tmp_path):
    write_classifier(tmp_path / 'classifier.onnx')
    latencies = bench.collect(DiagnosticArray, '/classification/latency')
    statuses = bench.collect_diagnostics('classification: classification')
    images = bench.node.create_publisher(Image, 'image', image_qos('reliable'))
    bench.run_perception('classification', model=str(tmp_path / 'classifier.onnx'),
                         use_sim_time=True)
    bench.wait_for_subscriber(images)
    bench.publish(images, _plain(BLACK))
    bench.wait_for_value(statuses, 'processed', 1)
    bench.wait_for(lambda: latencies, 'the latency')
    assert tuple(values_of(latencies[0].status[0])) == FrameLatency._fields[:-1]


def test_an_overlay_is_published_while_somebody_listens(bench, detection):
    _, images, results = detection
    overlays = bench.collect(Image, '/detection/overlay')
    bench.wait_for(lambda: bench.node.count_publishers('/detection/overlay'), 'the topic')
    header, _ = _ask(bench, images, results, _quarters())
    bench.wait_for(lambda: overlays, 'the overlay')
    assert overlays[0].header == header
    assert (overlays[0].encoding, overlays[0].height, overlays[0].width) == ('bgr8', 48, 64)


def test_live_parameters_change_results_and_the_announced_threshold(bench, detection):
    node, images, results = detection
    infos = bench.collect(LabelInfo, '/detection/label_info', LATCHED_QOS)
    bench.wait_for(lambda: infos, 'the labels')
    assert infos[-1].threshold == 0.5
    faint = _plain((0, 0, 100))  # red of 100 / 255 = 0.39
    assert _ask(bench, images, results, faint)[1].detections == []
    result = node.set_parameters_atomically([
        Parameter('score_threshold', value=0.25), Parameter('max_detections', value=3),
        Parameter('class_id_format', value='name')])
    assert result.successful
    boxes = _boxes(_ask(bench, images, results, faint)[1])
    assert [box[0] for box in boxes] == ['red'] * 3
    bench.wait_for(lambda: infos[-1].threshold == 0.25, 'the new threshold')
    assert node.get_parameter('score_threshold').value == 0.25


def test_a_change_that_leaves_the_threshold_alone_announces_nothing(bench, detection):
    node, images, results = detection
    infos = bench.collect(LabelInfo, '/detection/label_info', LATCHED_QOS)
    bench.wait_for(lambda: infos, 'the labels')
    assert node.set_parameters([Parameter('max_detections', value=1)])[0].successful
    assert len(_ask(bench, images, results, _plain(RED))[1].detections) == 1
    assert node.set_parameters([Parameter('score_threshold', value=1)])[0].successful
    bench.wait_for(lambda: infos[-1].threshold == 1.0, 'the new threshold')
    assert len(infos) == 2


def test_parameters_are_told_as_they_are_the_cards_where_nobody_gave_one(bench, tmp_path):
    write_detector(tmp_path / 'detector.onnx')
    node = bench.run_perception('detection', model=str(tmp_path / 'detector.onnx'), nms_iou=1)
    assert bench.ask_parameters(node, 'score_threshold', 'nms_iou', 'max_detections',
                                'class_names') == [0.5, 1, 10, ['red', 'blue']]


def test_a_task_has_its_own_settings_only(bench, tmp_path):
    write_classifier(tmp_path / 'classifier.onnx')
    node = bench.run_perception('classification', model=str(tmp_path / 'classifier.onnx'))
    assert bench.ask_parameters(node, 'top_k') == [2]
    assert not node.has_parameter('score_threshold')


def test_a_setting_describes_itself_with_text_range_and_rule(bench, detection):
    node, _, _ = detection
    threshold, model, transport = node.describe_parameters(
        ['score_threshold', 'model', 'image_transport'])
    assert threshold.description == 'the least score that a box needs'
    assert threshold.additional_constraints == 'a number 0 to 1'
    span = threshold.floating_point_range[0]
    assert (span.from_value, span.to_value, threshold.read_only) == (0.0, 1.0, False)
    assert model.read_only
    assert transport.additional_constraints == 'one of raw, compressed'


@pytest.mark.parametrize(('name', 'value', 'reason'), [
    ('score_threshold', -0.5, 'score_threshold out of range.* 0.0.* 1.0.* -0.5'),
    ('score_threshold', 2, 'score_threshold is 2, expected a number 0 to 1'),
    ('score_threshold', float('nan'), 'nan'),
    ('score_threshold', 'high', "score_threshold is 'high', expected a number"),
    ('max_detections', 0, 'max_detections out of range.* 1.* 100000.* 0'),
    ('max_detections', 5.0, 'max_detections is 5.0, expected a whole number 1 to 100000'),
    ('class_id_format', 'number', "class_id_format is 'number', expected one of index, name"),
    ('model', 'other.onnx', 'read-only'),
    ('class_names', ['a'], 'read-only'),
])
def test_a_bad_live_value_is_rejected_with_a_reason_and_nothing_changes(bench, detection, name,
                                                                        value, reason):
    node, images, results = detection
    before = node.get_parameter(name).value
    result = node.set_parameters_atomically([
        Parameter('nms_iou', value=0.75), Parameter(name, value=value)])
    assert not result.successful
    assert re.search(reason, result.reason)
    assert (node.get_parameter(name).value, node.get_parameter('nms_iou').value) == (before, 0.5)


def test_a_late_joiner_gets_labels_and_method(bench, detection):
    node, images, results = detection
    _ask(bench, images, results, _plain(BLACK))
    labels = bench.collect(LabelInfo, '/detection/label_info', LATCHED_QOS)
    methods = bench.collect(VisionInfo, '/detection/vision_info', LATCHED_QOS)
    bench.wait_for(lambda: labels and methods, 'the latched messages')
    assert [item.class_name for item in labels[0].class_map] == ['red', 'blue']
    assert methods[0].method == 'tiny detection'
    namespace, _, parameter = methods[0].database_location.rpartition('/')
    assert namespace == node.get_fully_qualified_name()
    assert bench.ask_parameters(node, parameter) == [['red', 'blue']]


def test_the_announced_version_changes_with_the_model_file(bench, tmp_path):
    versions = []
    for name, size in (('first', 32), ('copy', 32), ('second', 64)):
        write_detector(tmp_path / f'{name}.onnx', size=size)
        infos = bench.collect(VisionInfo, f'/{name}/vision_info', LATCHED_QOS)
        bench.run_perception('detection', name=name, model=str(tmp_path / f'{name}.onnx'))
        bench.wait_for(lambda infos=infos: infos, 'the method')
        versions.append(infos[0].database_version)
    assert versions[0] == versions[1] == model_number(str(tmp_path / 'first.onnx'))
    assert versions[0] != versions[2]


def test_a_volatile_best_effort_subscriber_gets_results_too(bench, detection):
    _, images, results = detection
    others = bench.collect(Detection2DArray, '/detection/detections', QoSProfile(
        depth=1, reliability=QoSReliabilityPolicy.BEST_EFFORT))
    bench.wait_for(lambda: bench.node.count_subscribers('/detection/detections') == 2, 'it')
    bench.wait_for(lambda: _ask(bench, images, results, _plain(BLACK)) and others, 'a result')


def test_closing_a_node_publishes_final_counters_that_add_up(bench, detection):
    _, images, results = detection
    statuses = bench.collect_diagnostics('detection: detection')
    _ask(bench, images, results, _plain(BLACK))
    for _ in range(5):
        bench.publish(images, _plain(RED, width=640, height=480))
    assert bench.stop_newest() == 0
    bench.wait_for_final_counters(statuses, results)


def test_a_node_that_is_stopped_unsubscribes_and_goes_on_counting_when_started_again(bench,
                                                                                     detection):
    _, images, results = detection
    statuses = bench.collect_diagnostics('detection: detection')
    _ask(bench, images, results, _plain(BLACK), stamp_s=1)
    resume = bench.pause_newest()
    bench.wait_for(lambda: images.get_subscription_count() == 0, 'the end of the subscription')
    bench.publish(images, _plain(BLACK), stamp_s=2)
    resume()
    bench.wait_for_subscriber(images)
    header, message = _ask(bench, images, results, _plain(BLACK), stamp_s=3)
    assert message.header == header
    assert bench.stop_newest() == 0
    bench.wait_for_final_counters(statuses, results)
    assert values_of(statuses[-1])['processed'] == '2'


def test_a_destroyed_part_leaves_no_topic_behind(bench, tmp_path):
    write_detector(tmp_path / 'detector.onnx')
    bench.run_perception('detection', model=str(tmp_path / 'detector.onnx'))
    part, node = bench.newest()

    def topics():
        return dict(node.get_publisher_names_and_types_by_node(node.get_name(), '/'))

    own = {'/detection/detections', '/detection/latency', '/diagnostics'}
    bench.wait_for(lambda: own < set(topics()), 'the topics')
    bench.pause_newest()
    part.destroy()
    bench.wait_for(lambda: not [topic for topic in topics() if topic in own
                                or topic.startswith('/detection/')], 'their end')
    bench.forget_newest()


@pytest.mark.parametrize(('parameters', 'error', 'sentence'), [
    ({}, SettingError, 'parameter model is empty.*for example: ros2 run edgenext_ros detection'),
    ({'model': 'absent.onnx'}, EngineError, 'absent.onnx'),
    ({'model': 'segmenter.onnx'}, ModelCardError, 'for segmentation, expected one for detection'),
    ({'model': 'detector.onnx', 'threads': 'four'}, SettingError, "threads is 'four', expected"),
    ({'model': 'detector.onnx', 'max_detections': 0}, SettingError,
     r'max_detections \(at most .*\) must be a whole number 1 to 100000: .*out of range.*0'),
    ({'model': 'detector.onnx', 'nms_iou': 'half'}, SettingError,
     "nms_iou is 'half', expected a number 0 to 1"),
    ({'model': 'detector.onnx', 'image_transport': 'theora'}, SettingError,
     "image_transport is 'theora', expected one of raw, compressed"),
    ({'model': 'detector.onnx', 'backend': 'abacus'}, SettingError, "backend is 'abacus'"),
])
def test_a_node_that_cannot_start_says_why(bench, tmp_path, monkeypatch, parameters, error,
                                           sentence):
    monkeypatch.chdir(tmp_path)
    write_segmenter(tmp_path / 'segmenter.onnx')
    write_detector(tmp_path / 'detector.onnx')
    with pytest.raises(error, match=sentence):
        bench.run_perception('detection', **parameters)
