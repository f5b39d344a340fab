"""
The segmentation node: it says what every pixel is.

Publishes ``~/mask`` (sensor_msgs/Image mono8), class indices at the camera's resolution; the rest
is in ``perception_node``.
"""

import sys

from edgenext_ros.perception_node import run_perception

if __name__ == '__main__':
    sys.exit(run_perception('segmentation'))
