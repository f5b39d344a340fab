"""
One node as a process: start, spin, stop cleanly, exit code.

Threads: the main thread waits for a signal, since only there Python can be interrupted at any
time, and takes the node's part through its phases; a second one spins the executor; the part (a
perception task or the camera) has a worker of its own. On SIGINT or SIGTERM the executor stops
first, then the part finishes its frame and says its last words while the ROS context is still
valid, then the context goes.
"""

import abc
import signal
import sys
import threading
import time
import traceback
from typing import Callable, List, Sequence

import rclpy
from rclpy.clock import Clock, ClockType
from rclpy.duration import Duration
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.signals import SignalHandlerOptions
from rclpy.timer import Timer

from edgenext_core.runtime.errors import EdgeNextError

WAKE_PERIOD_S = 0.2
_STEADY_CLOCK = Clock(clock_type=ClockType.STEADY_TIME)


class NodePart(abc.ABC):
    """
    What a node does, in four phases.

    They are called in the order create, start, stop, destroy, where start and stop may come again
    and again; none while another runs. ``exit_code`` is the process's after a stop.
    """

    exit_code = 0

    @abc.abstractmethod
    def create(self) -> None:
        """
        Declare the parameters, open what the work needs, make the publishers.

        :raises EdgeNextError: when the part cannot work, with what to do
        """

    @abc.abstractmethod
    def start(self) -> None:
        """Start to work."""

    @abc.abstractmethod
    def stop(self) -> None:
        """Finish the work that has begun, publish the last messages, end the threads."""

    @abc.abstractmethod
    def destroy(self) -> None:
        """Release what ``create`` has opened and made."""


def run(name: str, make_part: Callable[[Node, threading.Event], NodePart]) -> int:
    """
    Run a node with the process's command line until it is told to stop.

    :param name: the node's default name
    :param make_part: gets the node and an event that the part may set to end the process
    :return: the exit code: 0 after a clean stop, 1 where the part could not start or broke
    """
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        # The default handlers invalidate the context before the last messages are out.
        rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
        node = Node(name)
    except Exception as error:  # rclpy has no common base for bad arguments and names
        sys.stderr.write(f'{name}: {error}\n')
        return 1
    part = make_part(node, stop)
    try:
        part.create()
    except EdgeNextError as error:
        node.get_logger().fatal(str(error))
        code = 1
    else:
        part.start()
        code = _spin(node, stop)
        part.stop()
        code = part.exit_code or code
        part.destroy()
    node.destroy_node()
    rclpy.shutdown()
    return code


def create_timer(node: Node, period_s: float, callback: Callable[[], None]) -> Timer:
    """
    Create a timer that runs by the machine's clock, also where ``use_sim_time`` stands still.

    :param node: the node
    :param period_s: the period in seconds
    :param callback: is called in the executor's thread
    :return: the timer
    """
    return node.create_timer(period_s, callback, clock=_STEADY_CLOCK)


def wait_until_delivered(publishers: Sequence[Publisher], *, timeout_s: float) -> None:
    """
    Wait until the reliable subscribers have everything that was published.

    :param publishers: the publishers
    :param timeout_s: how long at most, for all of them together, in seconds
    """
    end_s = time.monotonic() + timeout_s
    for publisher in publishers:
        publisher.wait_for_all_acked(Duration(seconds=max(end_s - time.monotonic(), 0)))


def _spin(node: Node, stop: threading.Event) -> int:
    """Spin in a thread of its own until ``stop``; return 1 where a callback raised."""
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    broken: List[bool] = []

    def spin() -> None:
        try:
            while not stop.is_set():
                executor.spin_once(timeout_sec=WAKE_PERIOD_S)
        except Exception:
            node.get_logger().fatal(f'the node broke:\n{traceback.format_exc()}')
            broken.append(True)
            stop.set()

    thread = threading.Thread(target=spin, name='executor')
    thread.start()
    stop.wait()
    thread.join()
    executor.remove_node(node)
    executor.shutdown()
    return 1 if broken else 0
