"""What can go wrong; one class for each thing that a caller can do about it."""


class EdgeNextError(Exception):
    """Base class of all our errors: everything that this project raises on purpose."""


class FrameError(EdgeNextError):
    """A picture is unusable: drop it and go on with the next."""


class ModelCardError(EdgeNextError):
    """A model file describes itself wrongly or not at all: export it again."""


class EngineError(EdgeNextError):
    """A model cannot be opened or run: choose another file, backend or setting."""


class SettingError(EdgeNextError):
    """A setting has a wrong name, type or range: choose another value."""


class OutputError(EdgeNextError):
    """Results cannot be written: name another place."""


class SourceError(EdgeNextError):
    """A source of frames cannot be used: name another."""
