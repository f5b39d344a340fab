"""Which node runs which model of a folder: the model cards decide."""

import os
from typing import Dict, List, NamedTuple

from edgenext_core.runtime.card_file import read_card
from edgenext_core.runtime.model_card import ModelCard
from edgenext_demo.errors import DemoError

_TARGET = 'cpu'


class DemoModel(NamedTuple):
    """A model file, its card, and the node that runs it."""

    path: str
    card: ModelCard

    @property
    def node(self) -> str:
        """Return the node's name: the task's."""
        return self.card.task

    @property
    def module(self) -> str:
        """Return the module that ``python -m`` runs as the node."""
        return f'edgenext_ros.{self.card.task}_node'


def find_models(folder: str) -> List[DemoModel]:
    """
    Find at most one model per task in a folder; of files for several targets that for a CPU.

    :param folder: holds ``*.onnx`` files
    :return: the models, ordered classification, detection, segmentation
    :raises DemoError: when there is no folder, no model in it, or two of one task
    :raises EdgeNextError: when a file is damaged or has no valid model card
    """
    if not os.path.isdir(folder):
        raise DemoError(f'there is no models folder {folder}; give one that holds .onnx files '
                        'made by: edgenext export')
    names = sorted(name for name in os.listdir(folder) if name.endswith('.onnx'))
    if not names:
        raise DemoError(f'the models folder {folder} holds no .onnx file; put in one per task, '
                        'made by: edgenext export')
    models: Dict[str, List[DemoModel]] = {}
    for name in names:
        path = os.path.join(folder, name)
        model = DemoModel(path, read_card(path))
        models.setdefault(model.card.task, []).append(model)
    return [_only_one(models[task]) for task in sorted(models)]


def _only_one(models: List[DemoModel]) -> DemoModel:
    fitting = [model for model in models if model.card.export.target == _TARGET] or models
    if len(fitting) > 1:
        one, other = fitting[:2]
        raise DemoError(f'{one.path} and {other.path} are both for {one.card.task}, the demo runs '
                        'one model per task; leave one of them in the folder')
    return fitting[0]
