"""A run of the demo: start the nodes, listen until the clip ends, collect the last counters."""

import json
import os
import time
from typing import Any, Dict, List, NamedTuple, Sequence

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from edgenext_demo.bag_writer import BagWriter
from edgenext_demo.errors import DemoError
from edgenext_demo.installation import require_dds_profile
from edgenext_demo.listener import Listener
from edgenext_demo.model_folder import DemoModel
from edgenext_demo.node_figures import Counters, NodeFigures
from edgenext_demo.process_group import Processes, private_environment
from edgenext_demo.stop_signals import StopSignals
from edgenext_demo.table import LiveTable
from edgenext_demo.topics import CAMERA

_START_TIMEOUT_S = 60.0
_SETTLE_TIMEOUT_S = 20.0
_WAKE_PERIOD_S = 0.1


class Clip(NamedTuple):
    """
    What to play.

    ``source`` and ``truth_masks`` as the camera node takes them; ``rate_hz`` 0 for the source's
    own; ``duration_s`` from the first frame on, 0 until the source ends.
    """

    source: str
    rate_hz: float
    duration_s: float
    truth_masks: str


class Run(NamedTuple):
    """What a run gave: how many frames the camera sent, each node's figures, how it ended."""

    sent: int
    nodes: List[NodeFigures]
    ended_by: str


def play_clip(clip: Clip, models: Sequence[DemoModel], *, bag: BagWriter, log_folder: str,
              table: LiveTable, stop: StopSignals) -> Run:
    """
    Play a clip to the nodes and keep what they say; nothing is left running, come what may.

    :param clip: what the camera plays
    :param models: one per node
    :param bag: where the messages go
    :param log_folder: where the processes' logs go
    :param table: shows the run
    :param stop: tells when the user has had enough
    :return: the last counters, with every received frame accounted for
    :raises DemoError: when a process ends early, no frame comes, or the counters do not add up
    :raises KeyboardInterrupt: when the user gives up
    :raises SystemExit: when this process is told to end
    """
    os.environ.update(private_environment(require_dds_profile()))
    with Processes(log_folder) as processes:
        # Before rclpy has threads, which forking does not go well with; the camera waits.
        _start_nodes(processes, clip, models)
        rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
        try:
            node = Node('demo')
            session = _Session(node, processes, listener=Listener(node, models, bag=bag),
                               table=table, stop=stop)
            return session.run(clip.duration_s)
        finally:
            rclpy.shutdown()


class _Session:
    """The parts of a run while it runs."""

    def __init__(self, node: Node, processes: Processes, *, listener: Listener,
                 table: LiveTable, stop: StopSignals) -> None:
        self._processes = processes
        self._listener = listener
        self._table = table
        self._stop = stop
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(node)

    def run(self, duration_s: float) -> Run:
        self._wait_for_start()
        ended_by = self._play(duration_s)
        # On its way out the camera says how many frames it has sent.
        self._processes.interrupt(CAMERA)
        self._settle()
        return Run(self._listener.sent, list(self._listener.nodes.values()), ended_by)

    def _wait_for_start(self) -> None:
        deadline_s = time.monotonic() + _START_TIMEOUT_S
        while self._listener.frames == 0:
            self._listener.ask_for_frames()
            if self._stop.is_clip_over():
                raise KeyboardInterrupt
            if self._has_ended() and self._listener.sent == 0:
                raise DemoError('the source holds no frame; name another')
            self._listen('starting: the camera waits until the nodes have loaded their models')
            if time.monotonic() > deadline_s:
                raise DemoError(f'no frame came in {_START_TIMEOUT_S:.0f} s; the log of the '
                                'camera ends with:\n' + self._processes.log_tail(CAMERA))

    def _play(self, duration_s: float) -> str:
        start_s = time.monotonic()
        while True:
            played_s = time.monotonic() - start_s
            if self._stop.is_clip_over():
                return 'user'
            if self._has_ended():
                return 'source'
            if 0 < duration_s <= played_s:
                return 'duration'
            self._listen(f'{played_s:.1f} s played, {self._listener.frames} frames')

    def _has_ended(self) -> bool:
        if self._listener.camera_state == 'failed':
            raise DemoError('the camera failed; its log ends with:\n'
                            + self._processes.log_tail(CAMERA))
        return self._listener.camera_state == 'ended'

    def _settle(self) -> None:
        """Wait until the nodes have said twice the same, with every frame accounted for."""
        deadline_s = time.monotonic() + _SETTLE_TIMEOUT_S
        before, counters = None, self._next_counters(deadline_s)
        while counters != before or not all(one.settled for one in counters):
            before, counters = counters, self._next_counters(deadline_s)

    def _next_counters(self, deadline_s: float) -> List[Counters]:
        """Wait until each node has spoken again."""
        nodes = list(self._listener.nodes.values())
        heard = [node.counters_heard for node in nodes]
        while any(node.counters_heard == past for node, past in zip(nodes, heard)):
            self._listen('the camera has stopped, the nodes finish')
            if time.monotonic() > deadline_s:
                raise DemoError(f'the nodes did not come to rest in {_SETTLE_TIMEOUT_S:.0f} s '
                                'after the last frame; see their logs')
        return [node.counters for node in nodes]

    def _listen(self, title: str) -> None:
        """Handle one message; wait a tenth of a second at most."""
        self._stop.check()
        self._processes.check()
        self._executor.spin_once(timeout_sec=_WAKE_PERIOD_S)
        self._table.show(self._listener, title=title)


def _start_nodes(processes: Processes, clip: Clip, models: Sequence[DemoModel]) -> None:
    for model in models:
        processes.start(model.node, model.module, _ros_arguments(
            model.node, {'model': os.path.abspath(model.path)}))
    processes.start(CAMERA, 'edgenext_ros.camera_node', _ros_arguments(CAMERA, {
        'source': clip.source, 'rate_hz': clip.rate_hz, 'truth_masks': clip.truth_masks,
        'stay': True, 'wait_for_subscribers': len(models) + 1}))  # the nodes and the listener


def _ros_arguments(name: str, parameters: Dict[str, Any]) -> List[str]:
    arguments = ['--ros-args', '-r', '__node:=' + name]
    for key, value in parameters.items():
        arguments += ['-p', f'{key}:={json.dumps(value)}']  # JSON is YAML, strings stay strings
    return arguments
