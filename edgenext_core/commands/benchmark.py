"""Time models, stage by stage, in turn; and put benchmarks side by side."""

import argparse
import os
from typing import Any, Dict, List, Tuple

import numpy as np

from edgenext_core.commands.progress import show_progress
from edgenext_core.measure.benchmark import infer_ratio, name_files, summarize, time_in_turn
from edgenext_core.measure.benchmark_plot import PlotError, write_plot
from edgenext_core.measure.benchmark_run import FILE_NAME, make_run, read_run, run_from
from edgenext_core.measure.benchmark_table import describe_comparison, describe_run
from edgenext_core.measure.machine import describe_machine
from edgenext_core.measure.memory import peak_memory_mb
from edgenext_core.measure.pictures import DRAWN, draw_pictures, frames_of, load_pictures
from edgenext_core.measure.timed_models import Order, TimedModel, open_timed
from edgenext_core.measure.whole_file import write_json
from edgenext_core.runtime.engines.backends import BACKENDS, read_model_card
from edgenext_core.runtime.errors import SettingError

_PICTURES = 16
_THIS_RUN = 'this run'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Describe the command.

    :param parser: takes its options
    """
    parser.add_argument('models', nargs='*', metavar='MODEL', help='ONNX files and engines')
    parser.add_argument('--backend', nargs='+', choices=BACKENDS, default=['auto'],
                        help='what runs them; each in turn where there are several (default: '
                        'auto)')
    parser.add_argument('--threads', nargs='+', type=int, default=[1], metavar='N',
                        help='of the CPU; each number in turn (default: 1)')
    parser.add_argument('--images', metavar='DIR', help=f'folder whose first {_PICTURES} pictures '
                        'are used (default: drawn ones)')
    parser.add_argument('--runs', type=int, default=100, metavar='N',
                        help='of each model (default: %(default)s)')
    parser.add_argument('--warmup', type=int, default=10, metavar='N',
                        help='runs before those, which do not count (default: %(default)s)')
    parser.add_argument('-o', '--out', metavar='OUT', help=f'folder for {FILE_NAME} and a plot')
    parser.add_argument('--against', nargs='+', default=[], metavar='OTHER.onnx',
                        help='any other ONNX files to be timed in the same run, without a card, '
                        'by ONNX Runtime on made-up input')
    parser.add_argument('--compare', nargs='+', default=[], metavar='RUN.json',
                        help='earlier benchmarks to stand beside this one, or beside each other '
                        'where no model is named')


def run(options: argparse.Namespace) -> int:
    """
    Benchmark, print and write.

    :param options: what the parser made of the command line
    :return: exit status 0
    :raises EdgeNextError: when a model, a picture or an earlier run cannot be used
    :raises OSError: when a file cannot be written
    """
    _check(options)
    runs = [read_run(path) for path in options.compare]
    if options.models or options.against:
        content = _benchmark(options)
        for line in describe_run(content):
            print(line)
        if options.out:
            _write(content, options.out)
        if options.compare:
            print()
        runs.insert(0, run_from(content, path=_THIS_RUN))
    if options.compare:
        for line in describe_comparison(runs):
            print(line)
    return 0


def _check(options: argparse.Namespace) -> None:
    if not options.models and not options.against and len(options.compare) < 2:
        raise SettingError('there is nothing to time or to compare; name a MODEL, or at least two '
                           'files behind --compare')
    for name, values, least in (('--runs', [options.runs], 1), ('--warmup', [options.warmup], 0),
                                ('--threads', options.threads, 1)):
        if min(values) < least:
            raise SettingError(f'{name} is {min(values)}, expected at least {least}')


def _benchmark(options: argparse.Namespace) -> Dict[str, Any]:
    orders = _orders(options)
    if options.out:
        os.makedirs(options.out, exist_ok=True)  # not after minutes in vain
    source, pictures = _pictures(options)
    # One after the other and before the models are opened here: a robot has little memory.
    memory = [peak_memory_mb(order) for order in orders]
    models: List[TimedModel] = []
    try:
        for order in orders:
            models.append(open_timed(order))
        rounds = range(-options.warmup, options.runs)
        times = time_in_turn(models, pictures, show_progress(rounds, total=len(rounds)))
        machine = describe_machine()
    finally:
        for model in models:
            model.close()
    names = name_files([order.path for order in orders])
    facts = [dict(model.facts, name=names[order.path], memory_mb=peak,
                  stages=summarize(model.stages, those),
                  ratio=infer_ratio(model, those, first=models[0], first_times=times[0]))
             for order, model, peak, those in zip(orders, models, memory, times)]
    return make_run(facts, machine=machine, runs=options.runs, warmup=options.warmup,
                    source=source, pictures=len(pictures))


def _orders(options: argparse.Namespace) -> List[Order]:
    for path in options.models:
        read_model_card(path)  # before minutes are spent on others
    return ([Order(path, backend, threads) for path in options.models
             for backend in options.backend for threads in options.threads]
            + [Order(path, '', threads) for path in options.against
               for threads in options.threads])


def _pictures(options: argparse.Namespace) -> Tuple[str, List[np.ndarray]]:
    pictures = (load_pictures(options.images, most=_PICTURES) if options.images
                else draw_pictures(_PICTURES))
    return options.images or DRAWN, frames_of(pictures)


def _write(content: Dict[str, Any], folder: str) -> None:
    path = os.path.join(folder, FILE_NAME)
    write_json(path, content)
    print(f'\n{path}')
    plot = os.path.join(folder, 'benchmark.png')
    try:
        write_plot(content, plot)
        print(plot)
    except PlotError as error:
        print(error)
