"""A disk that is full soon."""

import contextlib
import resource


@contextlib.contextmanager
def files_limited_to(size):
    """Let no file grow beyond a size in bytes, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
