"""The launch file, run by ROS's launch where that is installed (it has no Python wheel)."""

import os
from pathlib import Path

import pytest

# `launch` alone would find our folder of that name.
pytest.importorskip('launch_ros', reason="ROS's launch_ros, which has no wheel, is not installed")

from launch import LaunchDescription, LaunchService  # noqa: E402
from launch.actions import (  # noqa: E402
    DeclareLaunchArgument,
    EmitEvent,
    IncludeLaunchDescription,
    RegisterEventHandler,
)
from launch.event_handlers import OnProcessExit, OnProcessIO  # noqa: E402
from launch.events import Shutdown  # noqa: E402
from launch.launch_description_sources import (  # noqa: E402
    PythonLaunchDescriptionSource,
    get_launch_description_from_python_launch_file,
)
from tiny_models import write_classifier, write_detector, write_segmenter  # noqa: E402

LAUNCH_FILE = str(Path(__file__).resolve().parents[2] / 'launch' / 'perception.launch.py')
TASKS = ('classification', 'detection', 'segmentation')


@pytest.fixture(autouse=True)
def no_profile(monkeypatch):
    """Start as a user who has chosen no Fast DDS profile; a launch changes this process's own."""
    for version in ('FASTRTPS', 'FASTDDS'):
        monkeypatch.setenv(f'{version}_DEFAULT_PROFILES_FILE', '')


@pytest.fixture
def models(tmp_path):
    """Write a model for each task; give the launch arguments that name them."""
    for task, write in zip(TASKS, (write_classifier, write_detector, write_segmenter)):
        write(tmp_path / f'{task}.onnx')
    return {f'{task}_model': str(tmp_path / f'{task}.onnx') for task in TASKS}


class Run:
    """One run of the launch file: ends when as many nodes as wanted have said that they listen."""

    def __init__(self, arguments, *, listeners):
        self.output = ''
        self.exit_codes = {}
        self._listeners = listeners
        on_output = OnProcessIO(on_stdout=self._on_output, on_stderr=self._on_output)
        service = LaunchService(noninteractive=True)
        service.include_launch_description(LaunchDescription([
            RegisterEventHandler(on_output),
            RegisterEventHandler(OnProcessExit(on_exit=self._on_exit)),
            IncludeLaunchDescription(
                PythonLaunchDescriptionSource(LAUNCH_FILE), launch_arguments=arguments.items()
            ),
        ]))  # fmt: skip
        self.return_code = service.run()

    def _on_output(self, event):
        self.output += event.text.decode()
        if self.output.count('listening to') >= self._listeners:
            return EmitEvent(event=Shutdown(reason='all are up'))
        return None

    def _on_exit(self, event, _):
        self.exit_codes[event.action.name] = event.returncode


def test_every_argument_is_described():
    description = get_launch_description_from_python_launch_file(LAUNCH_FILE)
    arguments = [
        entity for entity in description.entities if isinstance(entity, DeclareLaunchArgument)
    ]
    assert {argument.name for argument in arguments} == {
        'namespace', 'image_topic', 'start', 'params_file', 'log_level', 'use_sim_time', 'camera',
        'camera_source', *(f'{task}_model' for task in TASKS),
    }  # fmt: skip
    assert all(argument.description for argument in arguments)
    assert all(argument.default_value is not None for argument in arguments)


def test_it_starts_the_three_nodes_and_no_camera(models):
    run = Run({**models, 'namespace': 'robot', 'image_topic': '/front'}, listeners=3)
    assert run.output.count('listening to /front') == 3
    assert all(f'robot.{task}' in run.output for task in TASKS)
    assert len(run.exit_codes) == 3
    assert not any('camera' in name for name in run.exit_codes)


def test_it_starts_only_what_start_names(models):
    run = Run({**models, 'start': 'detection'}, listeners=1)
    assert len(run.exit_codes) == 1
    assert 'detection' in next(iter(run.exit_codes))


def test_it_starts_a_camera_when_asked_to(models):
    run = Run({**models, 'start': 'detection', 'camera': 'true'}, listeners=1)
    assert len(run.exit_codes) == 2


def test_an_unknown_node_name_is_told_with_those_that_exist(models, caplog):
    run = Run({**models, 'start': 'depth'}, listeners=1)
    assert run.return_code == 1
    assert 'start:=depth must name one or more of classification' in caplog.text


def test_nodes_get_the_packaged_fast_dds_profile(models):
    Run({**models, 'start': 'detection'}, listeners=1)
    assert os.environ['FASTRTPS_DEFAULT_PROFILES_FILE'].endswith('config/fastdds.xml')


def test_the_users_own_fast_dds_profile_stays(models, monkeypatch):
    monkeypatch.setenv('FASTRTPS_DEFAULT_PROFILES_FILE', '/mine.xml')
    Run({**models, 'start': 'detection'}, listeners=1)
    assert os.environ['FASTRTPS_DEFAULT_PROFILES_FILE'] == '/mine.xml'
