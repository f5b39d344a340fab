"""Where ROS packages are installed, this one among them; found without ROS."""

import os
import sys
from typing import Optional

PACKAGE = 'edgenext_ros'
_CLONE = os.path.join(os.path.dirname(__file__), '..', '..')


def find_share(package: str) -> Optional[str]:
    """
    Find a ROS package's share folder.

    :param package: its name
    :return: the folder, None where the package is not installed
    """
    prefixes = os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep) + [sys.prefix]
    folders = (os.path.join(prefix, 'share', package) for prefix in prefixes if prefix)
    return next((folder for folder in folders if os.path.isdir(folder)), None)


def find_dds_profile() -> Optional[str]:
    """
    Find the Fast DDS profile that is sized for images: in the clone, else where it is installed.

    :return: its path, None where it is in neither
    """
    places = [os.path.abspath(os.path.join(folder, 'config', 'fastdds.xml'))
              for folder in (_CLONE, find_share(PACKAGE)) if folder]
    return next((place for place in places if os.path.isfile(place)), None)
