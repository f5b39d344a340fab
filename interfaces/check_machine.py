"""Check that this machine can run the project, or say what to do."""

import os
import platform
import shutil
import sys
import sysconfig

OLDEST, NEWEST = (3, 10), (3, 14)


def complaint():
    """
    Look for the first thing that stands in the way.

    :return: a sentence, or None
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
    if shutil.which(os.environ.get('CC', 'cc')) is None:
        return 'there is no C compiler; on Debian and Ubuntu: apt install gcc libc6-dev'
    header = os.path.join(sysconfig.get_path('include'), 'Python.h')
    if not os.path.exists(header):
        return 'there is no %s; on Debian and Ubuntu: apt install python3-dev' % header
    return None


if __name__ == '__main__':
    sys.exit(complaint())
