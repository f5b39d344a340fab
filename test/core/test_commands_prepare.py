import argparse
import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgenext_core.commands import prepare
from edgenext_core.runtime.errors import EdgeNextError
from synthetic_street.dataset import write_dataset

ROOT = Path(__file__).resolve().parents[2]
SMALL = {'width': 160, 'height': 120}
COUNTS = {'train': 11, 'val': 3, 'test': 2}
MAIN = """
import argparse, sys
from edgenext_core.commands import prepare
from edgenext_core.runtime.errors import EdgeNextError
if __name__ == '__main__':
    parser = argparse.ArgumentParser()
    prepare.add_arguments(parser)
    try:
        prepare.run(parser.parse_args())
    except EdgeNextError as error:
        sys.exit(f'edgenext: {error}')
"""


def words_for(folder, **options):
    options = {**COUNTS, **SMALL, 'processes': 2, **options}
    return ['street', str(folder), *(f'--{name}={value}' for name, value in options.items())]


def parse(*words):
    parser = argparse.ArgumentParser()
    prepare.add_arguments(parser)
    return parser.parse_args(words)


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob('*')) if path.is_file()}


def drawn(folder):
    journal = folder / 'train' / 'drawn.jsonl'
    return journal.read_bytes().count(b'\n') - 1 if journal.exists() else 0


@contextlib.contextmanager
def drawing(folder):
    """Run the command on its own until some of its many frames are drawn."""
    main = folder.with_name('main.py')
    main.write_text(MAIN)
    with subprocess.Popen(
        [sys.executable, str(main), *words_for(folder, train=2000)], stderr=subprocess.PIPE,
        env={**os.environ, 'PYTHONPATH': str(ROOT)}, start_new_session=True, text=True,
    ) as process:
        try:
            while drawn(folder) < 10:
                assert process.poll() is None
                time.sleep(0.01)
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def drawing_processes(parent):
    children = Path(f'/proc/{parent}/task/{parent}/children').read_text().split()
    return [int(child) for child in children
            if b'spawn_main' in Path(f'/proc/{child}/cmdline').read_bytes()]


def test_two_processes_write_what_one_writes(tmp_path, capsys):
    assert prepare.run(parse(*words_for(tmp_path / 'two'))) == 0
    assert capsys.readouterr().out == (
        f'{tmp_path}/two: 11 train, 3 val, 2 test; 16 of them drawn now\n')
    write_dataset(tmp_path / 'one', counts=COUNTS, **SMALL)
    assert contents(tmp_path / 'two') == contents(tmp_path / 'one')


def test_the_usual_data_set_is_that_of_the_recipes():
    options = parse('street', 'out')
    assert (options.train, options.val, options.test) == (4000, 300, 200)
    assert (options.width, options.height) == (640, 480)
    assert options.processes == len(os.sched_getaffinity(0))


def test_no_processes_are_refused(tmp_path):
    with pytest.raises(EdgeNextError, match='--processes is 0, expected 1 or more'):
        prepare.run(parse(*words_for(tmp_path, processes=0)))
    assert not contents(tmp_path)


def test_a_full_disk_is_said_in_one_sentence(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    try:
        with pytest.raises(EdgeNextError, match=r'\.jpg cannot be written \(File too large\)'):
            prepare.run(parse(*words_for(tmp_path)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_command_ends_its_processes_and_goes_on_later(tmp_path, number):
    folder = tmp_path / 'out'
    with drawing(folder) as process:
        process.send_signal(number)
        # The standard error is closed when the last of its processes has ended.
        _, complaints = process.communicate(timeout=60)
    assert process.returncode != 0
    assert 'SpawnProcess' not in complaints
    counts = {**COUNTS, 'train': drawn(folder) + 2}
    assert counts['train'] < 2000
    assert write_dataset(folder, counts=counts, **SMALL) == 2 + 3 + 2
    write_dataset(tmp_path / 'whole', counts=counts, **SMALL)
    assert contents(folder) == contents(tmp_path / 'whole')


def test_a_drawing_process_that_was_killed_is_said_in_one_sentence(tmp_path):
    with drawing(tmp_path / 'out') as process:
        os.kill(drawing_processes(process.pid)[0], signal.SIGKILL)
        _, complaints = process.communicate(timeout=60)
    assert process.returncode == 1
    assert complaints == (
        'edgenext: a drawing process was killed, perhaps for want of memory; run the same again '
        'with fewer --processes, what has been drawn is kept\n')
