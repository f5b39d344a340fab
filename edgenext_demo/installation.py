"""What this machine has for the demo: the Fast DDS profile, and the versions that it runs."""

import os
import platform
import re
from typing import Any, Dict

import cv2
import rclpy

from edgenext_core import __version__
from edgenext_core.measure import machine, share_folders
from edgenext_demo.errors import DemoError

_DISTROS = {'3': 'humble', '7': 'jazzy', '9': 'kilted'}
"""rclpy's major version in each supported distribution; wheels do not set ROS_DISTRO."""


def require_dds_profile() -> str:
    """
    Find the Fast DDS profile that is sized for images.

    :return: its path
    :raises DemoError: when there is none
    """
    path = share_folders.find_dds_profile()
    if path is None:
        raise DemoError('config/fastdds.xml is neither in a clone nor in share/edgenext_ros; '
                        'install the package again')
    return path


def describe_machine() -> Dict[str, Any]:
    """
    List the versions and the processor that a measurement depends on.

    :return: for a report
    """
    found = machine.describe_machine()
    rclpy_version = _package_version('rclpy')
    return {
        share_folders.PACKAGE: __version__,
        'python': found.python,
        'numpy': found.versions['numpy'],
        'opencv': cv2.__version__,
        'onnxruntime': found.versions['onnxruntime'],
        'rclpy': rclpy_version,
        'ros_distro': os.environ.get('ROS_DISTRO', _DISTROS.get(rclpy_version.split('.')[0])),
        'rmw': rclpy.get_rmw_implementation_identifier(),
        'system': platform.platform(),
        'cpu': found.cpu,
        'cores': found.cores,
    }


def _package_version(package: str) -> str:
    share = share_folders.find_share(package)
    if share is None:
        return 'unknown'
    with open(os.path.join(share, 'package.xml'), encoding='utf-8') as manifest:
        found = re.search(r'<version[^>]*>\s*([^<\s]+)', manifest.read())
    return found.group(1) if found else 'unknown'
