"""EdgeNeXt networks: training, export and the robot-side runtime, without ROS."""

__version__ = '0.1.0'
