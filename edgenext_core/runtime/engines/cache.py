"""
Which engine file belongs to a model on this machine, and whether the one that is there does.

An engine runs on the TensorRT and the GPU that it was built by, and nowhere else. A sidecar beside
it, ``<engine>.json``, says what that was, so that a mismatch is a sentence and no crash.
"""

import hashlib
import json
import os
from typing import Any, Dict, NamedTuple, Optional, Tuple

from edgenext_core.runtime.card_file import card_from_json, card_to_json
from edgenext_core.runtime.engines.nvidia import LIBRARIES
from edgenext_core.runtime.errors import EngineError, ModelCardError
from edgenext_core.runtime.model_card import ModelCard

_CHUNK = 1 << 20


class EngineKey(NamedTuple):
    """
    What an engine was built from, by and for; each field counts.

    ``model`` is the sha256 of the ONNX file; ``tensorrt`` the library with its version;
    ``compute_capability`` such as '5.3'; ``input_shape`` the only one it takes. In a key that an
    engine is checked against, None takes whatever the engine has. An engine of TensorRT-RTX has no
    ``device`` and may have several compute capabilities, '8.6 8.9'.
    """

    model: Optional[str]
    tensorrt: str
    device: Optional[str]
    compute_capability: str
    precision: Optional[str]
    input_shape: Optional[Tuple[int, ...]]


class Sidecar(NamedTuple):
    """
    What stands beside an engine.

    ``library`` is the module that built it and runs it; ``engine`` the sha256 of its file;
    ``built`` tells of the build what else is worth knowing.
    """

    library: str
    engine: str
    key: EngineKey
    card: ModelCard
    built: Dict[str, Any]


_NAMES = {'tensorrt': '', 'device': 'the GPU ', 'compute_capability': 'the compute capability ',
          'precision': 'the precision ', 'input_shape': 'the input '}


def key_for(model: str, card: ModelCard, *, tensorrt: str, device: Optional[str],
            compute_capability: str, precision: Optional[str]) -> EngineKey:
    """
    Say what an engine for a model must have been built from, by and for.

    :param model: the ONNX file
    :param card: its card
    :param tensorrt: on this machine, with its version
    :param device: the name of this machine's GPU
    :param compute_capability: its own, such as '5.3'
    :param precision: 'float16' or 'float32', None for either
    :return: the key
    """
    return EngineKey(hash_file(model), tensorrt, device, compute_capability, precision,
                     input_shape(card))


def input_shape(card: ModelCard) -> Tuple[int, ...]:
    """
    Give the shape of the images that a model takes.

    :param card: its card
    :return: (batch, height, width, 3)
    """
    return card.input.batch, card.input.height, card.input.width, 3


def engine_path(model: str) -> str:
    """
    Say where the engine of a model lives.

    :param model: the ONNX file
    :return: beside it if that folder can be written to, else in the user's cache
    """
    folder, name = os.path.split(os.path.abspath(model))
    stem = os.path.splitext(name)[0]
    beside = os.path.join(folder, f'{stem}.engine')
    if os.path.exists(beside) or os.access(folder, os.W_OK):
        return beside
    home = os.environ.get('XDG_CACHE_HOME') or os.path.join(os.path.expanduser('~'), '.cache')
    place = hashlib.sha256(folder.encode()).hexdigest()[:8]
    return os.path.join(home, 'edgenext', 'engines', f'{stem}-{place}.engine')


def timing_cache_path(folder: str, *, tensorrt: str, device: str) -> str:
    """
    Say where the timings are that speed up the next build.

    :param folder: of the engines
    :param tensorrt: the version
    :param device: the GPU's name
    :return: one file for each version and GPU
    """
    name = ''.join(letter if letter.isalnum() else '_' for letter in device)
    return os.path.join(folder, f'{name}-{tensorrt}.timings')


def install_engine(part: str, engine: str, sidecar: Sidecar) -> None:
    """
    Move a built engine to its place, with its sidecar; both are there, or neither is new.

    :param part: where it was built, in the folder of its place
    :param engine: its place
    :param sidecar: what it is; its ``engine`` is filled in here
    :raises OSError: when the disk is full
    """
    content = dict(sidecar.key._asdict(), library=sidecar.library, engine=hash_file(part),
                   card=card_to_json(sidecar.card), built=sidecar.built)
    description = f'{part}.json'
    try:
        with open(description, 'w') as stream:
            json.dump(content, stream, indent=1)
        os.replace(part, engine)
        os.replace(description, f'{engine}.json')
    finally:
        if os.path.exists(description):
            os.remove(description)


def read_sidecar(engine: str, *, model: str = 'MODEL.onnx') -> Sidecar:
    """
    Read what an engine is.

    :param engine: its file
    :param model: the ONNX file that it should be of, for the message
    :return: what stands beside it
    :raises EngineError: when the engine or its sidecar is missing or damaged
    """
    remedy = f'build it with: edgenext build {model}'
    if not os.path.exists(engine):
        raise EngineError(f'there is no engine {engine}; {remedy}')
    try:
        with open(f'{engine}.json') as stream:
            raw = json.load(stream)
        shape = tuple(int(size) for size in raw['input_shape'])
        key = EngineKey(*[raw[field] for field in EngineKey._fields])._replace(input_shape=shape)
        if raw['library'] not in LIBRARIES or not isinstance(key.compute_capability, str):
            raise ValueError('not what is written here')
        return Sidecar(raw['library'], raw['engine'], key, card_from_json(raw['card']),
                       raw['built'])
    except FileNotFoundError:
        raise EngineError(f'{engine} has no {os.path.basename(engine)}.json beside it, which says '
                          f'where it runs; {remedy}') from None
    except OSError as error:
        raise EngineError(f'{engine}.json cannot be read ({error.strerror}); check its '
                          'permissions') from error
    except (KeyError, TypeError, ValueError, ModelCardError) as error:
        raise EngineError(f'{engine}.json is damaged; {remedy}') from error


def check_engine(engine: str, sidecar: Sidecar, wanted: EngineKey, *, model: str = 'MODEL.onnx'
                 ) -> None:
    """
    Check that an engine is whole, and for this model and this machine.

    :param engine: its file
    :param sidecar: what it is
    :param wanted: what it must have been built from, by and for
    :param model: the ONNX file that it should be of, for the message
    :raises EngineError: when it is damaged, or was built for something else
    """
    remedy = f'build it with: edgenext build {model}'
    for field, value in wanted._asdict().items():
        was = getattr(sidecar.key, field)
        if value is None or value == was or (field == 'device' and was is None):
            continue
        if field == 'compute_capability' and value in was.split():
            continue
        if field == 'model':
            raise EngineError(f'{engine} was built from another version of {model}; {remedy}')
        raise EngineError(f'{engine} was built for {_NAMES[field]}{was}, this machine and model '
                          f'have {value}; {remedy}')
    if sidecar.engine != hash_file(engine):
        raise EngineError(f'{engine} is not the file that was built, it is damaged or truncated; '
                          f'{remedy}')


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
