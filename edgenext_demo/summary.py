"""The end of a run, printed: what came of the frames, how fast, how right, and where it is."""

from typing import Any, Dict, List

from rich import box
from rich.console import Console
from rich.table import Table

from edgenext_demo.tasks import DEMO_TASKS

_STAGES_SHOWN = ('queue', 'preprocess', 'infer', 'postprocess', 'publish', 'age')
_COUNTERS_SHOWN = ('received', 'processed', 'dropped', 'failed', 'published')


def print_summary(report: Dict[str, Any], files: List[str], console: Console) -> None:
    """
    Print a report.

    :param report: as built
    :param files: what was written
    :param console: where to
    """
    clip = report['clip']
    console.print(f'\n{report["frames_sent"]} frames of {clip["source"]} sent in '
                  f'{clip["played_s"]:.1f} s; ended by the {clip["ended_by"]}', highlight=False)
    console.print(_counters(report['nodes']))
    console.print(_latencies(report['nodes']))
    for line in describe_accuracy(report['accuracy']):
        console.print(line, highlight=False)
    console.print('written: ' + '  '.join(files), highlight=False, soft_wrap=True)


def describe_accuracy(accuracy: Dict[str, Any]) -> List[str]:
    """
    Put accuracies into words.

    :param accuracy: of a report, by task
    :return: one line per task whose truth is known
    """
    lines = [DEMO_TASKS[task].describe_accuracy(figures)
             for task, figures in accuracy.items() if figures is not None]
    return lines or ['accuracy not measured: there is no truth, or it names other classes']


def _counters(nodes: Dict[str, Any]) -> Table:
    table = Table(title='Frames', title_justify='left', box=box.SIMPLE_HEAD)
    table.add_column('node')
    for name in _COUNTERS_SHOWN:
        table.add_column(name, justify='right')
    table.add_column('per second', justify='right')
    for node, figures in nodes.items():
        table.add_row(node, *(str(figures[name]) for name in _COUNTERS_SHOWN),
                      f'{figures["rate_hz"] or 0:.1f}')
    return table


def _latencies(nodes: Dict[str, Any]) -> Table:
    table = Table(title='Latency in ms, p50 / p99; age: from stamping the frame to its result',
                  title_justify='left', box=box.SIMPLE_HEAD)
    table.add_column('node')
    for stage in _STAGES_SHOWN:
        table.add_column(stage, justify='right', no_wrap=True)
    for node, figures in nodes.items():
        cells = [figures['latency_ms'][stage] for stage in _STAGES_SHOWN]
        table.add_row(node, *(f'{cell["p50"]:.1f} / {cell["p99"]:.1f}' if cell else ''
                              for cell in cells))
    return table
