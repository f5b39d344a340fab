"""The module that a program imports as ``tensorrt``."""

import sys

from tensorrt_double import child

sys.modules[__name__] = child.tensorrt()
