"""What runs a model file: the interface, its backends, and how a file becomes one."""
