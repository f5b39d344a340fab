"""The ROS 2 nodes: messages to frames, records to messages."""
