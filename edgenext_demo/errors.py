"""What can end a demo early."""

from edgenext_core.runtime.errors import EdgeNextError


class DemoError(EdgeNextError):
    """Say why the demo cannot start or go on, and what to do, in one sentence."""
