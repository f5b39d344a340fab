#!/bin/bash
# Set up ROS 2, the nodes and the command edgenext, then run what the container was started for.
set -e
source /opt/edgenext/install/setup.bash
export PATH=/opt/edgenext/install/lib/edgenext_ros:$PATH
exec "$@"
