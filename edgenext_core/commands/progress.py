"""A progress bar, by rich where it is there."""

import sys
import time
from typing import Iterable, Iterator, TypeVar

Item = TypeVar('Item')
LINE_PERIOD_S = 5.0


def show_progress(items: Iterable[Item], *, total: int) -> Iterator[Item]:
    """
    Hand items on, and show on a terminal how far it is.

    :param items: the items
    :param total: about how many there are; 0 where nobody knows
    :return: the items; close it to close theirs
    """
    if not sys.stderr.isatty():
        yield from items
        return
    if not total:
        yield from _with_lines(items, total=total)
        return
    try:
        from rich.console import Console
        from rich.progress import track
    except ImportError:
        yield from _with_lines(items, total=total)
    else:
        yield from track(items, description='', total=total, transient=True,
                         console=Console(stderr=True))


def _with_lines(items: Iterable[Item], *, total: int) -> Iterator[Item]:
    told_s = time.monotonic()
    for number, item in enumerate(items, 1):
        yield item
        if time.monotonic() - told_s > LINE_PERIOD_S:
            told_s = time.monotonic()
            sys.stderr.write(f'{number}{f" of {total}" if total else ""} frames\n')
