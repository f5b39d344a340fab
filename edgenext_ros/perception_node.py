"""
The shell of a perception node: a camera's frames come in, one task's results go out.

It reads the model's card, declares the parameters that follow from it, puts the parts together and
takes them through their phases; what happens to a frame is in the parts. Every node has

- ``image``, or ``image/compressed``: its input (see ``image_input``),
- ``~/<topic>``: the results (see ``tasks``), ``~/latency``: how long each took, ``~/overlay``: the
  frame with the result drawn in, while somebody listens,
- ``~/label_info`` and ``~/vision_info``: class names and model, for late subscribers too,
- ``/diagnostics``: counters, percentiles and what is wrong, once a second (see ``result_stream``).

Threads: the executor's thread receives images, which it only stores, runs the timers and answers
parameter calls; the worker's thread decodes, infers and publishes (see ``inference_worker``).
"""

import os
import threading
from typing import Any, Dict, List

from diagnostic_msgs.msg import DiagnosticStatus
from rcl_interfaces.msg import ParameterDescriptor
from rclpy.node import Node

from edgenext_core.runtime.engines.backends import BACKENDS, open_engine, read_model_card
from edgenext_core.runtime.errors import SettingError
from edgenext_core.runtime.model_card import ModelCard, require_task
from edgenext_core.runtime.model_file import model_number
from edgenext_core.runtime.pipeline import Pipeline
from edgenext_core.runtime.settings import change_settings
from edgenext_core.runtime.tasks import TASKS
from edgenext_ros import node_process
from edgenext_ros.conversions import CLASS_ID_FORMATS
from edgenext_ros.diagnostics import DiagnosticsReporter
from edgenext_ros.frame_slot import FrameSlot
from edgenext_ros.image_input import TRANSPORTS, ImageInput
from edgenext_ros.inference_worker import InferenceWorker, Job
from edgenext_ros.parameters import ParameterSpec, declare, follow_changes, setting_specs
from edgenext_ros.qos import RELIABILITY_SETTINGS
from edgenext_ros.result_stream import ResultStream, ServedModel
from edgenext_ros.tasks import ROS_TASKS

PARAMETERS = (
    ParameterSpec('model', '', 'path of the ONNX model file, or of an engine; required'),
    ParameterSpec('image_transport', 'raw', 'subscribe to image or to image/compressed',
                  choices=tuple(TRANSPORTS)),
    ParameterSpec('image_reliability', 'auto', 'reliability asked of the camera; auto follows '
                  'what its publishers offer', choices=RELIABILITY_SETTINGS),
    ParameterSpec('class_id_format', 'index', 'what class_id strings hold in results', live=True,
                  choices=CLASS_ID_FORMATS),
    ParameterSpec('backend', 'auto', 'inference backend; auto takes TensorRT where there is an '
                  'engine for this machine', choices=BACKENDS),
    ParameterSpec('threads', 1, 'CPU threads of one inference', limits=(1, 256)),
)
"""What is known before the model; a task's settings follow, with the model card's defaults."""
CLASS_NAMES = 'class_names'
DELIVERY_TIMEOUT_S = 1.0


class Perception(node_process.NodePart):
    """Run one task on one camera."""

    def __init__(self, node: Node, task: str) -> None:
        """
        Note what to run.

        :param node: the node
        :param task: the name of the task
        """
        self._node = node
        self._task = TASKS[task]
        self._pipeline: Pipeline
        self._input: ImageInput
        self._stream: ResultStream
        self._worker: InferenceWorker
        self._diagnostics: DiagnosticsReporter

    def create(self) -> None:
        """
        Read the model's card, declare the parameters, open the model, make the publishers.

        :raises EdgeNextError: when a parameter or the model cannot be used
        """
        values = declare(self._node, PARAMETERS)
        path = self._model_path(values)
        card = read_model_card(path)
        require_task(card, self._task.name)
        number = model_number(path)
        specs = setting_specs(self._task.settings, card.defaults)
        settings = change_settings(card.defaults, self._task.settings, declare(self._node, specs))
        engine = open_engine(path, backend=values['backend'], threads=values['threads'])
        self._node.get_logger().info(engine.choice)
        self._pipeline = Pipeline(engine, settings)
        self._connect(values, ServedModel(
            path=path, number=number, engine=engine,
            names_parameter=self._declare_class_names(card)))
        follow_changes(self._node, PARAMETERS + specs, self._change)

    def start(self) -> None:
        """Subscribe to the camera and answer its frames."""
        self._input.start([self._stream.slot])
        self._worker.start()
        self._diagnostics.start()
        self._node.get_logger().info(
            f'{self._pipeline.card.architecture} for {self._task.name} on '
            f'{self._pipeline.engine.backend}, listening to {self._input.topic}')

    def stop(self) -> None:
        """Unsubscribe, finish the frame in work, drop the waiting one, report once more."""
        self._input.stop()
        self._worker.stop()
        self._diagnostics.stop()
        node_process.wait_until_delivered(
            (*self._stream.publishers, self._diagnostics.publisher), timeout_s=DELIVERY_TIMEOUT_S)

    def destroy(self) -> None:
        """Release the model, destroy the publishers."""
        self._stream.destroy()
        self._diagnostics.destroy()
        self._pipeline.close()

    def _model_path(self, values: Dict[str, Any]) -> str:
        if not values['model']:
            name = self._task.name
            raise SettingError(
                'parameter model is empty, expected the path of an ONNX model file; for example: '
                f'ros2 run edgenext_ros {name}_node --ros-args -p model:=engines/demo/{name}.onnx')
        return os.path.abspath(values['model'])

    def _declare_class_names(self, card: ModelCard) -> str:
        self._node.declare_parameter(
            CLASS_NAMES, list(card.labels),
            ParameterDescriptor(description="the model's class names, from its card",
                                read_only=True), ignore_override=True)
        return f'{self._node.get_fully_qualified_name()}/{CLASS_NAMES}'

    def _connect(self, values: Dict[str, Any], model: ServedModel) -> None:
        changed = threading.Condition()
        self._input = ImageInput(self._node, 'image', transport=values['image_transport'],
                                 reliability_setting=values['image_reliability'])
        self._stream = ResultStream(self._node, self._input, model=model, slot=FrameSlot(changed),
                                    prefix='~', class_id_format=values['class_id_format'])
        self._stream.announce(self._pipeline.settings)
        self._worker = InferenceWorker([Job(self._pipeline, self._stream)], changed)
        self._diagnostics = DiagnosticsReporter(self._node, self._statuses)

    def _statuses(self) -> List[DiagnosticStatus]:
        return [self._stream.status()]

    def _change(self, changed: Dict[str, Any]) -> None:
        """Take what was set while the node runs; a frame sees all of the settings or none."""
        rules = self._task.settings
        before = self._pipeline.settings
        settings = change_settings(before, rules, {
            rule.name: changed[rule.name] for rule in rules if rule.name in changed})
        self._pipeline.settings = settings
        self._stream.class_id_format = changed.get('class_id_format', self._stream.class_id_format)
        threshold = ROS_TASKS[self._task.name].threshold
        if threshold(settings) != threshold(before):
            self._stream.announce(settings)


def run_perception(task: str) -> int:
    """
    Run a perception node until it is told to stop.

    :param task: the name of the task, which is the node's default name, too
    :return: the exit code
    """
    return node_process.run(task, lambda node, _: Perception(node, task))
