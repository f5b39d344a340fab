"""TensorRT's messages: into the log of Python, and its last errors into our sentences."""

import collections
import logging
from typing import Any, List

_LEVELS = (logging.CRITICAL, logging.ERROR, logging.WARNING, logging.DEBUG, logging.DEBUG)
"""Of TensorRT's severities, from internal error to verbose; its infos are many."""
_ERROR, _WARNING = 1, 2
_REASON_LENGTH = 400
_log = logging.getLogger(__name__)


def make_log(trt: Any) -> Any:
    """
    Make a logger for TensorRT, which calls it from any thread; keep it as long as TensorRT.

    :param trt: the module ``tensorrt`` or ``tensorrt_rtx``
    :return: an ``ILogger``; ``take_errors()`` gives the errors since the last call as one text,
        ``warnings`` is a list of the different warnings
    """
    class Log(trt.ILogger):
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self._errors: collections.deque = collections.deque(maxlen=3)
            self.warnings: List[str] = []

        def log(self, severity: Any, msg: str) -> None:
            _log.log(_LEVELS[int(severity)], '%s', msg)
            text = ' '.join(msg.split())
            if int(severity) <= _ERROR:
                self._errors.append(text)
            elif int(severity) == _WARNING and text not in self.warnings:
                self.warnings.append(text)

        def take_errors(self) -> str:
            text = '; '.join(self._errors) or 'nothing'
            self._errors.clear()
            return text if len(text) <= _REASON_LENGTH else text[:_REASON_LENGTH - 3] + '...'

    return Log()
