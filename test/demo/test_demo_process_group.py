"""Processes of the demo end, whatever they do, and are told apart from those that fail."""

import os
import signal
import subprocess
import sys
import time

import pytest

from edgenext_demo.errors import DemoError
from edgenext_demo.process_group import Processes, private_environment

STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])
print(child.pid)
time.sleep(600)
"""


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """Let ``python -m`` find the modules that a test writes here."""
    monkeypatch.setenv('PYTHONPATH', str(tmp_path))
    return tmp_path


def wait_for(condition):
    deadline_s = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


def is_alive(pid):
    try:
        with open(f'/proc/{pid}/stat') as stat:
            return stat.read().rsplit(')', 1)[1].split()[0] != 'Z'
    except FileNotFoundError:
        return False


def test_a_process_that_ends_early_is_told_with_its_exit_code_and_last_words(modules, tmp_path):
    (modules / 'broken.py').write_text('import sys; print("the lens is dirty"); sys.exit(3)')
    with Processes(str(tmp_path / 'logs')) as processes:
        processes.start('eye', 'broken', [])

        def has_ended():
            try:
                processes.check()
            except DemoError as error:
                assert 'eye ended with exit code 3' in str(error)
                assert 'the lens is dirty' in str(error)
                return True
            return False

        wait_for(has_ended)


def test_a_process_that_ignores_signals_is_killed_with_its_children(modules, tmp_path,
                                                                    monkeypatch):
    monkeypatch.setattr('edgenext_demo.process_group._GRACE_S', dict.fromkeys(
        (signal.SIGINT, signal.SIGTERM, signal.SIGKILL), 0.2))
    (modules / 'stubborn.py').write_text(STUBBORN)
    with Processes(str(tmp_path / 'logs')) as processes:
        processes.start('mule', 'stubborn', [])
        log = tmp_path / 'logs' / 'mule.log'
        wait_for(lambda: log.read_text().strip())
    child = int(log.read_text())
    wait_for(lambda: not is_alive(child))


def test_processes_end_when_their_starter_is_killed(modules, tmp_path):
    (modules / 'sleeper.py').write_text('import os, time; print(os.getpid()); time.sleep(600)')
    starter = subprocess.Popen(
        [sys.executable, '-c', 'import sys, time\n'
         'from edgenext_demo.process_group import Processes\n'
         'Processes(sys.argv[1]).start("sleeper", "sleeper", [])\n'
         'time.sleep(600)', str(tmp_path / 'logs')],
        env=dict(os.environ, PYTHONPATH=os.pathsep.join([str(tmp_path), os.getcwd()])))
    log = tmp_path / 'logs' / 'sleeper.log'
    wait_for(lambda: log.exists() and log.read_text().strip())
    pid = int(log.read_text())
    starter.kill()
    starter.wait()
    wait_for(lambda: not is_alive(pid))


def test_the_environment_names_a_free_domain_and_keeps_to_this_machine():
    environment = private_environment('/profile.xml')
    assert 1 <= int(environment['ROS_DOMAIN_ID']) <= 101
    assert environment['ROS_AUTOMATIC_DISCOVERY_RANGE'] == 'LOCALHOST'
    assert environment['FASTRTPS_DEFAULT_PROFILES_FILE'] == '/profile.xml'
