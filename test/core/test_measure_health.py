"""Each check of a machine's health, on the machines and packages that it was made for."""

import os
import shutil
import subprocess

import pytest
import tensorrt_double
from machine_trees import JETPACK_6, NANO, PC, grow
from tiny_onnx import write_tiny_network

from edgenext_core.measure.health import device, models, packages, probe, ros
from edgenext_core.measure.health.examination import CHECKS, examine, judge_backends
from edgenext_core.measure.health.finding import ERROR, OK, WARN, Gpu, Surroundings, make_check
from edgenext_core.measure.machine import describe_machine
from edgenext_core.measure.share_folders import find_share
from edgenext_core.runtime.engines.build import Order, build_engine

ORIN_GPU = Gpu('Orin', '8.7', 7619, '12.6')
DIES = 'import os\nos.abort()\n'


def surroundings(tmp_path, files=PC, *, gpus=(), environ=None, versions=None):
    """Look at a machine of files, with the versions of packages that are given."""
    machine = describe_machine(grow(tmp_path / 'root', files))
    if versions is not None:
        machine = machine._replace(versions=versions)
    return Surroundings(machine, str(tmp_path / 'root'), environ or {}, gpus, 'no driver')


@pytest.fixture()
def install(tmp_path, monkeypatch):
    """Install stand-ins for packages, for children and for this process."""
    folder = tmp_path / 'packages'
    folder.mkdir()
    monkeypatch.setenv('PYTHONPATH', str(folder))
    monkeypatch.syspath_prepend(str(folder))

    def write(name, source):
        path = folder.joinpath(*name.split('.'))
        path.mkdir(parents=True)
        (path / '__init__.py').write_text(source)

    return write


# Machine


def test_a_nano_with_compressed_swap_only_is_told_to_add_some_on_disk(tmp_path):
    finding = device.check_memory(surroundings(tmp_path, NANO))
    assert finding.level == WARN
    assert '1978 MiB of swap, 1978 MiB of it compressed in memory' in finding.found
    assert 'fallocate -l 4G /swapfile' in finding.advice


def test_a_jetson_with_swap_on_disk_can_build(tmp_path):
    finding = device.check_memory(surroundings(tmp_path, JETPACK_6, gpus=(ORIN_GPU,)))
    assert (finding.level, finding.advice) == (OK, 'enough to run and to build')


def test_a_pc_without_swap_is_well(tmp_path):
    finding = device.check_memory(surroundings(tmp_path))
    assert (finding.level, finding.advice) == (OK, 'enough to run')
    assert '0 MiB of swap' in finding.found


@pytest.mark.parametrize('free_kib, gpus, advice', [
    (200_000, (), 'a model needs 300 MiB'), (1_000_000, (ORIN_GPU,), 'takes 1280 MiB'),
])
def test_low_memory_is_a_warning(tmp_path, free_kib, gpus, advice):
    memory = f'MemTotal: 32795612 kB\nMemAvailable: {free_kib} kB\nSwapTotal: 0 kB\n'
    finding = device.check_memory(
        surroundings(tmp_path, {**PC, 'proc/meminfo': memory}, gpus=gpus))
    assert finding.level == WARN and advice in finding.advice


def test_a_jetson_tells_release_power_mode_and_clocks(tmp_path):
    finding = device.check_power(surroundings(tmp_path, NANO))
    assert finding.level == OK
    assert finding.found == ('L4T 32.7.1 (JetPack 4.6.1), power mode MAXN, CPU at 1224 of 1479 '
                             'MHz, GPU at 77 of 922 MHz')


@pytest.mark.parametrize('files, status, remedy', [
    (NANO, 'pmode:0001\n', 'sudo nvpmodel -m 0'), (JETPACK_6, 'pmode:0000\n', 'nvpmodel -m 2'),
])
def test_a_slow_power_mode_is_a_warning_with_the_number_of_the_fastest(tmp_path, files, status,
                                                                     remedy):
    finding = device.check_power(
        surroundings(tmp_path, {**files, 'var/lib/nvpmodel/status': status}))
    assert finding.level == WARN and remedy in finding.advice


def test_a_container_on_a_jetson_is_told_where_to_ask_for_the_power_mode(tmp_path):
    seen = {name: text for name, text in NANO.items() if name.startswith('proc/')}
    finding = device.check_power(surroundings(tmp_path, seen))
    assert 'L4T of an unknown release' in finding.found and 'nvpmodel -q' in finding.advice


def test_a_gpu_is_named(tmp_path):
    finding = device.check_gpu(surroundings(tmp_path, JETPACK_6, gpus=(ORIN_GPU,)))
    assert finding.level == OK
    assert finding.found == 'Orin, compute capability 8.7, 7619 MiB, driver for CUDA 12.6'


@pytest.mark.parametrize('files', [NANO, {**PC, 'proc/driver/nvidia/version': 'NVRM version'}])
def test_a_gpu_that_is_there_and_cannot_be_used_is_a_warning(tmp_path, files):
    finding = device.check_gpu(surroundings(tmp_path, files))
    assert finding.level == WARN
    assert 'no driver' in finding.found and '--runtime nvidia' in finding.advice


def test_no_gpu_is_no_fault(tmp_path):
    assert device.check_gpu(surroundings(tmp_path)).level == OK


DRIVER = """
#include <stddef.h>
#include <string.h>
int cuInit(unsigned flags) { return STATUS; }
int cuGetErrorString(int status, const char **text) { *text = "no device is detected"; return 0; }
int cuDriverGetVersion(int *version) { *version = 12060; return 0; }
int cuDeviceGetCount(int *count) { *count = 2; return 0; }
int cuDeviceGet(int *device, int index) { *device = 40 + index; return 0; }
int cuDeviceGetName(char *name, int size, int device) {
    strncpy(name, device == 40 ? "Orin" : "Other", size);
    return 0;
}
int cuDeviceGetAttribute(int *value, int attribute, int device) {
    *value = attribute == 75 ? 8 : attribute == 76 ? device - 33 : -1;
    return 0;
}
int cuDeviceTotalMem_v2(size_t *bytes, int device) { *bytes = (size_t)7619 << 20; return 0; }
"""


@pytest.fixture()
def install_driver(tmp_path, monkeypatch):
    """Compile a stand-in for CUDA's driver with its real signatures."""
    if not shutil.which('cc'):
        pytest.skip('there is no C compiler')

    def build(status):
        (tmp_path / 'driver.c').write_text(DRIVER.replace('STATUS', str(status)))
        subprocess.check_call(['cc', '-shared', '-fPIC', 'driver.c', '-o', 'libcuda.so.1'],
                              cwd=tmp_path)
        monkeypatch.setenv('LD_LIBRARY_PATH', str(tmp_path), prepend=os.pathsep)

    return build


def test_gpus_are_found_through_the_driver_alone(install_driver):
    install_driver(0)
    gpus, why_not = device.find_gpus()
    assert gpus == (ORIN_GPU, Gpu('Other', '8.8', 7619, '12.6')) and why_not == ''


def test_a_driver_that_finds_no_device_says_why(install_driver):
    install_driver(100)
    assert device.find_gpus() == (
        (), "CUDA's driver answers cuInit with error 100: no device is detected")


# Packages


def test_numpy_that_stops_on_the_nanos_processor_is_told_the_variable(tmp_path, install):
    install('numpy', 'import os, signal\nos.kill(os.getpid(), signal.SIGILL)\n')
    finding = packages.check_numpy(surroundings(tmp_path))
    assert finding.level == ERROR
    assert 'SIGILL' in finding.found and 'OPENBLAS_CORETYPE=ARMV8' in finding.advice


def test_opencv_of_another_numpy_is_told_so(tmp_path, install):
    install('cv2', 'raise ImportError("numpy.core.multiarray failed to import")\n')
    finding = packages.check_opencv(surroundings(tmp_path))
    assert finding.level == ERROR and "pip install 'numpy<2'" in finding.advice


@pytest.mark.parametrize('check', [packages.check_numpy, packages.check_opencv])
def test_what_every_model_needs_is_an_error_where_it_is_missing(tmp_path, check):
    finding = check(surroundings(tmp_path, versions={}))
    assert (finding.level, finding.found) == (ERROR, 'not installed')
    assert 'pip install' in finding.advice


def test_on_a_jetson_opencv_comes_from_the_system(tmp_path):
    finding = packages.check_opencv(surroundings(tmp_path, NANO, versions={}))
    assert finding.advice == 'sudo apt install python3-opencv'


@pytest.mark.parametrize('version, level, advice', [
    ('1.9.0', WARN, 'too old'), ('1.10.0', OK, 'jetson-nano'), ('1.12.1', OK, 'runs models on'),
])
def test_an_onnxruntime_is_told_which_models_it_runs(tmp_path, install, version, level, advice):
    install('onnxruntime', f'__version__ = {version!r}\n'
            'def get_available_providers(): return ["CPUExecutionProvider"]\n')
    finding = packages.check_onnxruntime(surroundings(tmp_path))
    assert finding.level == level and advice in finding.advice
    assert finding.found == f'{version} (providers: CPU)'


def test_an_onnxruntime_that_is_missing_or_broken_is_a_warning(tmp_path, install):
    missing = packages.check_onnxruntime(surroundings(tmp_path, versions={}))
    assert (missing.level, missing.advice) == (WARN, 'pip install onnxruntime')
    install('onnxruntime', 'raise OSError("libgomp.so.1 is not there")\n')
    broken = packages.check_onnxruntime(surroundings(tmp_path))
    assert broken.level == WARN and 'libgomp.so.1 is not there' in broken.found


@pytest.mark.parametrize('check', [packages.check_tensorrt, packages.check_pycuda])
def test_what_runs_engines_is_missed_only_beside_a_gpu(tmp_path, check):
    assert check(surroundings(tmp_path, versions={})).level == OK
    finding = check(surroundings(tmp_path, gpus=(ORIN_GPU,), versions={}))
    assert finding.level == WARN and 'pip install' in finding.advice


@pytest.mark.parametrize('check, module', [
    (packages.check_tensorrt, 'tensorrt'), (packages.check_pycuda, 'pycuda'),
])
@pytest.mark.parametrize('source', [DIES, 'raise ImportError("libnvinfer.so.8")\n'])
def test_what_runs_engines_and_is_broken_is_a_warning(tmp_path, install, check, module, source):
    install(module, source)
    finding = check(surroundings(tmp_path, versions={module: '1'}))
    assert finding.level == WARN and 'cannot be imported' in finding.found


def test_tensorrt_is_named_with_its_version(tmp_path, install):
    install('tensorrt', '__version__ = "8.2.1.8"\n')
    finding = packages.check_tensorrt(surroundings(tmp_path))
    assert (finding.level, finding.found) == (OK, '8.2.1.8')


@pytest.mark.parametrize('levels, has_gpu, level, found', [
    ({'ONNX Runtime': OK}, False, OK, 'ONNX Runtime on the CPU'),
    ({'ONNX Runtime': WARN, 'TensorRT': OK, 'PyCUDA': OK}, True, OK, 'TensorRT on the GPU'),
    ({'ONNX Runtime': WARN, 'TensorRT': OK, 'PyCUDA': OK}, False, ERROR, 'none'),
    ({'ONNX Runtime': WARN, 'TensorRT': OK, 'PyCUDA': WARN}, True, ERROR, 'none'),
])
def test_without_a_backend_nothing_runs(levels, has_gpu, level, found):
    finding = judge_backends(levels, has_gpu=has_gpu)
    assert (finding.level, finding.found) == (level, found)


# ROS

RCLPY = {'rclpy': '7.1.5', 'numpy': '2.4.6'}


def test_ros_1_is_told_from_ros_2(tmp_path):
    finding = ros.check_ros(surroundings(
        tmp_path, environ={'ROS_VERSION': '1', 'ROS_DISTRO': 'melodic'}, versions=RCLPY))
    assert finding.level == WARN and 'ROS 1 melodic' in finding.found


@pytest.mark.parametrize('setup, advice', [
    ('opt/ros/humble/setup.bash', 'source /opt/ros/humble/setup.bash'),
    ('opt/ros/humble/install/setup.bash', 'source /opt/ros/humble/install/setup.bash'),
    ('opt/other', 'the nodes need ROS 2'),
])
def test_ros_that_is_not_sourced_is_found(tmp_path, setup, advice):
    finding = ros.check_ros(surroundings(tmp_path, {**PC, setup: ''}, versions={}))
    assert finding.level == WARN and advice in finding.advice


def test_ros_tells_distribution_middleware_and_domain(tmp_path, install):
    install('rclpy', '')
    environ = {'ROS_DISTRO': 'humble', 'ROS_DOMAIN_ID': '7',
               'RMW_IMPLEMENTATION': 'rmw_cyclonedds_cpp'}
    finding = ros.check_ros(surroundings(tmp_path, environ=environ, versions=RCLPY))
    assert (finding.level, finding.found) == (OK, 'humble, rmw_cyclonedds_cpp, domain 7')


@pytest.mark.parametrize('domain', ['102', '-1', 'x'])
def test_a_domain_that_linux_has_no_ports_for_is_a_warning(tmp_path, install, domain):
    install('rclpy', '')
    finding = ros.check_ros(surroundings(tmp_path, environ={'ROS_DOMAIN_ID': domain},
                                         versions=RCLPY))
    assert finding.level == WARN and 'ROS_DOMAIN_ID' in finding.advice


def test_ros_that_is_broken_is_a_warning(tmp_path, install):
    install('rclpy', DIES)
    broken = ros.check_ros(surroundings(tmp_path, versions=RCLPY))
    assert broken.level == WARN and 'SIGABRT' in broken.found


def test_the_messages_of_the_nodes_can_be_sent_here(tmp_path):
    finding = ros.check_messages(surroundings(tmp_path, versions=RCLPY))
    assert finding.level == OK and finding.found.startswith('those of the nodes, by rmw_')
    assert ros.check_messages(surroundings(tmp_path, versions={})) is None


def test_messages_that_are_missing_or_old_are_a_warning(tmp_path, install):
    install('diagnostic_msgs', 'raise ModuleNotFoundError("no diagnostic_msgs")\n')
    lacking = ros.check_messages(surroundings(tmp_path, environ={'ROS_DISTRO': 'humble'},
                                              versions=RCLPY))
    assert lacking.level == WARN and 'apt install ros-humble-diagnostic-msgs' in lacking.advice
    (tmp_path / 'packages' / 'diagnostic_msgs' / '__init__.py').write_text('')
    install('diagnostic_msgs.msg', '')
    install('vision_msgs', '')
    install('vision_msgs.msg', '')
    old = ros.check_messages(surroundings(tmp_path, versions=RCLPY))
    assert old.level == WARN and 'has no LabelInfo' in old.found


@pytest.mark.parametrize('source', [
    DIES, 'raise ImportError("numpy.core.multiarray failed to import")\n'])
def test_messages_for_another_numpy_are_a_warning(tmp_path, install, source):
    install('rclpy', '')
    install('rclpy.utilities', 'def get_rmw_implementation_identifier():\n    return "rmw"\n')
    install('rclpy.serialization', f'def serialize_message(message):\n    {source}'.replace(
        '\nos.', '\n    os.'))
    finding = ros.check_messages(surroundings(tmp_path, versions=RCLPY))
    assert finding.level == WARN and "pip install 'numpy<2'" in finding.advice


def test_a_middleware_that_is_not_installed_is_a_warning(tmp_path, monkeypatch):
    monkeypatch.setenv('RMW_IMPLEMENTATION', 'rmw_of_nobody_cpp')
    finding = ros.check_messages(surroundings(tmp_path, environ=dict(os.environ), versions=RCLPY))
    assert finding.level == WARN and 'unset RMW_IMPLEMENTATION' in finding.advice


def check_profile(tmp_path, environ, rclpy='7.1.5'):
    return ros.check_dds_profile(
        surroundings(tmp_path, environ=environ, versions={'rclpy': rclpy}))


def test_without_a_profile_the_one_that_is_shipped_is_named(tmp_path):
    finding = check_profile(tmp_path, {})
    assert finding.level == WARN
    variable, _, path = finding.advice.rpartition('export ')[2].partition('=')
    assert variable == 'FASTRTPS_DEFAULT_PROFILES_FILE'
    assert check_profile(tmp_path, {variable: path}).level == OK
    other = check_profile(tmp_path, {variable: path}, '9.1.0')
    assert other.level == WARN and f'{variable} is set' in other.found
    assert check_profile(tmp_path, {'FASTDDS_DEFAULT_PROFILES_FILE': path}, '9.1.0').level == OK


@pytest.mark.parametrize('text, fault', [
    (None, 'cannot be read'), ('not <xml', 'is no XML'), ('<dds/>', 'no shared memory'),
    ('<dds xmlns="x"><segment_size>549000</segment_size></dds>', 'no shared memory'),
])
def test_a_profile_that_does_not_serve_is_a_warning(tmp_path, text, fault):
    path = tmp_path / 'profile.xml'
    if text is not None:
        path.write_text(text)
    finding = check_profile(tmp_path, {'FASTRTPS_DEFAULT_PROFILES_FILE': str(path)})
    assert finding.level == WARN and fault in finding.found


@pytest.mark.parametrize('policy, level', [
    (None, WARN), ('PREALLOCATED', WARN), ('PREALLOCATED_WITH_REALLOC', OK), ('DYNAMIC', OK)])
def test_a_memory_policy_that_is_taken_from_the_profile_lets_messages_grow(tmp_path, policy,
                                                                           level):
    path = tmp_path / 'profile.xml'
    path.write_text('<dds><segment_size>67108864</segment_size>' + (
        f'<historyMemoryPolicy>{policy}</historyMemoryPolicy>' if policy else '') + '</dds>')
    environ = {'FASTRTPS_DEFAULT_PROFILES_FILE': str(path)}
    assert check_profile(tmp_path, environ).level == OK
    finding = check_profile(tmp_path, dict(environ, RMW_FASTRTPS_USE_QOS_FROM_XML='1'))
    assert finding.level == level


@pytest.mark.parametrize('size, level', [('212992\n', WARN), ('8388608\n', OK)])
def test_an_image_must_fit_into_the_sockets_of_cyclonedds(tmp_path, size, level):
    around = surroundings(tmp_path, {**PC, 'proc/sys/net/core/rmem_max': size},
                          environ={'RMW_IMPLEMENTATION': 'rmw_cyclonedds_cpp'})
    assert ros.check_socket_buffer(around).level == level
    assert ros.check_socket_buffer(around._replace(environ={})) is None


def test_large_messages_may_be_asked_for_by_a_variable(tmp_path):
    environ = {'FASTDDS_BUILTIN_TRANSPORTS': 'LARGE_DATA?max_msg_size=4MB&sockets_size=8MB'}
    assert check_profile(tmp_path, environ).level == OK
    assert check_profile(tmp_path, {'FASTDDS_BUILTIN_TRANSPORTS': 'LARGE_DATA'}).level == WARN


def test_another_middleware_needs_no_profile(tmp_path):
    assert check_profile(tmp_path, {'RMW_IMPLEMENTATION': 'rmw_cyclonedds_cpp'}) is None
    assert ros.check_dds_profile(surroundings(tmp_path, versions={})) is None


def test_shared_memory_must_hold_a_camera_and_three_nodes(tmp_path):
    small = ros.judge_shared_memory(total_mib=64, free_mib=64)
    assert small.level == WARN and '--shm-size' in small.advice
    assert ros.judge_shared_memory(total_mib=2048, free_mib=2000).level == OK
    missing = ros.check_shared_memory(surroundings(tmp_path, versions=RCLPY))
    assert (missing.level, missing.found) == (WARN, 'missing')
    (tmp_path / 'root' / 'dev' / 'shm').mkdir(parents=True)
    assert 'MiB are free' in ros.check_shared_memory(
        surroundings(tmp_path, versions=RCLPY)).found


SENSOR_MSGS = """
class Image:
    def __init__(self, **fields):
        self.__dict__.update(fields)
"""
CV_BRIDGE = """
class CvBridge:
    def imgmsg_to_cv2(self, message, encoding):
        assert len(message.data) == message.height * message.step
        {body}
"""


@pytest.mark.parametrize('source, level, found', [
    (DIES, WARN, 'ends its process with NumPy 2.4.6 (it ended the process with SIGABRT'),
    ('raise AttributeError("_ARRAY_API not found")\n', WARN, '_ARRAY_API not found'),
    (CV_BRIDGE.format(body='import os; os.kill(os.getpid(), 11)'), WARN, 'SIGSEGV'),
    (CV_BRIDGE.format(body='return None'), OK, 'works with NumPy 2.4.6'),
])
def test_cv_bridge_is_tried_where_it_can_do_no_harm(tmp_path, install, source, level, found):
    install('cv_bridge', source)
    install('sensor_msgs', '')
    install('sensor_msgs.msg', SENSOR_MSGS)
    finding = ros.check_cv_bridge(surroundings(tmp_path, versions=RCLPY))
    assert finding.level == level and found in finding.found
    assert 'our nodes do without it' in finding.advice


# Models and the whole


@pytest.mark.parametrize('wanted, level', [(True, ERROR), (False, WARN)])
@pytest.mark.parametrize('content', [b'', b'not a model', None])
def test_a_model_that_cannot_be_used_says_why(tmp_path, content, wanted, level):
    path = tmp_path / 'broken.onnx'
    if content is not None:
        path.write_bytes(content)
    finding = models.check_model(str(path), wanted=wanted)
    assert finding.level == level and str(path) in finding.found
    assert finding.advice and 'Error' not in finding.advice.split()[0]


def test_an_engine_is_opened_and_a_stale_or_damaged_one_told(tmp_path):
    model = write_tiny_network(tmp_path / 'tiny.onnx')
    engine = tmp_path / 'tiny.engine'
    with tensorrt_double.installed('8.6', tmp_path):
        build_engine(Order(model, str(engine)))
        for path in (model, str(engine)):
            finding = models.check_model(path, wanted=True)
            assert finding.level == OK
            assert finding.advice.startswith('runs on TensorRT 8.6.1 on Orin, since')
        write_tiny_network(tmp_path / 'tiny.onnx', opset=17)
        stale = models.check_model(model, wanted=True)
        assert stale.level == WARN
        assert stale.advice.startswith('runs on ONNX Runtime') and 'edgenext build' in stale.advice
        engine.write_bytes(engine.read_bytes()[:-1])
        finding = models.check_model(str(engine), wanted=True)
        assert finding.level == ERROR
        assert 'it is damaged or truncated; build it with' in finding.advice


def test_models_are_found_here_and_where_they_are_installed_each_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    share = tmp_path / 'prefix' / 'share' / 'edgenext_ros'
    for path in (tmp_path / 'engines' / 'own.onnx', tmp_path / 'engines' / 'own.engine',
                 tmp_path / 'engines' / 'own.engine.json', share / 'engines' / 'demo' / 'd.onnx'):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('')
    (tmp_path / 'engines' / 'demo').symlink_to(share / 'engines' / 'demo')
    monkeypatch.setenv('AMENT_PREFIX_PATH', str(tmp_path / 'prefix'))
    found = models.find_models(find_share('edgenext_ros'))
    assert found == ['engines/own.engine', 'engines/own.onnx', 'engines/demo/d.onnx']


def test_a_check_that_fails_itself_is_one_line():
    def fail(_):
        raise KeyError('MemTotal\nand more')

    finding = make_check('Memory', fail, None)
    assert (finding.name, finding.level) == ('Memory', WARN)
    assert 'KeyError' in finding.found and '\n' not in finding.found


def test_a_machine_of_which_nothing_can_be_said_stops_no_check(tmp_path):
    unknown = Surroundings(None, str(tmp_path), {}, (), '')
    findings = list(examine([str(tmp_path / 'missing.onnx')], unknown))
    assert len(findings) >= len(CHECKS) and findings[-1].level == ERROR


def test_a_machine_without_any_of_these_files_is_examined(tmp_path):
    nothing = surroundings(tmp_path, {}, versions={})
    for name, check in CHECKS:
        finding = make_check(name, check, nothing)
        assert finding is None or 'could not be checked' not in finding.found


def test_an_attempt_that_hangs_or_cannot_be_started_is_a_sentence(monkeypatch, install):
    install('slow', 'import time\ntime.sleep(60)\n')
    monkeypatch.setattr(probe, '_TIMEOUT_S', 0.5)
    with pytest.raises(probe.ProbeCrashError, match='did not answer within 0.5 s'):
        probe.try_in_child('import', 'slow')
    monkeypatch.setattr(probe.sys, 'executable', '/no/such/python')
    with pytest.raises(probe.ProbeError, match='no process could be started'):
        probe.try_in_child('import', 'numpy')
