"""What a user may ask of the street that cannot be."""

from edgenext_core.runtime.errors import EdgeNextError


class StreetError(EdgeNextError):
    """Say that a street, a drive or a data set cannot be as asked: ask for another."""
