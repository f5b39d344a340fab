"""Check that this machine can run the project, or say what to do."""

import os
import platform
import sys

OLDEST, NEWEST = (3, 10), (3, 14)


def complaint():
    """
    Look for the first thing that stands in the way.

    :return: a sentence, or None.
    """
    if sys.platform != 'linux':
        return 'this is %s; ROS 2 and the set-up here need Linux' % sys.platform
    if 'ROS_DISTRO' in os.environ:
        return None
    version = sys.version_info[:2]
    if not OLDEST <= version <= NEWEST:
        return (
            'this is Python %d.%d; the ROS 2 wheels are for 3.10 to 3.14. '
            'Name another one (make PYTHON=python3.12) or source a ROS 2' % version
        )
    if platform.machine() != 'x86_64':
        return (
            'this is %s; the ROS 2 wheels are for x86_64. Install ROS 2 and source it'
            % platform.machine()
        )
    return None


if __name__ == '__main__':
    sys.exit(complaint())
