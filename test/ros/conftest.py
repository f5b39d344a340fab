"""Keep the tests' ROS traffic to this machine and to this run, and leave no process behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

# Before rclpy is imported, and inherited by the nodes that the tests start.
os.environ['ROS_DOMAIN_ID'] = str(1 + os.getpid() % 100)
os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'

import pytest  # noqa: E402
import rclpy  # noqa: E402
from bench import Bench  # noqa: E402
from rclpy.signals import SignalHandlerOptions  # noqa: E402

from edgenext_ros import diagnostics, image_input  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 30


@pytest.fixture(scope='session')
def context():
    """Give one ROS context for all tests that run nodes inside this process."""
    context = rclpy.Context()
    rclpy.init(context=context, signal_handler_options=SignalHandlerOptions.NO)
    yield context
    rclpy.shutdown(context=context)


@pytest.fixture
def bench(context, monkeypatch):
    """Give a test node that publishes, listens and runs nodes beside it, with less patience."""
    monkeypatch.setattr(diagnostics, 'DIAGNOSTICS_PERIOD_S', 0.2)
    monkeypatch.setattr(image_input, 'SILENCE_S', 1.0)
    bench = Bench(context)
    yield bench
    bench.close()


@pytest.fixture
def start(tmp_path):
    """Give a function that starts a node as a process; what still runs at the end is killed."""
    processes = []

    def start_node(name, **parameters):
        command = [sys.executable, '-m', f'edgenext_ros.{name}_node', '--ros-args']
        for parameter, value in parameters.items():
            command += ['-p', f'{parameter}:={value}']
        process = subprocess.Popen(command, cwd=str(ROOT), stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, universal_newlines=True)
        processes.append(process)
        return process

    yield start_node
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def finish():
    """Give a function that stops a process, waits, and returns its exit code and its output."""
    def finish_process(process, number=signal.SIGINT):
        if number is not None:
            process.send_signal(number)
        output, _ = process.communicate(timeout=PATIENCE_S)
        return process.returncode, output

    return finish_process
