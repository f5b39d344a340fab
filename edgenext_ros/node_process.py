"""
One node as a process: start, spin, stop cleanly, exit code.

Threads: the main thread waits for a signal, since only there Python can be interrupted at any
time; a second one spins the executor; the part (a perception task or the camera) has a worker of
its own. On SIGINT or SIGTERM the executor stops first, then the part finishes its frame and says
its last words while the ROS context is still valid, then the context goes.
"""

import signal
import sys
import threading
import time
import traceback
from typing import Any, Callable, List, Optional, Sequence

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


def run(name: str, make_part: Callable[[Node, threading.Event], Any], *,
        args: Optional[List[str]] = None) -> int:
    """
    Run a node until it is told to stop.

    :param name: the node's default name
    :param make_part: gets the node and an event that it may set to end the process; returns the
        running part, whose ``close()`` finishes its work, publishes its last messages, ends its
        threads and returns an exit code; raises an EdgeNextError when it cannot start
    :param args: the command line, sys.argv where None
    :return: the exit code: 0 after a clean stop, 1 where the part could not start or broke
    """
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        # The default handlers invalidate the context before the last messages are out.
        rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
        node = Node(name)
    except Exception as error:  # rclpy has no common base for bad arguments and names
        sys.stderr.write(f'{name}: {error}\n')
        return 1
    try:
        part = make_part(node, stop)
    except EdgeNextError as error:
        node.get_logger().fatal(str(error))
        code = 1
    else:
        code = _spin(node, stop)
        code = part.close() or code
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
    broken: List[Any] = []

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
