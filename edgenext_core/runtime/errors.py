"""What can go wrong on the robot side; one class per thing that a caller can act on."""


class EdgeNextError(Exception):
    """Be the base of every error that this package raises on purpose."""


class FrameError(EdgeNextError):
    """Say that a picture is unusable: drop it and go on with the next."""


class ModelCardError(EdgeNextError):
    """Say that a model file describes itself wrongly or not at all: export it again."""


class EngineError(EdgeNextError):
    """Say that a model cannot be opened or run: choose another file, backend or setting."""
