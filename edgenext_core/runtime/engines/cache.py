"""
Which engine file belongs to a model on this machine, and whether the one that is there does.

An engine runs on the TensorRT and the GPU that it was built by, and nowhere else. A sidecar beside
it, ``<engine>.json``, says what that was, so that a mismatch is a sentence and no crash.
"""

import hashlib
import json
import os
from typing import Any, Dict, NamedTuple, Tuple

from edgenext_core.runtime.card_file import card_from_json, card_to_json
from edgenext_core.runtime.errors import EngineError, ModelCardError
from edgenext_core.runtime.model_card import ModelCard

_CHUNK = 1 << 20


class EngineKey(NamedTuple):
    """
    What an engine was built from, by and for; each field counts.

    ``model`` is the sha256 of the ONNX file; ``input_shape`` the only one it takes.
    """

    model: str
    tensorrt: str
    device: str
    compute_capability: str
    precision: str
    input_shape: Tuple[int, ...]


_NAMES = {'model': 'another version of the model', 'tensorrt': 'TensorRT',
          'device': 'the GPU', 'compute_capability': 'the compute capability',
          'precision': 'the precision', 'input_shape': 'the input'}


def key_for(model: str, card: ModelCard, *, tensorrt: str, device: str, compute_capability: str,
            precision: str) -> EngineKey:
    """
    Say what an engine for a model must have been built from, by and for.

    :param model: the ONNX file
    :param card: its card
    :param tensorrt: the version on this machine
    :param device: the name of this machine's GPU
    :param compute_capability: its own, such as '5.3'
    :param precision: 'float16' or 'float32'
    :return: the key
    """
    return EngineKey(hash_file(model), tensorrt, device, compute_capability, precision,
                     (1, card.input.height, card.input.width, 3))


def engine_path(model: str) -> str:
    """
    Say where the engine of a model lives.

    :param model: the ONNX file
    :return: beside it if that folder can be written to, else in the user's cache
    """
    folder, name = os.path.split(os.path.abspath(model))
    stem = os.path.splitext(name)[0]
    if os.access(folder, os.W_OK):
        return os.path.join(folder, f'{stem}.engine')
    home = os.environ.get('XDG_CACHE_HOME') or os.path.join(os.path.expanduser('~'), '.cache')
    place = hashlib.sha256(folder.encode()).hexdigest()[:8]
    return os.path.join(home, 'edgenext', 'engines', f'{stem}-{place}.engine')


def timing_cache_path(engine: str, *, tensorrt: str, device: str) -> str:
    """
    Say where the timings are that speed up the next build.

    :param engine: an engine's file
    :param tensorrt: the version
    :param device: the GPU's name
    :return: one file in the engine's folder for each version and GPU
    """
    name = ''.join(letter if letter.isalnum() else '_' for letter in device)
    return os.path.join(os.path.dirname(engine), f'{name}-{tensorrt}.timings')


def write_sidecar(engine: str, key: EngineKey, card: ModelCard, built: Dict[str, Any]) -> None:
    """
    Write what an engine is beside it, last of all: without it the engine does not count.

    :param engine: its file
    :param key: what it was built from, by and for
    :param card: the model's card, so that the engine can be run without the model
    :param built: what else is known of the build
    """
    content = dict(key._asdict(), engine=hash_file(engine), card=card_to_json(card), built=built)
    part = f'{engine}.json.{os.getpid()}.part'
    with open(part, 'w') as stream:
        json.dump(content, stream, indent=1)
    os.replace(part, f'{engine}.json')


def read_engine_card(engine: str) -> ModelCard:
    """
    Read the card of the model that an engine was built from.

    :param engine: its file
    :return: the card
    :raises EngineError: when the sidecar is missing or damaged
    """
    try:
        return card_from_json(_read_sidecar(engine)['card'])
    except (KeyError, ModelCardError) as error:
        raise _damaged(engine) from error


def check_engine(engine: str, wanted: EngineKey, *, model: str) -> None:
    """
    Check that an engine is whole, and for this model and this machine.

    :param engine: its file
    :param wanted: what it must have been built from, by and for
    :param model: the ONNX file that it should be of, for the message
    :raises EngineError: when it is missing, damaged, or built for something else
    """
    remedy = f'build it with: edgenext build {model}'
    if not os.path.exists(engine):
        raise EngineError(f'there is no engine {engine}; {remedy}')
    found = _read_sidecar(engine)
    if found.get('engine') != hash_file(engine):
        raise EngineError(f'{engine} is not the file that was built, it is damaged or truncated; '
                          f'{remedy}')
    for field, value in wanted._asdict().items():
        was = found.get(field)
        if was != (list(value) if field == 'input_shape' else value):
            if field == 'model':
                raise EngineError(f'{engine} was built from another version of {model}; {remedy}')
            raise EngineError(f'{engine} was built for {_NAMES[field]} {was}, this machine and '
                              f'model have {value}; {remedy}')


def hash_file(path: str) -> str:
    """
    Hash a file.

    :param path: the file
    :return: its sha256 in hexadecimal digits
    """
    digest = hashlib.sha256()
    with open(path, 'rb') as stream:
        for chunk in iter(lambda: stream.read(_CHUNK), b''):
            digest.update(chunk)
    return digest.hexdigest()


def _read_sidecar(engine: str) -> Dict[str, Any]:
    try:
        with open(f'{engine}.json') as stream:
            content = json.load(stream)
    except FileNotFoundError:
        raise EngineError(f'{engine} has no {os.path.basename(engine)}.json beside it, which says '
                          'where it runs; build it again with: edgenext build') from None
    except ValueError as error:
        raise _damaged(engine) from error
    if not isinstance(content, dict):
        raise _damaged(engine)
    return content


def _damaged(engine: str) -> EngineError:
    return EngineError(f'{engine}.json is damaged; build the engine again with: edgenext build')
