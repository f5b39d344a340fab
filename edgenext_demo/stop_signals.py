"""Ctrl-C and the like, noticed where the run can stand it."""

import signal
from typing import Any, Dict, List

_NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopSignals:
    """
    Note signals instead of raising; use as a ``with`` block.

    An exception out of a signal handler may strike anywhere: inside a callback that swallows it,
    or between a process's start and the note that it has started.
    """

    def __init__(self) -> None:
        """Start with no signal noted."""
        self._noted: List[int] = []
        self._handlers: Dict[int, Any] = {}

    def __enter__(self) -> 'StopSignals':
        """Take the signals over."""
        for number in _NUMBERS:
            self._handlers[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: Any) -> None:
        """Give the signals back."""
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """
        Give up where the user wants that.

        :raises KeyboardInterrupt: on the second Ctrl-C
        :raises SystemExit: on SIGTERM and SIGHUP, with the exit code that shells give them
        """
        for number in self._noted:
            if number != signal.SIGINT:
                raise SystemExit(128 + number)
        if len(self._noted) > 1:
            raise KeyboardInterrupt

    def is_clip_over(self) -> bool:
        """Return whether Ctrl-C has ended the clip."""
        return signal.SIGINT in self._noted

    def _note(self, number: int, _frame: Any) -> None:
        self._noted.append(number)
