"""Checks of ROS 2: whether it is there, how its messages travel, and cv_bridge against NumPy."""

import importlib.util
import os
import xml.etree.ElementTree as ElementTree
from typing import Optional

from edgenext_core.measure.health.finding import OK, WARN, Finding, Surroundings
from edgenext_core.measure.health.probe import ProbeCrashError, ProbeError, try_in_child
from edgenext_core.measure.machine import read_text
from edgenext_core.measure.share_folders import find_dds_profile

_FAST_DDS = 'rmw_fastrtps_cpp'
_HIGHEST_DOMAIN = 101
"""Above it, Linux gives the ports of the domain to outgoing connections."""
_IMAGE_BYTES = 640 * 480 * 3
_GROWING = ('PREALLOCATED_WITH_REALLOC', 'DYNAMIC', 'DYNAMIC_REUSABLE')
"""Memory policies with which a message may be larger than its type's default."""
_SOCKET_BYTES = 4 << 20
_SEGMENT_MIB = 64
"""What each process takes of /dev/shm by our profile."""
_PROCESSES = 4
"""A camera and three nodes."""


def check_ros(surroundings: Surroundings) -> Finding:
    """
    Import rclpy and the messages, and tell distribution, middleware and domain.

    :param surroundings: see ``Surroundings``
    :return: a warning where nodes cannot run
    """
    environ = surroundings.environ
    if environ.get('ROS_VERSION') == '1':
        return Finding('ROS', WARN, f'ROS 1 {environ.get("ROS_DISTRO", "")} is sourced',
                       'open a shell without it and source ROS 2')
    if 'rclpy' not in surroundings.machine.versions:
        return _not_sourced(surroundings.root)
    try:
        try_in_child('import', 'rclpy')
    except ProbeError as error:
        return Finding('ROS', WARN, f'rclpy cannot be imported ({error})', 'take the Python and '
                       'the NumPy that this ROS 2 was built for')
    distro = environ.get('ROS_DISTRO')
    domain = environ.get('ROS_DOMAIN_ID') or '0'
    found = ', '.join([distro or f'rclpy {surroundings.machine.versions["rclpy"]}',
                       environ.get('RMW_IMPLEMENTATION') or f'{_FAST_DDS} by default',
                       f'domain {domain}'])
    if not domain.isdigit() or int(domain) > _HIGHEST_DOMAIN:
        return Finding('ROS', WARN, found, f'ROS_DOMAIN_ID: take 0 to {_HIGHEST_DOMAIN}')
    return Finding('ROS', OK, found, 'nodes run, and hear those of the same domain')


def check_messages(surroundings: Surroundings) -> Optional[Finding]:
    """
    Load the middleware and the messages of the nodes, and write one out.

    :param surroundings: see ``Surroundings``
    :return: a warning where nodes cannot speak; nothing without ROS
    """
    if 'rclpy' not in surroundings.machine.versions:
        return None
    distro = surroundings.environ.get('ROS_DISTRO') or 'DISTRO'
    try:
        answer = try_in_child('messages')
    except ProbeError as error:
        if 'exit status' in str(error) and 'RMW_IMPLEMENTATION' in surroundings.environ:
            remedy = 'install the middleware that it names, or: unset RMW_IMPLEMENTATION'
        elif isinstance(error, ProbeCrashError) or 'numpy' in str(error):
            remedy = "their packages were compiled for another NumPy, pip install 'numpy<2'"
        else:
            remedy = 'take the Python that this ROS 2 was built for'
        return Finding('Messages', WARN, f'cannot be sent ({error})', remedy)
    if answer['missing']:
        packages = ' '.join(f'ros-{distro}-{name.replace("_", "-")}' for name in answer['missing'])
        return Finding('Messages', WARN, f'{", ".join(answer["missing"])} cannot be imported',
                       f'sudo apt install {packages}')
    if not answer['has_labels']:
        return Finding('Messages', WARN, 'vision_msgs is older than 4.1 and has no LabelInfo',
                       f'the nodes publish it: sudo apt install ros-{distro}-vision-msgs')
    return Finding('Messages', OK, f'those of the nodes, by {answer["rmw"]}', 'can be sent')


def check_dds_profile(surroundings: Surroundings) -> Optional[Finding]:
    """
    Check that Fast DDS is set up for images.

    :param surroundings: see ``Surroundings``
    :return: a warning where images would get lost; nothing without ROS or with another middleware
    """
    environ = surroundings.environ
    rclpy = surroundings.machine.versions.get('rclpy')
    if rclpy is None or not environ.get(
            'RMW_IMPLEMENTATION', _FAST_DDS).startswith('rmw_fastrtps'):
        return None
    variables = ['FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE']
    if rclpy.split('.')[0].isdigit() and int(rclpy.split('.')[0]) >= 9:
        variables.reverse()
    variable, other = variables  # Fast DDS 3 came with rclpy 9
    profile = find_dds_profile() or 'config/fastdds.xml'
    remedy = f'for the camera, too: export {variable}={profile}'
    path = environ.get(variable)
    if path:
        takes_qos = environ.get('RMW_FASTRTPS_USE_QOS_FROM_XML') == '1'
        fault = _fault_of_profile(path, takes_qos=takes_qos)
        return (Finding('DDS profile', WARN, f'{variable}={path} {fault}', remedy) if fault else
                Finding('DDS profile', OK, path, 'images fit into shared memory; the camera needs '
                        'it, too'))
    if 'max_msg_size' in environ.get('FASTDDS_BUILTIN_TRANSPORTS', ''):
        return Finding('DDS profile', OK, environ['FASTDDS_BUILTIN_TRANSPORTS'],
                       'large messages arrive')
    found = f'{other} is set, which this Fast DDS does not read' if other in environ else 'none'
    return Finding('DDS profile', WARN, found, 'best-effort images between processes get lost '
                   f'unnoticed; {remedy}')


def check_socket_buffer(surroundings: Surroundings) -> Optional[Finding]:
    """
    Check that CycloneDDS may keep the fragments of an image until all of them are there.

    :param surroundings: see ``Surroundings``
    :return: a warning where it may not; nothing with another middleware
    """
    size = read_text(surroundings.root, 'proc/sys/net/core/rmem_max').strip()
    if not (surroundings.environ.get('RMW_IMPLEMENTATION', '').startswith('rmw_cyclonedds')
            and size.isdigit()):
        return None
    found = f'net.core.rmem_max is {int(size) >> 10} KiB'
    if int(size) < _SOCKET_BYTES:
        return Finding('Sockets', WARN, found, 'large images get lost unnoticed: sudo sysctl -w '
                       'net.core.rmem_max=8388608 net.core.rmem_default=8388608')
    return Finding('Sockets', OK, found, 'images fit into the buffers of CycloneDDS')


def check_shared_memory(surroundings: Surroundings) -> Optional[Finding]:
    """
    Check that /dev/shm is there, may be written, and is large enough for our profile.

    :param surroundings: see ``Surroundings``
    :return: a warning where not; nothing without ROS
    """
    if 'rclpy' not in surroundings.machine.versions:
        return None
    folder = os.path.join(surroundings.root, 'dev', 'shm')
    if not os.path.isdir(folder):
        return Finding('/dev/shm', WARN, 'missing', 'sudo mount -t tmpfs shm /dev/shm, else '
                       'images travel over UDP')
    if not os.access(folder, os.W_OK | os.X_OK):
        return Finding('/dev/shm', WARN, 'cannot be written', 'sudo chmod 1777 /dev/shm, else '
                       'images travel over UDP')
    state = os.statvfs(folder)
    return judge_shared_memory(total_mib=state.f_blocks * state.f_frsize >> 20,
                               free_mib=state.f_bavail * state.f_frsize >> 20)


def judge_shared_memory(*, total_mib: int, free_mib: int) -> Finding:
    """
    Compare shared memory with what a camera and three nodes take.

    :param total_mib: size of /dev/shm, MiB
    :param free_mib: what is free of it, MiB
    :return: a warning where they do not fit
    """
    found = f'{free_mib} of {total_mib} MiB are free'
    needed = _SEGMENT_MIB * _PROCESSES
    if free_mib < needed:
        return Finding('/dev/shm', WARN, found, f'a camera and three nodes take {needed} MiB: '
                       'docker run --shm-size 1g, or --ipc host; files that ended programs left '
                       'are removed by: fastdds shm clean')
    return Finding('/dev/shm', OK, found, 'room for a camera and three nodes')


def check_cv_bridge(surroundings: Surroundings) -> Optional[Finding]:
    """
    Let cv_bridge convert a picture.

    :param surroundings: see ``Surroundings``
    :return: a warning where it fails; nothing where it is not there, since our nodes do not use it
    """
    if importlib.util.find_spec('cv_bridge') is None:
        return None
    numpy = f'NumPy {surroundings.machine.versions.get("numpy", "?")}'
    try:
        try_in_child('cv_bridge')
    except ProbeCrashError as error:
        return Finding('cv_bridge', WARN, f'ends its process with {numpy} ({error})', 'our nodes '
                       "do without it; for Python nodes that use it: pip install 'numpy<2'")
    except ProbeError as error:
        return Finding('cv_bridge', WARN, f'does not work with {numpy} ({error})', 'our nodes do '
                       "without it; for Python nodes that use it: pip install 'numpy<2'")
    return Finding('cv_bridge', OK, f'works with {numpy}', 'our nodes do without it')


def _not_sourced(root: str) -> Finding:
    folder = os.path.join(root, 'opt', 'ros')
    distros = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    found = [os.path.join('/opt/ros', distro, name, 'setup.bash')
             for distro in distros for name in ('', 'install')
             if os.path.exists(os.path.join(folder, distro, name, 'setup.bash'))]
    if found:
        return Finding('ROS', WARN, 'not sourced', f'source {os.path.normpath(found[-1])}')
    return Finding('ROS', WARN, 'not installed', 'the nodes need ROS 2; the other commands do not')


def _fault_of_profile(path: str, *, takes_qos: bool) -> str:
    try:
        tree = ElementTree.parse(path)
    except OSError as error:
        return f'cannot be read ({error.strerror})'
    except ElementTree.ParseError as error:
        return f'is no XML ({error})'
    elements = [(element.tag.rpartition('}')[2], element) for element in tree.iter()]
    if not any((name == 'segment_size' and int(element.text or 0) >= _IMAGE_BYTES)
               or (name == 'builtinTransports' and 'max_msg_size' in element.attrib)
               for name, element in elements):
        return 'has no shared memory that an image of 640x480 fits into'
    if takes_qos and not any(name == 'historyMemoryPolicy' and element.text in _GROWING
                             for name, element in elements):
        return ('names no memory policy for messages that grow, which '
                'RMW_FASTRTPS_USE_QOS_FROM_XML=1 takes from it')
    return ''
