"""
What one task says of one camera: its topics, its counters, its latency, its diagnostics.

Threads: the worker's thread calls ``publish`` and ``log_failure``; the executor's thread calls
``announce`` and ``status``, and sets ``class_id_format``, which the worker reads anew for every
result. The slot's counters and the latency window have locks of their own.
"""

import time
from typing import Any, Dict, NamedTuple, Optional, Tuple

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.node import Node
from rclpy.time import Time
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from vision_msgs.msg import LabelInfo, VisionInfo

from edgenext_core.runtime.engines.interface import Engine
from edgenext_core.runtime.model_card import ModelCard
from edgenext_core.runtime.pipeline import Answer
from edgenext_core.runtime.records import Record
from edgenext_core.runtime.settings import Settings
from edgenext_core.runtime.tasks import TASKS
from edgenext_ros.conversions import label_info_to_ros, vision_info_to_ros
from edgenext_ros.diagnostics import (
    counter_values,
    diagnostic_array,
    key_values,
    latency_status,
    latency_values,
    status_prefix,
)
from edgenext_ros.frame_slot import CameraFrame, FrameCounts, FrameSlot
from edgenext_ros.image_input import ImageInput
from edgenext_ros.images import image_from_frame
from edgenext_ros.latency import FrameLatency, LatencyWindow
from edgenext_ros.qos import LATCHED_QOS, RESULT_QOS
from edgenext_ros.tasks import ROS_TASKS

ERROR_LOG_PERIOD_S = 5.0


class ServedModel(NamedTuple):
    """
    What a stream tells of its model.

    ``path`` is its file, ``number`` that file's, as ``model_number`` gives it; ``engine`` is what
    runs it; ``names_parameter`` is the full name of the parameter that lists its classes.
    """

    path: str
    number: int
    engine: Engine
    names_parameter: str

    @property
    def card(self) -> ModelCard:
        """Give the model's card."""
        return self.engine.card

    @property
    def backend(self) -> str:
        """Name what runs it, with the version."""
        return f'{self.engine.backend} {self.engine.version}'


class ResultStream:
    """Publish one task's results for one camera, and keep account of its frames."""

    def __init__(self, node: Node, image_input: ImageInput, *, model: ServedModel, slot: FrameSlot,
                 prefix: str, class_id_format: str) -> None:
        """
        Make the publishers and tell which model speaks.

        :param node: the node
        :param image_input: the camera
        :param model: the model that answers
        :param slot: where the camera's frames wait for this task
        :param prefix: of the topics, such as '~'
        :param class_id_format: one of ``conversions.CLASS_ID_FORMATS``
        """
        self.slot = slot
        self.class_id_format = class_id_format
        self._node = node
        self._input = image_input
        self._model = model
        self._task = ROS_TASKS[model.card.task]
        self._name = status_prefix(node)
        self._window = LatencyWindow()
        self._published = 0
        self._last_counts = slot.counts()
        self._zero_stamp_told = False
        self._create_publishers(prefix)
        self._vision_infos.publish(vision_info_to_ros(
            model.card, self._stamp_now(), database_location=model.names_parameter,
            database_version=model.number))

    def destroy(self) -> None:
        """Destroy the publishers."""
        for publisher in (self._results, self._latencies, self._overlays, self._label_infos,
                          self._vision_infos):
            self._node.destroy_publisher(publisher)

    def announce(self, settings: Settings) -> None:
        """
        Publish which index is which class, and the least score that is published.

        :param settings: of the task
        """
        self._label_infos.publish(label_info_to_ros(
            self._model.card, self._stamp_now(), threshold=self._task.threshold(settings)))

    def publish(self, frame: CameraFrame, answer: Answer, *, queue_ms: float, decode_ms: float
                ) -> None:
        """
        Publish a frame's result and its latency, and the overlay where somebody listens.

        :param frame: the frame
        :param answer: what the model gave
        :param queue_ms: how long the frame waited, in milliseconds
        :param decode_ms: how long its decoding took, in milliseconds
        """
        header = frame.message.header
        answered_s = time.monotonic()
        self._results.publish(self._task.to_ros(answer.record, header, self._model.card.labels,
                                                self.class_id_format))
        self._published += 1
        published_s = time.monotonic()
        latency = FrameLatency(
            queue_ms=queue_ms, decode_ms=decode_ms, preprocess_ms=answer.times.preprocess_ms,
            infer_ms=answer.times.infer_ms, postprocess_ms=answer.times.postprocess_ms,
            publish_ms=(published_s - answered_s) * 1e3, age_ms=self._age_ms(header.stamp))
        self._latencies.publish(diagnostic_array(header, latency_status(self._name, latency)))
        self._window.add(latency, finished_s=published_s)
        if self._overlays.get_subscription_count():
            self._publish_overlay(frame, answer.record)

    def log_failure(self, text: str) -> None:
        """
        Log why a frame failed, one line in a while.

        :param text: the reason
        """
        self._node.get_logger().error(text, throttle_duration_sec=ERROR_LOG_PERIOD_S)

    def status(self) -> DiagnosticStatus:
        """
        Describe the state, and judge what has happened since the last call.

        :return: counters, rate, percentiles, model and camera
        """
        counts = self.slot.counts()
        level, text = self._judge(counts)
        self._last_counts = counts
        values: Dict[str, Any] = counter_values(counts, published=self._published)
        values['rate_hz'] = self._window.rate_hz(now_s=time.monotonic())
        values.update(latency_values(self._window))
        engine = self._model.engine
        values.update(model=self._model.path, backend=self._model.backend, device=engine.device,
                      precision=engine.precision, choice=engine.choice,
                      image_topic=self._input.topic, image_reliability=self._input.reliability)
        return DiagnosticStatus(
            level=level, name=f'{self._name}: {self._model.card.task}', message=text,
            hardware_id=self._model.backend, values=key_values(values))

    @property
    def publishers(self) -> Tuple[Any, ...]:
        """Return those whose last messages are worth waiting for."""
        return self._results, self._latencies

    def _create_publishers(self, prefix: str) -> None:
        create = self._node.create_publisher
        self._results = create(self._task.message_type, f'{prefix}/{self._task.topic}', RESULT_QOS)
        self._latencies = create(DiagnosticArray, f'{prefix}/latency', RESULT_QOS)
        self._overlays = create(Image, f'{prefix}/overlay', RESULT_QOS)
        self._label_infos = create(LabelInfo, f'{prefix}/label_info', LATCHED_QOS)
        self._vision_infos = create(VisionInfo, f'{prefix}/vision_info', LATCHED_QOS)

    def _publish_overlay(self, frame: CameraFrame, record: Record) -> None:
        card = self._model.card
        picture = TASKS[card.task].draw(frame.decode(), record, card)
        self._overlays.publish(image_from_frame(picture, frame.message.header, 'bgr8'))

    def _age_ms(self, stamp: Any) -> Optional[float]:
        taken = Time.from_msg(stamp).nanoseconds
        now = self._node.get_clock().now().nanoseconds
        if taken == 0 and not self._zero_stamp_told:
            self._zero_stamp_told = True
            self._node.get_logger().warning(
                f'frames on {self._input.topic} have no time stamp, so their age is unknown and '
                'other nodes cannot match the results; set header.stamp in the camera driver')
        return (now - taken) / 1e6 if taken and now else None

    def _stamp_now(self) -> Header:
        return Header(stamp=self._node.get_clock().now().to_msg())

    def _judge(self, counts: FrameCounts) -> Tuple[Any, str]:
        """Give the level and the sentence for what happened since the last report."""
        failed = counts.failed - self._last_counts.failed
        processed = counts.processed - self._last_counts.processed
        if failed:
            level = DiagnosticStatus.WARN if processed else DiagnosticStatus.ERROR
            return level, f'{failed} of {failed + processed} frames failed; see the log'
        silence = self._input.find_silence()
        if silence is not None:
            return DiagnosticStatus.WARN, silence
        return DiagnosticStatus.OK, 'running'
