"""
What the three perception nodes share: a frame comes in, a task makes a record, messages go out.

Threads: the executor's thread runs the subscription, which only puts the message into the
newest-frame slot, the timers and the parameter callbacks; one worker thread decodes, infers and
publishes. A parameter that changes is a plain attribute, read anew for every frame.

A task is a class with

- ``name``, the task of the model card and the node's default name,
- ``topic`` and ``message_type`` of its result, relative to the node,
- ``parameters``, its own ParameterSpecs,
- a constructor that takes the engine and the parameters' values,
- ``configure(values)``, which takes them again when live ones have changed,
- ``threshold``, the least score that is published,
- ``run(frame_bgr)``, which gives the record and the StageTimes,
- ``to_ros(record, header, class_id_format)``, which gives the result message, and
- ``draw(frame_bgr, record)``, which gives the overlay.
"""

import os
import threading
import time
import traceback
from typing import Any, Dict, List, Optional, Type

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rcl_interfaces.msg import ParameterDescriptor
from rclpy.node import Node
from rclpy.time import Time
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header
from vision_msgs.msg import LabelInfo, VisionInfo

from edgenext_core.runtime.engines.backends import BACKENDS, open_engine
from edgenext_core.runtime.engines.interface import Engine
from edgenext_core.runtime.errors import EdgeNextError
from edgenext_ros import node_process
from edgenext_ros.conversions import CLASS_ID_FORMATS, label_info_to_ros, vision_info_to_ros
from edgenext_ros.diagnostics import (
    DIAGNOSTICS_PERIOD_S,
    DIAGNOSTICS_TOPIC,
    counter_values,
    diagnostic_array,
    key_values,
    latency_status,
    latency_values,
    status_prefix,
)
from edgenext_ros.frame_slot import FrameCounts, FrameSlot, WaitingFrame
from edgenext_ros.image_input import TRANSPORTS, ImageInput
from edgenext_ros.images import frame_from_compressed, frame_from_image, image_from_frame
from edgenext_ros.latency import FrameLatency, LatencyWindow
from edgenext_ros.parameters import ParameterError, ParameterSpec, declare, follow_changes
from edgenext_ros.qos import LATCHED_QOS, RELIABILITY_SETTINGS, RESULT_QOS

PARAMETERS = (
    ParameterSpec('model', '', 'path of the ONNX model file; required'),
    ParameterSpec('image_transport', 'raw', 'subscribe to image or to image/compressed',
                  choices=TRANSPORTS),
    ParameterSpec('image_reliability', 'auto', 'reliability asked of the camera; auto follows '
                  'what its publishers offer', choices=RELIABILITY_SETTINGS),
    ParameterSpec('class_id_format', 'index', 'what class_id strings hold in results', live=True,
                  choices=CLASS_ID_FORMATS),
    ParameterSpec('backend', 'auto', 'inference backend', choices=BACKENDS),
    ParameterSpec('threads', 1, 'CPU threads of one inference', limits=(1, 256)),
)
ERROR_LOG_PERIOD_S = 5.0
DELIVERY_TIMEOUT_S = 1.0


class Perception:
    """Run one task on a node's image topic."""

    def __init__(self, node: Node, task_type: Type[Any]) -> None:
        """
        Read the parameters, open the model, then subscribe.

        :param node: the node
        :param task_type: the task's class, as the module describes it
        :raises EdgeNextError: when a parameter or the model cannot be used
        """
        specs = PARAMETERS + task_type.parameters
        self._node = node
        self._values = declare(node, specs)
        if not self._values['model']:
            raise ParameterError(
                'parameter model is empty, expected the path of an ONNX model file; for example: '
                f'ros2 run edgenext_ros {task_type.name}_node --ros-args '
                f'-p model:=engines/demo/{task_type.name}.onnx')
        self._engine = open_engine(self._values['model'], backend=self._values['backend'],
                                   threads=self._values['threads'])
        self._task = task_type(self._engine, self._values)
        self._name = status_prefix(node)
        self._slot = FrameSlot()
        self._window = LatencyWindow()
        self._published = 0
        self._last_counts = self._slot.counts()
        self._zero_stamp_told = False
        self._create_publishers()
        self._publish_infos()
        follow_changes(node, specs, self._apply)
        self._input = ImageInput(
            node, self._slot.put, transport=self._values['image_transport'],
            reliability_setting=self._values['image_reliability'])
        self._timer = node_process.create_timer(
            node, DIAGNOSTICS_PERIOD_S, self._publish_diagnostics)
        self._worker = threading.Thread(target=self._work, name='worker')
        self._worker.start()
        node.get_logger().info(
            f'{self._engine.card.architecture} for {task_type.name} on {_backend(self._engine)}, '
            f'listening to {self._input.topic}')

    def close(self) -> int:
        """
        Finish the frame in work, drop the waiting one, publish the last diagnostics.

        :return: the exit code
        """
        self._input.close()
        self._slot.close()
        self._worker.join()
        self._publish_diagnostics()
        node_process.wait_until_delivered((self._results, self._latencies, self._diagnostics),
                                     timeout_s=DELIVERY_TIMEOUT_S)
        self._engine.close()
        return 0

    def _create_publishers(self) -> None:
        create = self._node.create_publisher
        self._results = create(self._task.message_type, '~/' + self._task.topic, RESULT_QOS)
        self._latencies = create(DiagnosticArray, '~/latency', RESULT_QOS)
        self._overlays = create(Image, '~/overlay', RESULT_QOS)
        self._label_infos = create(LabelInfo, '~/label_info', LATCHED_QOS)
        self._vision_infos = create(VisionInfo, '~/vision_info', LATCHED_QOS)
        self._diagnostics = create(DiagnosticArray, DIAGNOSTICS_TOPIC, RESULT_QOS)

    def _publish_infos(self) -> None:
        card = self._engine.card
        self._node.declare_parameter(
            'class_names', list(card.labels),
            ParameterDescriptor(description="the model's class names, from its card",
                                read_only=True), ignore_override=True)
        location = self._node.get_fully_qualified_name() + '/class_names'
        self._publish_label_info()
        self._vision_infos.publish(
            vision_info_to_ros(card, self._stamp_now(), database_location=location))

    def _publish_label_info(self) -> None:
        self._label_infos.publish(label_info_to_ros(
            self._engine.card, self._stamp_now(), threshold=self._task.threshold))

    def _apply(self, changed: Dict[str, Any]) -> None:
        self._values.update(changed)
        self._task.configure(self._values)
        if 'score_threshold' in changed:
            self._publish_label_info()

    def _work(self) -> None:
        while True:
            frame = self._slot.take()
            if frame is None:
                return
            try:
                self._process(frame)
            except EdgeNextError as error:
                self._slot.mark_failed()
                self._log_failure(f'bad frame: {error}')
            except Exception:
                self._slot.mark_failed()
                self._log_failure(
                    f'a frame failed by a defect of this node:\n{traceback.format_exc()}')
            else:
                self._slot.mark_processed()

    def _log_failure(self, text: str) -> None:
        self._node.get_logger().error(text, throttle_duration_sec=ERROR_LOG_PERIOD_S)

    def _process(self, waiting: WaitingFrame) -> None:
        message = waiting.message
        taken_s = time.monotonic()
        frame = _decode(message)
        decoded_s = time.monotonic()
        record, stages = self._task.run(frame)
        recorded_s = time.monotonic()
        self._results.publish(
            self._task.to_ros(record, message.header, self._values['class_id_format']))
        self._published += 1
        published_s = time.monotonic()
        latency = FrameLatency(
            queue_ms=(taken_s - waiting.arrived_s) * 1e3,
            decode_ms=(decoded_s - taken_s) * 1e3,
            preprocess_ms=stages.preprocess_ms,
            infer_ms=stages.infer_ms,
            postprocess_ms=stages.postprocess_ms,
            publish_ms=(published_s - recorded_s) * 1e3,
            age_ms=self._age_ms(message.header.stamp))
        self._latencies.publish(
            diagnostic_array(message.header, latency_status(self._name, latency)))
        self._window.add(latency, finished_s=published_s)
        if self._overlays.get_subscription_count():
            self._overlays.publish(
                image_from_frame(self._task.draw(frame, record), message.header, 'bgr8'))

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

    def _publish_diagnostics(self) -> None:
        counts = self._slot.counts()
        level, text = self._judge(counts)
        self._last_counts = counts
        values: Dict[str, Any] = counter_values(counts, published=self._published)
        values['rate_hz'] = self._window.rate_hz(now_s=time.monotonic())
        values.update(latency_values(self._window))
        values.update(model=os.path.abspath(self._values['model']),
                      backend=_backend(self._engine), image_topic=self._input.topic,
                      image_reliability=self._input.reliability)
        self._diagnostics.publish(diagnostic_array(self._stamp_now(), DiagnosticStatus(
            level=level, name=f'{self._name}: {self._task.name}', message=text,
            hardware_id=_backend(self._engine), values=key_values(values))))

    def _judge(self, counts: FrameCounts) -> Any:
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


def run_perception(task_type: Type[Any], args: Optional[List[str]] = None) -> int:
    """
    Run a perception node until it is told to stop.

    :param task_type: the task's class, as the module describes it
    :param args: the command line, sys.argv where None
    :return: the exit code
    """
    return node_process.run(task_type.name, lambda node, _: Perception(node, task_type), args=args)


def _decode(message: Any) -> Any:
    if isinstance(message, CompressedImage):
        return frame_from_compressed(message)
    return frame_from_image(message)


def _backend(engine: Engine) -> str:
    return f'{engine.backend} {engine.version}'
