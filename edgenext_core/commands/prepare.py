"""Write a data set as the files that recipes read."""

import argparse
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import cv2
from tqdm import tqdm

from edgenext_core.runtime.errors import EdgeNextError
from synthetic_street.camera import FRAME_HEIGHT_PX, FRAME_WIDTH_PX
from synthetic_street.dataset import SPLITS, Drawing, Truth, write_dataset

_CHUNK = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare the data sets and their options.

    :param parser: the command's
    """
    data_sets = parser.add_subparsers(required=True, metavar='DATASET')
    _add_street(data_sets.add_parser(
        'street', help='the synthetic street: images, masks, COCO boxes and labels'))


def run(options: argparse.Namespace) -> int:
    """
    Write the chosen data set.

    :param options: what ``add_arguments`` declared
    :return: exit status, 0
    :raises EdgeNextError: when it cannot be written
    """
    options.prepare(options)
    return 0


def _add_street(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('out', type=Path, help='folder to write; what is there already is kept')
    for split in SPLITS:
        parser.add_argument(f'--{split.name}', type=int, default=split.frames, metavar='N',
                            help=f'frames of {split.name} (default: %(default)s)')
    parser.add_argument('--width', type=int, default=FRAME_WIDTH_PX, metavar='PIXELS',
                        help='of the frames (default: %(default)s)')
    parser.add_argument('--height', type=int, default=FRAME_HEIGHT_PX, metavar='PIXELS',
                        help='of the frames (default: %(default)s)')
    parser.add_argument('--processes', type=int, default=len(os.sched_getaffinity(0)), metavar='N',
                        help='that draw at the same time (default: %(default)s, the usable cores)')
    parser.set_defaults(prepare=_prepare_street)


def _prepare_street(options: argparse.Namespace) -> None:
    if options.processes < 1:
        raise EdgeNextError(f'--processes is {options.processes}, expected 1 or more')

    def draw_all(
        draw: Callable[[Drawing], Truth], drawings: Sequence[Drawing],
    ) -> Iterable[Truth]:
        drawn = _map(draw, drawings, processes=options.processes)
        return tqdm(drawn, total=len(drawings), unit='frame', desc=f'drawing {options.out}',
                    disable=None)

    counts = {split.name: getattr(options, split.name) for split in SPLITS}
    drawn = write_dataset(options.out, counts=counts, width=options.width, height=options.height,
                          map_frames=draw_all)
    frames = ', '.join(f'{count} {name}' for name, count in counts.items())
    print(f'{options.out}: {frames}; {drawn} of them drawn now')


def _map(
    draw: Callable[[Drawing], Truth], drawings: Sequence[Drawing], *, processes: int,
) -> Iterator[Truth]:
    """Draw in other processes and give the truths in order; stop them when asked to stop."""
    # Spawned, since a forked process can hang on OpenCV's threads.
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context('spawn'), _start_process)
    try:
        yield from pool.map(draw, drawings, chunksize=_CHUNK)
    except BrokenProcessPool:
        raise EdgeNextError(
            'a drawing process was killed, perhaps for want of memory; run the same again with '
            'fewer --processes, what has been drawn is kept') from None
    finally:
        pool.shutdown(cancel_futures=True)


def _start_process() -> None:
    """Leave interrupts to the main process, end when it does, and stay on one core."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    cv2.setNumThreads(1)


def _end_with_parent() -> None:
    # A killed main process cannot end the others, which would wait for work for ever.
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)
