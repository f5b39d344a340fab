"""What a check finds, what it may look at, and how it is made."""

from typing import Callable, Dict, NamedTuple, Optional, Tuple

from edgenext_core.measure.machine import Machine

LEVELS = OK, WARN, ERROR = 'OK', 'WARN', 'ERROR'
"""All is well; something is missing or slow; no model runs, or not the one asked for."""


class Finding(NamedTuple):
    """
    What one check found.

    ``level`` is one of ``LEVELS``, ``found`` says what is there, ``advice`` what it is good for,
    or the remedy.
    """

    name: str
    level: str
    found: str
    advice: str = ''


class Gpu(NamedTuple):
    """A GPU as its driver describes it; ``cuda`` is the newest CUDA that the driver runs."""

    name: str
    compute_capability: str
    memory_mib: int
    cuda: str


class Surroundings(NamedTuple):
    """
    What the checks look at.

    ``machine`` is this one and ``root`` the folder of its system's files; ``environ`` are the
    variables of the process; ``gpus`` are those that CUDA's driver gives us, and ``no_gpu`` says
    why it gives none.
    """

    machine: Machine
    root: str
    environ: Dict[str, str]
    gpus: Tuple[Gpu, ...]
    no_gpu: str


Check = Callable[[Surroundings], Optional[Finding]]


def make_check(name: str, check: Check, surroundings: Surroundings) -> Optional[Finding]:
    """
    Make a check; one that fails itself is a finding, too.

    :param name: of the check
    :param check: what to do
    :param surroundings: what it looks at
    :return: what it found, None where it has nothing to say
    """
    try:
        return check(surroundings)
    except Exception as error:  # what the check of a broken machine meets can be anything
        shown = ' '.join(f'{type(error).__name__}: {error}'.split())
        return Finding(name, WARN, f'could not be checked ({shown})',
                       'this is a fault of ours; please report this line')
