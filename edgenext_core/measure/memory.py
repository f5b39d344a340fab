"""
How much memory a model takes: the peak of a process of its own that opens and runs it.

Run by ``peak_memory_mb`` in a child process, which prints one number. It counts Python, NumPy,
OpenCV and the backend, too, and no memory of a GPU that is not the machine's own.
"""

import os
import subprocess
import sys
from typing import List, Optional

from edgenext_core.measure.pictures import draw_pictures, frames_of
from edgenext_core.measure.timed_models import Order, open_timed

_PACKAGE_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_RUNS = 3
_STATUS = '/proc/self/status'


def peak_memory_mb(order: Order) -> Optional[float]:
    """
    Open and run a model in a process of its own.

    :param order: which, and what runs it
    :return: the most memory that the process held at once, in MB; None where it failed, or where
        the system does not say
    """
    path = os.pathsep.join(filter(None, [_PACKAGE_ROOT, os.environ.get('PYTHONPATH', '')]))
    child = subprocess.Popen(
        [sys.executable, '-m', 'edgenext_core.measure.memory', order.path, order.backend,
         str(order.threads)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        universal_newlines=True, env=dict(os.environ, PYTHONPATH=path))
    try:
        output, _ = child.communicate()
    finally:
        if child.poll() is None:
            child.kill()
            child.communicate()
    last = output.split()[-1:]
    return round(int(last[0]) * 1024 / 1e6, 1) if child.returncode == 0 and last else None


def _peak_kib() -> Optional[str]:
    """Ask Linux; getrusage would count what the parent held when it forked, too."""
    try:
        with open(_STATUS) as stream:
            return next((line.split()[1] for line in stream if line.startswith('VmHWM')), None)
    except OSError:
        return None


def main(words: List[str]) -> None:
    """
    Open a model, run it a few times, and print the peak in KiB.

    :param words: path, backend and threads of the order
    """
    path, backend, threads = words
    model = open_timed(Order(path, backend, int(threads)))
    frame, = frames_of(draw_pictures(1))
    for _ in range(_RUNS):
        model.time(frame)
    peak = _peak_kib()
    model.close()
    if peak:
        sys.stdout.write(f'{peak}\n')


if __name__ == '__main__':
    main(sys.argv[1:])
