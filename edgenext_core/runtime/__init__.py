"""The robot side: NumPy, OpenCV and one inference backend; never torch, never ROS."""
