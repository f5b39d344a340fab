"""Node processes on a private ROS domain: started together, watched, and all ended."""

import contextlib
import ctypes
import os
import random
import signal
import socket
import subprocess
import sys
import time
from typing import Any, Dict, List, Sequence

from edgenext_demo.errors import DemoError

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1
_LOG_LINES_SHOWN = 12
_GRACE_S = {signal.SIGINT: 10.0, signal.SIGTERM: 3.0, signal.SIGKILL: 2.0}


def private_environment(profiles_file: str) -> Dict[str, str]:
    """
    Choose what keeps a demo apart from the robots on the network and from other demos.

    :param profiles_file: the Fast DDS profile sized for images
    :return: environment variables, for this process and for the nodes
    """
    return {
        'ROS_DOMAIN_ID': str(_free_domain_id()),
        'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
        'FASTRTPS_DEFAULT_PROFILES_FILE': profiles_file,  # Fast DDS 2: up to Jazzy
        'FASTDDS_DEFAULT_PROFILES_FILE': profiles_file,  # Fast DDS 3
    }


class Processes:
    """
    A group of processes with one log file each; leaving the ``with`` block ends all of them.

    Each is the leader of a process group, so that the terminal's Ctrl-C reaches this process
    alone, which then ends the nodes in order. Should this process be killed, the kernel
    interrupts them.
    """

    def __init__(self, log_folder: str) -> None:
        """
        Start with no process.

        :param log_folder: where ``<name>.log`` is written; is made
        """
        self._log_folder = log_folder
        self._running: Dict[str, subprocess.Popen] = {}
        os.makedirs(log_folder, exist_ok=True)

    def __enter__(self) -> 'Processes':
        """Enter the block that the processes live in."""
        return self

    def __exit__(self, *_: Any) -> None:
        """End all processes."""
        self.stop()

    def start(self, name: str, module: str, arguments: Sequence[str]) -> None:
        """
        Start a Python module with this interpreter and environment.

        :param name: names the process and its log file
        :param module: what ``python -m`` runs
        :param arguments: its arguments
        """
        with open(self.log_path(name), 'wb') as log:
            self._running[name] = subprocess.Popen(
                [sys.executable, '-m', module, *arguments], stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=_die_with_parent,
                env=dict(os.environ, PYTHONUNBUFFERED='1'))

    def check(self) -> None:
        """
        Check that every process is alive.

        :raises DemoError: when one has ended; carries the last lines of its log
        """
        for name, process in self._running.items():
            if process.poll() is not None:
                raise DemoError(f'{name} ended with exit code {process.returncode}; its log '
                                f'{self.log_path(name)} ends with:\n' + self.log_tail(name))

    def interrupt(self, name: str) -> None:
        """
        Interrupt one process, wait for its end and watch it no longer.

        :param name: as given at the start
        """
        _end([self._running.pop(name)])

    def stop(self) -> None:
        """Interrupt all processes; terminate, then kill, what does not follow."""
        running, self._running = list(self._running.values()), {}
        _end(running)

    def log_path(self, name: str) -> str:
        """
        Return where a process's output is.

        :param name: as given at the start
        :return: the path
        """
        return os.path.join(self._log_folder, name + '.log')

    def log_tail(self, name: str) -> str:
        """
        Return the last lines that a process wrote.

        :param name: as given at the start
        :return: the lines, indented
        """
        with open(self.log_path(name), encoding='utf-8', errors='replace') as log:
            lines = [line.rstrip() for line in log if line.strip()]
        return '\n'.join('    ' + line for line in lines[-_LOG_LINES_SHOWN:] or ['(no output)'])


def _end(processes: List[subprocess.Popen]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        for process in processes:
            _signal_group(process, number)
        deadline_s = time.monotonic() + _GRACE_S[number]
        while any(process.poll() is None for process in processes):
            if time.monotonic() > deadline_s:
                break
            time.sleep(0.02)
        else:
            break
    for process in processes:
        _signal_group(process, signal.SIGKILL)  # what a dead leader may have left in its group


def _signal_group(process: subprocess.Popen, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # the group may be gone
        os.killpg(process.pid, number)


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _free_domain_id() -> int:
    """Pick a domain whose first participant's port is free; 1 to 101 are safe on Linux."""
    for domain_id in random.sample(range(1, 102), 101):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(('', 7410 + 250 * domain_id))
            except OSError:
                continue
            return domain_id
    raise DemoError('all ROS domain ids 1 to 101 are in use on this machine; end other ROS '
                    'programs')
