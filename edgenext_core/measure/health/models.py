"""Which models and engines can be used here, found by opening each."""

import os
from typing import Dict, List, Optional

from edgenext_core.measure.health.finding import ERROR, OK, WARN, Finding
from edgenext_core.measure.health.probe import ProbeError, try_in_child

_SUFFIXES = ('.onnx', '.engine')
_FOLDERS = ('engines', os.path.join('engines', 'demo'))


def find_models(share: Optional[str]) -> List[str]:
    """
    List the models that lie where the documents put them.

    :param share: the share folder of the installed package, None where there is none
    :return: paths of ONNX files and engines, below the working folder first
    """
    folders = list(_FOLDERS) + [os.path.join(share, folder) for folder in _FOLDERS if share]
    found: Dict[str, str] = {}  # by the file itself: the clone may be what is installed
    for folder in folders:
        names = sorted(os.listdir(folder)) if os.access(folder, os.R_OK | os.X_OK) else []
        for path in (os.path.join(folder, name) for name in names if name.endswith(_SUFFIXES)):
            found.setdefault(os.path.realpath(path), path)
    return list(found.values())


def check_model(path: str, *, wanted: bool) -> Finding:
    """
    Open a model and run it once.

    :param path: an ONNX file or an engine
    :param wanted: whether the user asked for this one
    :return: what runs it; an error where nothing does and it is wanted, else a warning
    """
    try:
        answer = try_in_child('model', path)
    except ProbeError as error:
        return Finding('Model', ERROR if wanted else WARN, f'{path} cannot be used', str(error))
    # A choice that tells how to build is ONNX Runtime's, where the GPU could have been taken.
    level = WARN if 'edgenext build' in answer['choice'] else OK
    return Finding('Model', level, f'{path} ({answer["task"]})', f'runs on {answer["choice"]}')
