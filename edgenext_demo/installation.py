"""Where ROS packages are installed, and which versions this machine runs."""

import os
import platform
import re
import sys
from typing import Any, Dict, Optional

import cv2
import numpy as np
import onnxruntime
import rclpy

from edgenext_core import __version__
from edgenext_demo.errors import DemoError

_PACKAGE = 'edgenext_ros'
_DISTROS = {'3': 'humble', '7': 'jazzy', '9': 'kilted'}
"""rclpy's major version in each supported distribution; wheels do not set ROS_DISTRO."""


def find_share(package: str) -> Optional[str]:
    """
    Find a ROS package's share folder.

    :param package: its name
    :return: the folder, None where the package is not installed
    """
    prefixes = os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep) + [sys.prefix]
    folders = (os.path.join(prefix, 'share', package) for prefix in prefixes if prefix)
    return next((folder for folder in folders if os.path.isdir(folder)), None)


def find_dds_profile() -> str:
    """
    Find the Fast DDS profile that is sized for images: in the clone, else where it is installed.

    :return: its path
    :raises DemoError: when there is none
    """
    clone = os.path.join(os.path.dirname(__file__), '..')
    for folder in (clone, find_share(_PACKAGE) or ''):
        path = os.path.abspath(os.path.join(folder, 'config', 'fastdds.xml'))
        if os.path.isfile(path):
            return path
    raise DemoError('config/fastdds.xml is neither in a clone nor in share/edgenext_ros; install '
                    'the package again')


def describe_machine() -> Dict[str, Any]:
    """
    List the versions and the processor that a measurement depends on.

    :return: for a report
    """
    rclpy_version = _package_version('rclpy')
    return {
        _PACKAGE: __version__,
        'python': platform.python_version(),
        'numpy': np.__version__,
        'opencv': cv2.__version__,
        'onnxruntime': onnxruntime.__version__,
        'rclpy': rclpy_version,
        'ros_distro': os.environ.get('ROS_DISTRO', _DISTROS.get(rclpy_version.split('.')[0])),
        'rmw': rclpy.get_rmw_implementation_identifier(),
        'system': platform.platform(),
        'cpu': _cpu_model(),
        'cores': len(os.sched_getaffinity(0)),
    }


def _package_version(package: str) -> str:
    share = find_share(package)
    if share is None:
        return 'unknown'
    with open(os.path.join(share, 'package.xml'), encoding='utf-8') as manifest:
        found = re.search(r'<version[^>]*>\s*([^<\s]+)', manifest.read())
    return found.group(1) if found else 'unknown'


def _cpu_model() -> str:
    try:
        with open('/proc/cpuinfo', encoding='utf-8') as cpuinfo:
            found = re.search(r'^(?:model name|Model)\s*:\s*(.+)$', cpuinfo.read(), re.MULTILINE)
    except OSError:
        found = None
    return found.group(1) if found else platform.processor() or platform.machine()
