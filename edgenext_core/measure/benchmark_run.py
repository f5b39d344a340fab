"""
A benchmark as a JSON file, written and read.

``format`` is 1 and ``kind`` 'edgenext benchmark'; ``made`` is the time in UTC; ``edgenext_ros``
the version; ``machine`` the ``Machine`` that it ran on, with the packages' versions, the power
mode and the clocks as they were right behind it; ``settings`` are ``runs``, ``warmup`` and
``pictures``: their ``source`` and ``count``. ``models`` are in the order in which they were named,
each with

* ``name`` and ``file``; ``task``, ``architecture``, ``target`` and ``precision``, null where the
  file has no card; ``input``, height and width, or all sizes behind the first of a file without a
  card; ``batch``, the images that it takes at once;
* ``backend``, ``version``, ``device`` and ``threads``;
* ``stages``: by name (preprocess, infer, postprocess, total; of a model without a card, or with a
  batch, infer only) ``p50_ms``, ``p95_ms``, ``p99_ms`` and ``fps``, of one image;
* ``ratio``, its inference by that of the first model, the median of the rounds' own ratios;
* ``memory_mb``, the peak of a process that opens and runs nothing else, null where unknown;
* ``published``, what the authors published of the network at this size, else null.

Numbers are finite.
"""

import datetime
import json
import math
import os
import time
from typing import Any, Dict, List, NamedTuple, Tuple

from edgenext_core import __version__
from edgenext_core.measure.machine import Machine
from edgenext_core.measure.published import find_published
from edgenext_core.runtime.errors import EdgeNextError

FORMAT = 1
KIND = 'edgenext benchmark'
FILE_NAME = 'benchmark.json'


class RunError(EdgeNextError):
    """A file is no benchmark that can be compared: name another, or run it again."""


class Model(NamedTuple):
    """
    A model by which runs are compared.

    ``title`` says which and by what it is run, and is the same in every run; ``stage`` is 'total',
    or 'infer' where that is all there is, and ``p50_ms`` its time.
    """

    title: str
    stage: str
    p50_ms: float


class Run(NamedTuple):
    """A benchmark to be compared: its ``title``, ``machine`` and date in a few words, models."""

    title: str
    machine: str
    made: str
    models: Tuple[Model, ...]


def make_run(models: List[Dict[str, Any]], *, machine: Machine, runs: int, warmup: int,
             source: str, pictures: int) -> Dict[str, Any]:
    """
    Put a benchmark together.

    :param models: as the file has them, but for ``published``
    :param machine: what it ran on
    :param runs: of each model
    :param warmup: runs before those, which do not count
    :param source: a folder, or how else the pictures came about
    :param pictures: how many there are
    :return: the content of the file
    """
    made = datetime.datetime.utcfromtimestamp(int(time.time()))
    return {
        'format': FORMAT, 'kind': KIND, 'made': f'{made.isoformat()}Z',
        'edgenext_ros': __version__, 'machine': dict(machine._asdict()),
        'settings': {'runs': runs, 'warmup': warmup,
                     'pictures': {'source': source, 'count': pictures}},
        'models': [dict(model, published=_published(model)) for model in models],
    }


def read_run(path: str) -> Run:
    """
    Read a benchmark.

    :param path: the JSON file
    :return: what can be compared of it
    :raises RunError: when it is missing or no such file
    """
    try:
        with open(path, encoding='utf-8') as stream:
            raw = json.load(stream)
    except OSError as error:
        raise RunError(f'{path} cannot be read ({error.strerror}); name the benchmark.json of: '
                       'edgenext benchmark -o OUT') from error
    except ValueError as error:
        raise _no_run(path, 'is no JSON') from error
    if not isinstance(raw, dict) or raw.get('kind') != KIND:
        raise _no_run(path, 'is no benchmark')
    if not isinstance(raw.get('format'), int) or raw['format'] > FORMAT:
        raise RunError(f'{path} has format {raw.get("format")}, this version reads up to '
                       f'{FORMAT}; update edgenext_ros, or run the benchmark with it')
    return run_from(raw, path=path)


def run_from(content: Dict[str, Any], *, path: str) -> Run:
    """
    Take what can be compared from a benchmark.

    :param content: the file's, of this format
    :param path: the file, for messages and as its title
    :return: the run
    :raises RunError: when a part is missing or of another type
    """
    try:
        return Run(_title(path), machine_in_words(content['machine']), str(content['made']),
                   tuple(_model(raw) for raw in content['models']))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _no_run(path, f'is damaged ({type(error).__name__}: {error})') from error


def machine_in_words(machine: Dict[str, Any]) -> str:
    """
    Name a machine.

    :param machine: the file's
    :return: such as 'NVIDIA Jetson Nano, 4 cores, L4T 32.7.1 (JetPack 4.6.1), MAXN, CPU at 1479
        MHz, GPU at 921 MHz'
    """
    clocks = machine['clocks_mhz']
    parts = [machine['board'] or machine['cpu'], f'{machine["cores"]} cores', machine['jetson'],
             machine['power_mode']]
    parts += [f'{name} at {clocks[name]} MHz' for name in ('CPU', 'GPU') if name in clocks]
    return ', '.join(filter(None, parts))


def title_of(model: Dict[str, Any]) -> str:
    """
    Say which model it is and by what it is run.

    :param model: the file's
    :return: such as 'detection, onnxruntime, 1 thread'
    """
    threads = model['threads']
    parts = [model['name'], model['backend'], f'{threads} thread{"s" if threads > 1 else ""}']
    return ', '.join(parts)


def _model(raw: Dict[str, Any]) -> Model:
    stage = 'total' if 'total' in raw['stages'] else 'infer'
    p50_ms = float(raw['stages'][stage]['p50_ms'])
    if not 0 < p50_ms < math.inf:
        raise ValueError(f'p50_ms is {p50_ms}')
    return Model(title_of(raw), stage, p50_ms)


def _title(path: str) -> str:
    """Name a run by its file, or by the folder of one that is named as all are."""
    folder, name = os.path.split(os.path.abspath(path))
    stem = os.path.splitext(name)[0]
    return os.path.basename(folder) or stem if name == FILE_NAME else stem


def _no_run(path: str, what: str) -> RunError:
    return RunError(f'{path} {what}, expected the {FILE_NAME} of: edgenext benchmark -o OUT; name '
                    'that')


def _published(model: Dict[str, Any]) -> Any:
    if model['task'] != 'classification':
        return None
    found = find_published(model['architecture'], tuple(model['input']))
    return found and dict(found._asdict())
