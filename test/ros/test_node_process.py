"""The nodes as processes: end to end over DDS, signals and exit codes."""

import signal

from diagnostic_msgs.msg import DiagnosticArray
from sensor_msgs.msg import Image
from tiny_models import write_classifier, write_detector, write_segmenter
from vision_msgs.msg import Classification, Detection2DArray

from edgenext_ros.qos import image_qos

FRAMES = 12


def test_a_synthetic_camera_becomes_labels_boxes_and_masks_with_the_same_headers(
        bench, start, finish, tmp_path):
    write_classifier(tmp_path / 'classification.onnx')
    write_detector(tmp_path / 'detection.onnx')
    write_segmenter(tmp_path / 'segmentation.onnx')
    results = {
        'classification': bench.collect(Classification, '/classification/labels'),
        'detection': bench.collect(Detection2DArray, '/detection/detections'),
        'segmentation': bench.collect(Image, '/segmentation/mask'),
    }
    latencies = {name: bench.collect(DiagnosticArray, f'/{name}/latency') for name in results}
    statuses = {name: bench.collect_diagnostics(f'{name}: {name}') for name in results}
    nodes = {name: start(name, model=tmp_path / f'{name}.onnx') for name in results}
    camera = start('camera', frames=FRAMES, rate_hz=15, width=320, height=240,
                   wait_for_subscribers=4)
    bench.wait_for(lambda: all(statuses.values()), 'the diagnostics of all three')
    images = bench.collect(Image, 'image', image_qos('reliable'))  # the fourth: now it starts
    code, output = finish(camera, None)
    assert code == 0, output
    assert f'synthetic: {FRAMES} frames sent' in output
    bench.wait_for_count(images, FRAMES)

    for name in nodes:
        bench.wait_for_value(statuses[name], 'received', FRAMES)
    headers = [image.header for image in images]
    for node in nodes.values():
        node.send_signal(signal.SIGINT)
    for name, node in nodes.items():
        code, output = finish(node, None)
        assert (code, 'Traceback' in output) == (0, False), output
        bench.wait_for_final_counters(statuses[name], results[name])
        assert results[name]
        bench.wait_for_count(latencies[name], len(results[name]))
        assert all(message.header in headers for message in results[name])
    assert all((mask.height, mask.width) == (240, 320) for mask in results['segmentation'])


def test_a_signal_in_a_running_stream_ends_the_nodes_cleanly(bench, start, finish, tmp_path):
    write_segmenter(tmp_path / 'segmenter.onnx')
    results = bench.collect(Image, '/segmentation/mask')
    statuses = bench.collect_diagnostics('segmentation: segmentation')
    node = start('segmentation', model=tmp_path / 'segmenter.onnx')
    camera = start('camera', wait_for_subscribers=2)
    bench.wait_for(lambda: statuses, 'the diagnostics')
    bench.collect(Image, 'image', image_qos('reliable'))  # the second: now it starts
    bench.wait_for(lambda: len(results) >= 2, 'results')
    for process, number in ((node, signal.SIGTERM), (camera, signal.SIGINT)):
        code, output = finish(process, number)
        assert (code, 'Traceback' in output) == (0, False), output
    bench.wait_for_final_counters(statuses, results)


def test_nodes_that_cannot_start_say_one_sentence_and_exit_with_an_error(start, finish, tmp_path):
    write_detector(tmp_path / 'detector.onnx')
    (tmp_path / 'cut.onnx').write_bytes((tmp_path / 'detector.onnx').read_bytes()[:400])
    expected = [
        (start('detection'), 'parameter model is empty'),
        (start('detection', model=tmp_path / 'cut.onnx'), 'cut.onnx'),
        (start('classification', model=tmp_path / 'detector.onnx'), 'is for detection'),
        (start('camera', source='absent.mp4'), "'absent.mp4' does not exist"),
    ]
    for process, sentence in expected:
        code, output = finish(process, None)
        assert code == 1, output
        lines = output.strip().splitlines()
        assert len(lines) == 1, output
        assert lines[0].startswith('[FATAL]') and sentence in lines[0]
