"""The backend for any CPU: ONNX Runtime 1.10 and later."""

from typing import Any, Dict, NamedTuple, Tuple

import numpy as np
import onnxruntime

from edgenext_core.runtime.engines.interface import Engine, TensorSpec
from edgenext_core.runtime.errors import EngineError
from edgenext_core.runtime.model_card import ModelCard

_NO_LOG = 4
_REASON_LENGTH = 500
_DTYPES = {'tensor(float)': 'float32', 'tensor(double)': 'float64', 'tensor(float16)': 'float16'}


class Session(NamedTuple):
    """A loaded file: ONNX Runtime's ``session``, and what it takes and gives; None: left open."""

    session: Any
    inputs: Tuple[TensorSpec, ...]
    outputs: Tuple[TensorSpec, ...]


class OnnxRuntimeEngine(Engine):
    """
    A model on ONNX Runtime's CPU provider.

    :param path: the ONNX file
    :param card: its card
    :param threads: see ``open_session``
    :raises EngineError: when ONNX Runtime cannot load the file
    """

    backend = 'onnxruntime'
    version = onnxruntime.__version__
    device = 'CPU'

    def __init__(self, path: str, card: ModelCard, *, threads: int) -> None:
        """Load the file."""
        self._session, self.inputs, self.outputs = open_session(path, threads=threads)
        self.card = card
        self.precision = card.export.precision
        self._output_names = [output.name for output in self.outputs]

    def infer(self, image: np.ndarray) -> Dict[str, np.ndarray]:
        """
        Run the network.

        :param image: see ``Engine.infer``
        :return: the outputs by name
        :raises EngineError: when ONNX Runtime fails, or after ``close``
        """
        if self._session is None:
            raise EngineError('the engine is closed; open the model again')
        feed = {self.card.input.name: image.astype(self.card.input.dtype, copy=False)}
        try:
            outputs = self._session.run(self._output_names, feed)
        except Exception as error:
            raise EngineError(f'ONNX Runtime {self.version} failed to run the model '
                              f'(it says: {_reason(error)})') from error
        return dict(zip(self._output_names, outputs))

    def close(self) -> None:
        """Drop the session; ``infer`` then raises."""
        self._session = None


def open_session(path: str, *, threads: int) -> Session:
    """
    Load a file, with or without a card.

    :param path: the ONNX file
    :param threads: of one inference; waiting threads sleep, since several nodes share the cores
    :return: the session
    :raises EngineError: if ONNX Runtime cannot load the file
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _NO_LOG  # its errors are raised, too
    options.add_session_config_entry('session.intra_op.allow_spinning', '0')
    try:
        session = onnxruntime.InferenceSession(path, sess_options=options,
                                               providers=['CPUExecutionProvider'])
        return Session(session, _specs(session.get_inputs()), _specs(session.get_outputs()))
    except Exception as error:
        raise EngineError(f'ONNX Runtime {onnxruntime.__version__} cannot load {path}; if the '
                          'file asks for a newer one, update it, or on a Jetson Nano export with '
                          '--target jetson-nano; else copy or export the file again (it says: '
                          f'{_reason(error)})') from error


def _specs(arguments: Any) -> Tuple[TensorSpec, ...]:
    return tuple(TensorSpec(argument.name, _dtype(argument.type),
                            tuple(size if isinstance(size, int) else None
                                  for size in argument.shape))
                 for argument in arguments)


def _dtype(type_name: str) -> str:
    return _DTYPES.get(type_name, type_name.replace('tensor(', '').rstrip(')'))


def _reason(error: Exception) -> str:
    """Shorten '[ONNXRuntimeError] : 1 : FAIL : Load model from PATH failed:reason'."""
    text = ' '.join(str(error).split(' : ', 3)[-1].split(' failed:', 1)[-1].split())
    return text if len(text) <= _REASON_LENGTH else text[:_REASON_LENGTH - 3] + '...'
