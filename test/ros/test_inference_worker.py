"""The worker: real engines for several tasks and cameras, in fair turns, on one thread."""

import threading

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from tiny_models import write_classifier, write_detector
from vision_msgs.msg import Classification, Detection2DArray

from edgenext_core.runtime.pipeline import open_pipeline
from edgenext_ros.frame_slot import CameraFrame, FrameCounts, FrameSlot
from edgenext_ros.image_input import ImageInput
from edgenext_ros.images import frame_from_image, image_from_frame
from edgenext_ros.inference_worker import InferenceWorker, Job
from edgenext_ros.qos import image_qos
from edgenext_ros.result_stream import ResultStream, ServedModel

RED = np.full((48, 64, 3), (0, 0, 255), np.uint8)


class Rig:
    """Cameras, models and their streams in one process, as a node of several tasks has them."""

    def __init__(self, bench, folder):
        self.bench = bench
        self.changed = threading.Condition()
        self.decoded = []
        self._folder = folder
        self._jobs = []
        self._workers = []

    def pipeline(self, write, name):
        write(self._folder / name)
        return open_pipeline(str(self._folder / name))

    def camera(self, topic):
        return ImageInput(self.bench.node, topic, transport='raw', reliability_setting='auto')

    def stream(self, pipeline, camera, prefix):
        model = ServedModel('model.onnx', 1, pipeline.engine, '/bench/class_names')
        stream = ResultStream(self.bench.node, camera, model=model, slot=FrameSlot(self.changed),
                              prefix=prefix, class_id_format='index')
        self._jobs.append(Job(pipeline, stream))
        return stream

    def worker(self):
        self._workers.append(InferenceWorker(self._jobs, self.changed))
        return self._workers[-1]

    def frame(self, number, *, encoding='bgr8'):
        header = Header(frame_id='lens')
        header.stamp.sec = number
        return CameraFrame(image_from_frame(RED, header, encoding), self._decode)

    def _decode(self, message):
        self.decoded.append(message.header.stamp.sec)
        return frame_from_image(message)

    def close(self):
        for worker in self._workers:
            worker.stop()
        for pipeline in {id(job.pipeline): job.pipeline for job in self._jobs}.values():
            pipeline.close()


@pytest.fixture
def rig(bench, tmp_path):
    rig = Rig(bench, tmp_path)
    yield rig
    rig.close()


@pytest.fixture
def two_tasks(rig):
    """Let a classifier and a detector watch one camera."""
    camera = rig.camera('front')
    return [rig.stream(rig.pipeline(write_classifier, 'c.onnx'), camera, 'classification'),
            rig.stream(rig.pipeline(write_detector, 'd.onnx'), camera, 'detection')]


@pytest.fixture
def two_cameras(rig):
    """Let one detector watch two cameras."""
    detector = rig.pipeline(write_detector, 'd.onnx')
    return [rig.stream(detector, rig.camera(name), name) for name in ('front', 'rear')]


def _processed(streams):
    return [stream.slot.counts().processed for stream in streams]


@pytest.mark.parametrize('streams', ['two_tasks', 'two_cameras'])
def test_streams_that_always_have_a_frame_take_turns(rig, streams, request):
    streams = request.getfixturevalue(streams)
    worker = rig.worker()
    order = []
    for number in range(1, 9):
        for stream in streams:
            stream.slot.put(rig.frame(number))
        before = _processed(streams)
        assert worker.take_turn()
        order.append([after - past for after, past in zip(_processed(streams), before)])
    assert order == [[1, 0], [0, 1]] * 4


def test_a_flood_of_one_camera_does_not_keep_the_other_one_waiting(rig, two_cameras):
    front, rear = two_cameras
    worker = rig.worker()
    for number in range(1, 4):
        front.slot.put(rig.frame(number))
    assert worker.take_turn()
    for number in range(4, 8):
        front.slot.put(rig.frame(number))
    rear.slot.put(rig.frame(1))
    assert worker.take_turn()
    assert rear.slot.counts() == FrameCounts(1, 1, 0, 0, 0)
    assert front.slot.counts() == FrameCounts(7, 1, 5, 0, 1)


def test_a_stream_without_frames_costs_the_others_no_turn(rig, two_cameras):
    front, _ = two_cameras
    worker = rig.worker()
    for number in range(1, 4):
        front.slot.put(rig.frame(number))
        assert worker.take_turn()
    assert _processed(two_cameras) == [3, 0]


def test_a_frame_that_two_tasks_want_is_decoded_once(rig, two_tasks):
    worker = rig.worker()
    for number in (1, 2, 3):
        frame = rig.frame(number)
        for stream in two_tasks:
            stream.slot.put(frame)
        assert worker.take_turn() and worker.take_turn()
    assert rig.decoded == [1, 2, 3]
    assert _processed(two_tasks) == [3, 3]


def test_a_bad_frame_fails_in_every_task_and_the_next_one_is_answered(rig, two_tasks):
    worker = rig.worker()
    for frame in (rig.frame(1, encoding='32FC1'), rig.frame(2)):
        for stream in two_tasks:
            stream.slot.put(frame)
        assert worker.take_turn() and worker.take_turn()
    for stream in two_tasks:
        assert stream.slot.counts() == FrameCounts(2, 1, 0, 1, 0)


def test_a_task_that_breaks_leaves_the_other_ones_results_alone(rig, two_tasks):
    classification, detection = two_tasks
    worker = rig.worker()
    classification.destroy()  # its publishers raise from now on
    for number in (1, 2):
        for stream in two_tasks:
            stream.slot.put(rig.frame(number))
        assert worker.take_turn() and worker.take_turn()
    assert classification.slot.counts() == FrameCounts(2, 0, 0, 2, 0)
    assert detection.slot.counts() == FrameCounts(2, 2, 0, 0, 0)


def test_each_stream_publishes_its_own_results_under_its_own_prefix(rig, two_tasks):
    labels = rig.bench.collect(Classification, 'classification/labels')
    boxes = rig.bench.collect(Detection2DArray, 'detection/detections')
    latencies = rig.bench.collect(DiagnosticArray, 'detection/latency')
    rig.bench.wait_for(
        lambda: all(rig.bench.node.count_subscribers(topic) for topic in (
            'classification/labels', 'detection/detections')), 'the topics')
    worker = rig.worker()
    worker.start()
    frame = rig.frame(5)
    for stream in two_tasks:
        stream.slot.put(frame)
    rig.bench.wait_for(lambda: labels and boxes and latencies, 'the results')
    worker.stop()
    assert labels[0].header == boxes[0].header == latencies[0].header == frame.message.header
    assert labels[0].results[0].class_id == '2'
    assert len(boxes[0].detections) == 4


def test_a_worker_that_waits_can_be_stopped_and_started_again(rig, two_cameras):
    worker = rig.worker()
    for number in (1, 2):
        worker.start()
        for stream in two_cameras:
            stream.slot.put(rig.frame(number))
        rig.bench.wait_for(lambda number=number: _processed(two_cameras) == [number] * 2, 'both')
        worker.stop()
        assert not [thread for thread in threading.enumerate() if thread.name == 'worker']
    assert not worker.take_turn()


def test_stopping_finishes_the_frame_in_work_and_drops_those_that_wait(rig, two_cameras):
    worker = rig.worker()
    started, may_end = threading.Event(), threading.Event()

    def decode_slowly(message):
        started.set()
        assert may_end.wait(30)
        return frame_from_image(message)

    front, rear = two_cameras
    front.slot.put(CameraFrame(rig.frame(1).message, decode_slowly))
    worker.start()
    assert started.wait(30)
    for stream in two_cameras:
        stream.slot.put(rig.frame(2))
    stopping = threading.Thread(target=worker.stop)
    stopping.start()
    rig.bench.wait_for(lambda: rear.slot.counts().dropped, 'the waiting frames to be dropped')
    may_end.set()
    stopping.join(30)
    assert front.slot.counts() == FrameCounts(2, 1, 1, 0, 0)
    assert rear.slot.counts() == FrameCounts(1, 0, 1, 0, 0)


def test_the_counters_of_every_stream_add_up_in_every_snapshot(rig, two_tasks):
    worker, gaps, sent = rig.worker(), set(), 0

    def flood():
        nonlocal sent
        sent += 1
        frame = rig.frame(sent, encoding='bgr8' if sent % 3 else '32FC1')
        for stream in two_tasks:
            stream.slot.put(frame)
            counts = stream.slot.counts()
            gaps.add(counts.received - sum(counts[1:]))
        return all(counts.processed > 5 and counts.failed > 2 and counts.dropped > 5
                   for counts in (stream.slot.counts() for stream in two_tasks))

    worker.start()
    rig.bench.wait_for(lambda: [flood(), flood()][1], 'frames of every fate')
    worker.stop()
    assert gaps == {0}
    for stream in two_tasks:
        counts = stream.slot.counts()
        assert (counts.received, counts.unfinished) == (sent, 0)


def test_one_subscription_feeds_all_tasks_of_a_camera(rig, two_tasks):
    camera, worker = rig.camera('front'), rig.worker()
    images = rig.bench.node.create_publisher(Image, 'front', image_qos('reliable'))
    worker.start()
    camera.start([stream.slot for stream in two_tasks])
    rig.bench.wait_for_subscriber(images)
    rig.bench.wait_for(lambda: rig.bench.node.count_subscribers('front') == 1, 'one of them')
    rig.bench.publish(images, RED)
    rig.bench.wait_for(lambda: _processed(two_tasks) == [1, 1], 'both answers')
    camera.stop()
    worker.stop()
    rig.bench.wait_for(lambda: rig.bench.node.count_subscribers('front') == 0, 'its end')
