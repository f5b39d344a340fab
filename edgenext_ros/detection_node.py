"""
The detection node: it says which objects are where.

Publishes ``~/detections`` (vision_msgs/Detection2DArray), boxes in the camera's own pixels,
highest score first, and an empty array where nothing is found; the rest is in ``perception_node``.
"""

import sys

from edgenext_ros.perception_node import run_perception

if __name__ == '__main__':
    sys.exit(run_perception('detection'))
