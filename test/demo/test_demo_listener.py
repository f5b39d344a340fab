"""What the demo hears of the camera and the nodes goes into its bag and its table."""

import time

import numpy as np
import pytest
import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from full_disk import files_limited_to
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.serialization import deserialize_message
from rclpy.signals import SignalHandlerOptions
from rosbags.highlevel import AnyReader
from sample_run import RECORDS, header, label_info, plain_frame, vision_info
from sensor_msgs.msg import CompressedImage

from edgenext_demo.bag_reader import BagReader, stamp_of
from edgenext_demo.bag_writer import BagWriter
from edgenext_demo.errors import DemoError
from edgenext_demo.listener import Listener
from edgenext_demo.node_figures import Counters
from edgenext_demo.process_group import private_environment
from edgenext_demo.topics import FRAMES, result_topic, truth_topic
from edgenext_ros.diagnostics import diagnostic_array, key_values
from edgenext_ros.images import compressed_from_frame
from edgenext_ros.qos import LATCHED_QOS, RESULT_QOS
from edgenext_ros.tasks import ROS_TASKS

PATIENCE_S = 30
STAMP_NS = 7000000005


@pytest.fixture
def graph(monkeypatch):
    """Give a ROS context of its own and an executor, apart from all other graphs."""
    for name, value in private_environment('').items():
        if name.startswith('ROS_'):
            monkeypatch.setenv(name, value)
    context = rclpy.Context()
    rclpy.init(context=context, signal_handler_options=SignalHandlerOptions.NO)
    executor = SingleThreadedExecutor(context=context)
    yield context, executor
    executor.shutdown()
    rclpy.shutdown(context=context)


def spin_until(executor, condition):
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s
        executor.spin_once(timeout_sec=0.1)


class CountingBag(BagWriter):
    """A bag that tells which topics it holds."""

    def __init__(self, folder):
        super().__init__(folder)
        self.heard = set()

    def write(self, topic, serialized, *, received_ns):
        super().write(topic, serialized, received_ns=received_ns)
        self.heard.add(topic)


def streamed_messages(models):
    """Make a message for every topic that is published frame by frame, or every second."""
    about = header(STAMP_NS)
    messages = {
        FRAMES: compressed_from_frame(plain_frame(), about),
        '/diagnostics': DiagnosticArray(header=about, status=[
            DiagnosticStatus(name='camera: source', message='sending',
                             values=key_values({'sent': 9, 'skipped': 0})),
            DiagnosticStatus(name='a stranger: heat', values=key_values({'sent': 'many'}))] + [
            DiagnosticStatus(name=f'{model.node}: {model.card.task}', hardware_id='an engine',
                             values=key_values(Counters(5, 3, 1, 1, 3)._asdict()))
            for model in models]),
    }
    for model in models:
        task = model.card.task
        for topic in (result_topic(model), truth_topic(model)):
            messages[topic] = ROS_TASKS[task].to_ros(RECORDS[task], about, model.card.labels,
                                                     'index')
        messages[f'/{model.node}/latency'] = diagnostic_array(about, DiagnosticStatus(
            values=key_values({'infer_ms': 4.5, 'age_ms': 6.25})))
    return messages


def latched_messages(models):
    """Make a message for every topic that is published once."""
    about = header(STAMP_NS)
    messages = {}
    for model in models:
        messages[f'/{model.node}/label_info'] = label_info(about)
        messages[f'/{model.node}/vision_info'] = vision_info(about)
    return messages


def create_publishers(node, messages, qos):
    return {topic: node.create_publisher(type(message), topic, qos)
            for topic, message in messages.items()}


def test_everything_that_is_said_is_in_the_bag_as_it_was_said(graph, models, tmp_path):
    context, executor = graph
    speaker, node = (Node(name, context=context) for name in ('speaker', 'demo'))
    models = list(models.values())
    streamed, latched = streamed_messages(models), latched_messages(models)
    publishers = create_publishers(speaker, streamed, RESULT_QOS)
    for topic, publisher in create_publishers(speaker, latched, LATCHED_QOS).items():
        publisher.publish(latched[topic])  # before anybody listens
    with CountingBag(str(tmp_path / 'bag')) as bag:
        listener = Listener(node, models, bag=bag)
        executor.add_node(node)
        spin_until(executor, lambda: listener.ask_for_frames() or all(
            publisher.get_subscription_count() for publisher in publishers.values()))
        for topic, publisher in publishers.items():
            publisher.publish(streamed[topic])
        spin_until(executor, lambda: len(bag.heard) == len(streamed) + len(latched))
    assert (listener.camera_state, listener.sent, listener.frames) == ('sending', 9, 1)
    for model in models:
        figures = listener.nodes[model.node]
        assert figures.counters == Counters(5, 3, 1, 1, 3)
        assert figures.counters.settled
        assert (figures.counters_heard, figures.backend) == (1, 'an engine')
        newest = streamed[result_topic(model)]
        assert deserialize_message(figures.newest, type(newest)) == newest
        assert list(figures.stages_ms['infer']) == [4.5]
        assert figures.age_ms == {STAMP_NS: 6.25}
        assert figures.rate_hz() > 0
    with BagReader(str(tmp_path / 'bag')) as bag:
        for topic, message in {**streamed, **latched}.items():
            ((stamp_ns, serialized),) = bag.messages(topic)
            assert stamp_ns == STAMP_NS
            assert deserialize_message(serialized, type(message)) == message


def test_the_bag_tells_when_a_message_came_and_the_header_when_its_frame_was_taken(
        graph, models, tmp_path):
    context, executor = graph
    speaker, node = (Node(name, context=context) for name in ('speaker', 'demo'))
    begun_ns = time.time_ns()
    with CountingBag(str(tmp_path / 'bag')) as bag:
        listener = Listener(node, list(models.values()), bag=bag)
        executor.add_node(node)
        say_one_frame(speaker, executor, plain_frame(), listener=listener, models=models)
        spin_until(executor, lambda: FRAMES in bag.heard)
    with AnyReader([tmp_path / 'bag']) as reader:
        ((_, received_ns, raw),) = reader.messages()
    assert begun_ns <= received_ns <= time.time_ns()
    assert stamp_of(raw) == STAMP_NS


def test_a_full_disk_ends_the_listening_with_one_sentence(graph, models, tmp_path):
    context, executor = graph
    speaker, node = (Node(name, context=context) for name in ('speaker', 'demo'))
    noise = np.random.default_rng(0).integers(0, 256, (1000, 1000, 3), dtype=np.uint8)
    with files_limited_to(10 ** 5), pytest.raises(DemoError, match='cannot write the bag'), \
            CountingBag(str(tmp_path / 'bag')) as bag:
        listener = Listener(node, list(models.values()), bag=bag)
        executor.add_node(node)
        for _ in range(PATIENCE_S):
            say_one_frame(speaker, executor, noise, listener=listener, models=models)
            executor.spin_once(timeout_sec=1.0)


def test_frames_are_asked_for_when_everybody_else_who_speaks_is_found(graph, models, tmp_path):
    context, executor = graph
    speaker, node = (Node(name, context=context) for name in ('speaker', 'demo'))
    frames = speaker.create_publisher(CompressedImage, FRAMES, RESULT_QOS)
    *others, last = [(topic, message) for topic, message
                     in streamed_messages(list(models.values())).items() if topic != FRAMES]
    create_publishers(speaker, dict(others), RESULT_QOS)
    create_publishers(speaker, latched_messages(list(models.values())), LATCHED_QOS)
    with CountingBag(str(tmp_path / 'bag')) as bag:
        listener = Listener(node, list(models.values()), bag=bag)
        executor.add_node(node)
        spin_until(executor, lambda: all(node.count_publishers(topic) for topic, _ in others))
        listener.ask_for_frames()
        assert node.count_subscribers(FRAMES) == 0

        create_publishers(speaker, dict([last]), RESULT_QOS)
        spin_until(executor, lambda: listener.ask_for_frames() or frames.get_subscription_count())
        listener.ask_for_frames()
        assert node.count_subscribers(FRAMES) == 1


def say_one_frame(speaker, executor, frame_bgr, *, listener, models):
    """Publish a frame as soon as the listener, who finds everybody else, listens."""
    models = list(models.values())
    others = {topic: message for topic, message in streamed_messages(models).items()
              if topic != FRAMES}
    create_publishers(speaker, others, RESULT_QOS)
    create_publishers(speaker, latched_messages(models), LATCHED_QOS)
    publisher = speaker.create_publisher(CompressedImage, FRAMES, RESULT_QOS)
    spin_until(executor, lambda: (listener.ask_for_frames()
                                  or publisher.get_subscription_count()))
    publisher.publish(compressed_from_frame(frame_bgr, header(STAMP_NS)))
