"""Weights from files, of every origin, into models."""

import argparse
import json
import pathlib
import pickle
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn

from edgenext_core.models.configs import ABLATIONS, BACKBONES
from edgenext_core.models.edgenext import EdgeNeXt
from edgenext_core.runtime.errors import EdgeNextError
from edgenext_core.weights.names import find_naming

CONTAINERS = ('model_ema', 'state_dict_ema', 'state_dict', 'model')
"""Where training programs put the weights, averaged ones first, as they are the published ones."""
NUMPY_SCALAR = np.float64(0).__reduce__()[0]
HARMLESS = [
    (argparse.Namespace, 'argparse.Namespace'),
    (pathlib.PurePosixPath, 'pathlib.PosixPath'),
    (NUMPY_SCALAR, 'numpy.core.multiarray.scalar'),
    (NUMPY_SCALAR, 'numpy._core.multiarray.scalar'),
    (np.dtype, 'numpy.dtype'),
    type(np.dtype(np.float64)),
    type(np.dtype(np.float32)),
    type(np.dtype(np.int64)),
]
"""What training programs save beside weights: the options of the run, and numbers of NumPy."""
RUN_PARTS = ('recipe', 'labels', 'metrics')
"""What a training run of this project writes beside its weights."""
CLASS_DEPENDENT = re.compile(r'(head\.fc|classifier|heads\.\d+\.predict(\.\d+)?)\.(weight|bias)')
_ZIP = b'PK\x03\x04'
NAMES_IN_MESSAGE = 5
ADAPT = '; the number of classes differs: adapt_classifier=True keeps the last layers fresh'


class CheckpointError(EdgeNextError):
    """
    A file cannot be read or does not hold the weights of the model: choose another one.

    :param message: one sentence
    :param missing: names that the model has and the file lacks
    :param unexpected: names that the file has and the model lacks
    :param wrong_shape: names that both have with different shapes
    """

    def __init__(self, message: str, *, missing: tuple[str, ...] = (),
                 unexpected: tuple[str, ...] = (), wrong_shape: tuple[str, ...] = ()):
        super().__init__(message)
        self.missing = missing
        self.unexpected = unexpected
        self.wrong_shape = wrong_shape


class Weights(NamedTuple):
    """
    The weights of a file under our names.

    ``source`` is as in :class:`names.Naming`; ``tensors`` are those of a classifier, or start with
    ``backbone.`` where the encoder is part of something.
    """

    source: str
    tensors: dict[str, Tensor]

    @property
    def encoder(self) -> dict[str, Tensor]:
        """The encoder's weights, as :class:`edgenext.EdgeNeXt` with features_only has them."""
        return {name.removeprefix('backbone.'): value for name, value in self.tensors.items()
                if _in_encoder(name)}


class LoadedCheckpoint(NamedTuple):
    """What was loaded: the file's ``source``, and the names that were left ``fresh``."""

    source: str
    fresh: tuple[str, ...]


def load_checkpoint(model: nn.Module, path: Path | str, *,
                    adapt_classifier: bool = False) -> LoadedCheckpoint:
    """
    Fill a model with the weights of a file; every one must be there and fit.

    :param model: any model of this project
    :param path: a file of the authors, of timm, of cvnets or of our own; safetensors or a pickle,
        of which no code is run
    :param adapt_classifier: leave the last layers as they are where the number of classes
        differs, instead of refusing
    :return: what was loaded
    :raises CheckpointError: if the file cannot be read or does not fit
    """
    weights = read_weights(path)
    wanted, found = _named_tensors(model), weights.tensors
    wrong_shape = _wrong_shapes(wanted, found)
    fresh: tuple[str, ...] = ()
    if adapt_classifier:
        fresh = tuple(name for name in wrong_shape if CLASS_DEPENDENT.fullmatch(name))
    _require_fit(path, wanted, found, fresh=fresh)
    model.load_state_dict({name: value for name, value in found.items() if name not in fresh},
                          strict=False)
    return LoadedCheckpoint(weights.source, fresh)


def load_encoder(model: nn.Module, path: Path | str) -> LoadedCheckpoint:
    """
    Load the encoder, and every other weight whose name and shape match.

    The file may be of any task. Its encoder must fit whole; of the heads comes what matches: ASPP,
    say, from a segmenter of other classes.

    :param model: a classifier, an encoder, a detector or a segmenter
    :param path: as for :func:`load_checkpoint`
    :return: what was loaded
    :raises CheckpointError: if the file cannot be read or its encoder does not fit
    """
    weights = read_weights(path)
    wanted = _named_tensors(model)
    prefix = '' if isinstance(model, EdgeNeXt) else 'backbone.'
    found = {prefix + name: value for name, value in weights.encoder.items()}
    _require_fit(path, {name: value for name, value in wanted.items() if _in_encoder(name)}, found)
    found.update((name, value) for name, value in weights.tensors.items()
                 if name in wanted and value.shape == wanted[name].shape)
    model.load_state_dict(found, strict=False)
    return LoadedCheckpoint(weights.source, tuple(name for name in wanted if name not in found))


def read_weights(path: Path | str) -> Weights:
    """
    Read the weights of a file and give them our names.

    :param path: as for :func:`load_checkpoint`
    :return: the weights
    :raises CheckpointError: if the file cannot be read, holds no EdgeNeXt, or weights that are not
        finite
    """
    tensors = _tensors_in(read_file(path))
    _require_finite(path, tensors)
    naming = find_naming(tensors)
    if naming is None:
        raise CheckpointError(f'{path} holds no EdgeNeXt: none of its {len(tensors)} tensors is '
                              "named like the stem's")
    return Weights(naming.source, {naming.rename(name.removeprefix(naming.root)): value
                                   for name, value in tensors.items()})


def read_run(path: Path | str) -> dict[str, Any]:
    """
    Read what a training run of this project left.

    :param path: its ``last.ckpt``
    :return: ``recipe``, ``labels`` and ``metrics`` of the run, names and plain values that a model
        card can hold, beside its weights
    :raises CheckpointError: if the file cannot be read or tells of no run
    """
    content = read_file(path)
    for part in RUN_PARTS:
        if not isinstance(content, dict) or not isinstance(content.get(part), dict):
            raise CheckpointError(f'{path} is not of a training run of this project: it has no '
                                  f'{part}; give the last.ckpt that a run has written')
    try:
        json.dumps([content[part] for part in RUN_PARTS])
    except (TypeError, ValueError) as error:
        raise CheckpointError(f'{path} tells of its run by more than names and plain values '
                              f'({error}); give the last.ckpt that a run has written') from error
    return content


def read_file(path: Path | str) -> Any:
    """
    Read a file of weights without running any code that it may hold.

    :param path: safetensors or a pickle of torch.save
    :return: what was saved, on the CPU
    :raises CheckpointError: if the file cannot be read or its checksums are wrong
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f'there is no file {path}')
    try:
        if path.suffix == '.safetensors':
            return safetensors.torch.load_file(path)
        _require_checksums(path)
        with torch.serialization.safe_globals(HARMLESS):
            return torch.load(path, map_location='cpu', weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f'{path} is no checkpoint, or holds Python objects besides weights, which are not '
            f'run; save its state_dict alone ({_first_sentence(error)})') from error
    except CheckpointError:
        raise
    except Exception as error:  # a foreign file can end an unpickler in any way
        raise CheckpointError(f'{path} is damaged or no checkpoint ({_first_sentence(error)}); '
                              'get it again') from error


def _require_checksums(path: Path) -> None:
    """Check what torch.load does not: an archive with bytes overwritten loads without a word."""
    with path.open('rb') as stream:
        if stream.read(len(_ZIP)) != _ZIP:
            return
        with zipfile.ZipFile(stream) as archive:
            # All are 0 where the writer was told to compute none.
            if not any(member.CRC for member in archive.infolist()):
                return
            damaged = archive.testzip()
    if damaged is not None:
        raise CheckpointError(f'{path} is damaged: {damaged} in it has another checksum than when '
                              'it was saved; get the file again, or take an earlier checkpoint')


def _require_finite(path: Path | str, tensors: dict[str, Tensor]) -> None:
    for name, tensor in tensors.items():
        if not tensor.is_floating_point():
            continue
        # By NumPy: for PyTorch this takes a hundred times as long where threads share the cores.
        finite = np.isfinite(tensor.detach().float().numpy())
        if not finite.all():
            raise CheckpointError(
                f'{path} holds numbers that are not finite: {finite.size - finite.sum()} of the '
                f'{finite.size} in {name}; its training has diverged or the file is damaged, take '
                'an earlier checkpoint or train again')


def _tensors_in(content: object) -> dict[str, Tensor]:
    while isinstance(content, Mapping):
        inner = next((content[key] for key in CONTAINERS
                      if isinstance(content.get(key), Mapping)), None)
        if inner is None:
            return {name: value for name, value in content.items()
                    if isinstance(name, str) and isinstance(value, Tensor)
                    and name != 'n_averaged'}
        content = inner
    return {}


def _in_encoder(name: str) -> bool:
    return name.removeprefix('backbone.').startswith(('stem.', 'stages.'))


def _named_tensors(model: nn.Module) -> dict[str, Tensor]:
    return {name: value for name, value in model.state_dict().items()
            if not name.endswith('num_batches_tracked')}


def _wrong_shapes(wanted: dict[str, Tensor], found: dict[str, Tensor]) -> tuple[str, ...]:
    return tuple(name for name, value in wanted.items()
                 if name in found and found[name].shape != value.shape)


def _require_fit(path: Path | str, wanted: dict[str, Tensor], found: dict[str, Tensor], *,
                 fresh: tuple[str, ...] = ()) -> None:
    missing = tuple(name for name in wanted if name not in found)
    unexpected = tuple(name for name in found if name not in wanted
                       and not name.endswith('num_batches_tracked'))
    wrong_shape = tuple(name for name in _wrong_shapes(wanted, found) if name not in fresh)
    if not (missing or unexpected or wrong_shape):
        return
    shapes = tuple(f'{name} is {_shape(found[name])} instead of {_shape(wanted[name])}'
                   for name in wrong_shape)
    parts = [_listed(missing, 'missing'), _listed(unexpected, 'unexpected'),
             _listed(shapes, 'of another shape')]
    class_count_only = not missing + unexpected and all(
        map(CLASS_DEPENDENT.fullmatch, wrong_shape))
    advice = ADAPT if class_count_only else _advice(wanted, found)
    raise CheckpointError(
        f'{path} does not fit the model: {"; ".join(part for part in parts if part)}{advice}',
        missing=missing, unexpected=unexpected, wrong_shape=wrong_shape)


def _advice(wanted: dict[str, Tensor], found: dict[str, Tensor]) -> str:
    if _encoder_shapes(wanted) == _encoder_shapes(found):
        return '; the encoders are the same: load_encoder takes that, and of the rest what fits'
    names = _models_like(found)
    return f'; its encoder is that of {" or ".join(names)}' if names else ''


def _encoder_shapes(tensors: dict[str, Tensor]) -> dict[str, torch.Size]:
    return {name.removeprefix('backbone.'): value.shape for name, value in tensors.items()
            if _in_encoder(name) and not name.endswith('num_batches_tracked')}


def _models_like(found: dict[str, Tensor]) -> list[str]:
    """Name the networks with exactly these encoder weights."""
    shapes = _encoder_shapes(found)
    with torch.device('meta'):
        return [name for name, config in {**BACKBONES, **ABLATIONS}.items()
                if _encoder_shapes(EdgeNeXt(config, features_only=True).state_dict()) == shapes]


def _listed(names: tuple[str, ...], what: str) -> str:
    if not names:
        return ''
    more = len(names) - NAMES_IN_MESSAGE
    ending = f' and {more} more' if more > 0 else ''
    return f'{len(names)} {what} ({", ".join(names[:NAMES_IN_MESSAGE])}{ending})'


def _shape(tensor: Tensor) -> str:
    return 'x'.join(map(str, tensor.shape)) or 'a number'


def _first_sentence(error: Exception) -> str:
    first_line = (str(error).strip() or type(error).__name__).splitlines()[0]
    return first_line.partition('. ')[0]
