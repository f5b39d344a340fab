"""The package that a program imports as ``pycuda``."""
