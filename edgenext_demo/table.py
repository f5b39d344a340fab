"""The live table of a run: redrawn in place on a terminal, plain lines in a log."""

import time
from typing import Any, List, NamedTuple, Optional

import numpy as np
from rich import box
from rich.console import Console
from rich.live import Live
from rich.table import Table

from edgenext_core.runtime.tasks import TASKS
from edgenext_demo.listener import Listener
from edgenext_demo.node_figures import NodeFigures
from edgenext_demo.topics import decode_record

_TERMINAL_PERIOD_S = 0.5
_LOG_PERIOD_S = 4.0
_LOG_WIDTH = 110


class Row(NamedTuple):
    """A node at this moment; latency is from the frame's stamp to the published result."""

    node: str
    result: str
    rate_hz: float
    p50_ms: float
    p99_ms: float
    received: int
    dropped: int
    failed: int


class LiveTable:
    """Show the nodes while they run; use as a ``with`` block."""

    def __init__(self, console: Console) -> None:
        """
        Choose the form by the console.

        :param console: where to
        """
        self._console = console
        self._live: Optional[Live] = None
        if console.is_terminal:
            self._live = Live(console=console, auto_refresh=False, transient=True)
        self._period_s = _TERMINAL_PERIOD_S if console.is_terminal else _LOG_PERIOD_S
        self._next_s = 0.0

    def __enter__(self) -> 'LiveTable':
        """Take the terminal's lines below."""
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: Any) -> None:
        """Give the terminal's lines back; the summary tells the rest."""
        if self._live is not None:
            self._live.stop()

    def show(self, listener: Listener, *, title: str) -> None:
        """
        Show the newest state, unless it was shown a moment ago.

        :param listener: hears the nodes
        :param title: what stands above the table
        """
        if time.monotonic() < self._next_s:
            return
        rows = [_row(node) for node in listener.nodes.values()]
        if self._live is not None:
            self._live.update(_table(rows, title), refresh=True)
        else:
            lines = [_line(row) for row in rows if row.received]
            self._console.print(title, *lines, sep='\n  ', highlight=False, soft_wrap=True)
        self._next_s = time.monotonic() + self._period_s


def make_console() -> Console:
    """
    Make the console of standard output.

    :return: as wide as the terminal, or a fixed width in a log
    """
    console = Console()
    return console if console.is_terminal else Console(width=_LOG_WIDTH)


def _row(node: NodeFigures) -> Row:
    ages_ms = np.array(node.stages_ms['age'])
    p50_ms, p99_ms = np.percentile(ages_ms, (50, 99)) if len(ages_ms) else (0.0, 0.0)
    counters = node.counters
    return Row(
        node=node.model.node,
        result=_describe(node) if node.newest else 'waits for a frame',
        rate_hz=node.rate_hz(), p50_ms=p50_ms, p99_ms=p99_ms,
        received=counters.received, dropped=counters.dropped, failed=counters.failed)


def _table(rows: List[Row], title: str) -> Table:
    table = Table(title=title, title_justify='left', expand=True, box=box.SIMPLE_HEAD)
    table.add_column('node', no_wrap=True)
    table.add_column('last result', ratio=1, no_wrap=True)
    for name in ('fps', 'p50 ms', 'p99 ms', 'received', 'dropped'):
        table.add_column(name, justify='right', no_wrap=True)
    for row in rows:
        table.add_row(row.node, row.result, f'{row.rate_hz:.1f}', f'{row.p50_ms:.0f}',
                      f'{row.p99_ms:.0f}', str(row.received), str(row.dropped))
    return table


def _line(row: Row) -> str:
    return (f'{row.node:<20} {row.rate_hz:5.1f} fps  p50 {row.p50_ms:4.0f} ms  '
            f'p99 {row.p99_ms:4.0f} ms  dropped {row.dropped:<4} {row.result}')


def _describe(node: NodeFigures) -> str:
    card = node.model.card
    return TASKS[card.task].describe(decode_record(node.model, node.newest), card)
