"""What can go wrong when a network is made or run."""

from edgenext_core.runtime.errors import EdgeNextError


class ModelError(EdgeNextError):
    """A network cannot be made or run as asked: choose another name, option or size."""
