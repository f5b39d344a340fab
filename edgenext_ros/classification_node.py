"""
The classification node: it says what a frame shows.

Publishes ``~/labels`` (vision_msgs/Classification), the ``top_k`` classes, most probable first;
the rest is in ``perception_node``.
"""

import sys

from edgenext_ros.perception_node import run_perception

if __name__ == '__main__':
    sys.exit(run_perception('classification'))
