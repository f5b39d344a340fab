"""A perception node on TensorRT, on its double, over real DDS."""

import json
import signal
from pathlib import Path

import numpy as np
import pytest
import tensorrt_double
from bench import values_of
from built_engines import build, for_jetson_nano
from sensor_msgs.msg import Image
from tensorrt_double.api_table import FULL_VERSIONS
from tiny_models import write_classifier, write_detector
from vision_msgs.msg import Classification, Detection2DArray

from edgenext_ros.qos import image_qos


@pytest.fixture
def version(request, tmp_path):
    """Stand for a TensorRT, until the nodes of the bench, which is set up later, have ended."""
    with tensorrt_double.installed(request.param, tmp_path):
        yield request.param


@pytest.mark.parametrize('version', ['8.2', '10.3'], indirect=True)
def test_a_node_on_tensorrt_publishes_what_a_node_on_onnx_runtime_publishes(version, bench,
                                                                           tmp_path):
    model = str(tmp_path / 'detector.onnx')
    write_detector(model)
    if version == '8.2':
        for_jetson_nano(model, model)
    path = build(model)
    statuses = bench.collect_diagnostics('gpu: detection')
    bench.run_perception('detection', name='gpu', model=model)
    bench.run_perception('detection', name='cpu', model=model, backend='onnxruntime')
    images = bench.node.create_publisher(Image, 'image', image_qos('reliable'))
    answers = [bench.collect(Detection2DArray, f'/{name}/detections')
               for name in ('gpu', 'cpu')]
    bench.wait_for_subscriber(images, 2)
    bench.wait_for(lambda: bench.node.count_publishers('/gpu/detections')
                   and bench.node.count_publishers('/cpu/detections'), 'the results')
    for seed in range(3):
        frame = np.random.default_rng(seed).integers(0, 256, (48, 64, 3)).astype(np.uint8)
        bench.publish(images, frame, stamp_s=seed + 1)
        for found in answers:
            bench.wait_for_count(found, seed + 1)
    assert answers[0] == answers[1] and any(message.detections for message in answers[0])

    device = tensorrt_double.DEVICES[version][0]
    bench.wait_for(lambda: statuses, 'diagnostics')
    values = values_of(statuses[-1])
    assert values['backend'] == f'tensorrt {FULL_VERSIONS[version]}'
    assert statuses[-1].hardware_id == values['backend'] and values['device'] == device
    assert values['precision'].startswith('float16 in ')
    assert values['choice'] == (f'TensorRT {FULL_VERSIONS[version]} on {device}, since {path} '
                                'fits this machine')


@pytest.mark.parametrize('version', ['10.3'], indirect=True)
def test_auto_falls_back_to_onnx_runtime_and_the_diagnostics_say_why(version, bench, tmp_path):
    model = str(tmp_path / 'classifier.onnx')
    write_classifier(model)
    path = build(model)
    sidecar = json.loads(Path(f'{path}.json').read_text())
    Path(f'{path}.json').write_text(json.dumps(dict(sidecar, tensorrt='TensorRT 8.6.1')))
    statuses = bench.collect_diagnostics('classification: classification')
    bench.run_perception('classification', model=model)
    bench.wait_for(lambda: statuses, 'diagnostics')
    values = values_of(statuses[-1])
    assert values['backend'].startswith('onnxruntime ')
    assert (values['precision'], values['device']) == ('float32', 'CPU')
    assert (f', since {path} was built for TensorRT 8.6.1, this machine and model have '
            'TensorRT 10.3.0; build it with: edgenext build ') in values['choice']


@pytest.mark.parametrize('version', ['10.3'], indirect=True)
def test_a_node_of_its_own_says_its_choice_and_ends_in_order(version, bench, tmp_path, start,
                                                             finish):
    model = str(tmp_path / 'classifier.onnx')
    write_classifier(model)
    engine = build(model)
    process = start('classification', model=engine)
    images = bench.node.create_publisher(Image, 'image', image_qos('reliable'))
    results = bench.collect(Classification, '/classification/labels')
    bench.wait_for_subscriber(images)
    bench.wait_for(lambda: bench.publish(images, np.zeros((48, 64, 3), np.uint8)) and results,
                   'a result')
    code, output = finish(process, signal.SIGINT)
    assert code == 0, output
    assert output.count(f'TensorRT 10.3.0 on Orin, since {engine} is an engine for it') == 1


def test_a_node_that_must_have_tensorrt_ends_with_the_reason(tmp_path, start, finish):
    model = str(tmp_path / 'classifier.onnx')
    write_classifier(model)
    code, output = finish(start('classification', model=model, backend='tensorrt'), None)
    assert code == 1
    assert 'no NVIDIA GPU was found' in output or 'is not installed' in output
