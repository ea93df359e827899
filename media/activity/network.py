"""The Silero network for many streams at once: a row and a remembered state for each. Sans-I/O but for its file.

Windows are 256 samples at 8 kHz. Each needs the 32 samples before it; without them the network raises no error and
hears nothing. 64 windows in a batch cost a tenth each of what single ones do, and give the same bits.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from media.codec.g711 import Samples
from media.frame import RATE_HZ

WINDOW: Final = 256
_CONTEXT: Final = 32
_STATE: Final = 128
_SCALE: Final = np.float32(1 / 32768)
_RATE: Final = np.array(RATE_HZ, dtype=np.int64)
_FIRST_SLOTS: Final = 32

Floats = NDArray[np.float32]


class ModelMissing(Exception):
    """The network's file cannot be found; the message says where it was looked for."""


class NetworkFailed(Exception):
    """The network raised an error on a batch; the states of its streams are as before."""


def model_path() -> Path:
    """Return the network's file inside pipecat-ai's wheel, which is not imported.

    Raises:
        ModelMissing: the wheel or the file is not there.
    """
    spec = find_spec("pipecat")
    if spec is None or not spec.submodule_search_locations:
        raise ModelMissing("silero_vad.onnx: the package pipecat-ai is not installed (make setup)")
    path = Path(next(iter(spec.submodule_search_locations))) / "audio" / "vad" / "data" / "silero_vad.onnx"
    if not path.is_file():
        raise ModelMissing(f"silero_vad.onnx: not in pipecat-ai's wheel at {path}")
    return path


class Network:
    """The process's one network. Streams own slots: rows of the tables that hold every stream's state."""

    def __init__(self, path: Path | None = None) -> None:
        """Raises ModelMissing."""
        path = path or model_path()
        if not path.is_file():
            raise ModelMissing(f"the network of the voice activity: no file at {path}")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(path), sess_options=options, providers=["CPUExecutionProvider"]
        )
        self._state: Floats = np.zeros((2, _FIRST_SLOTS, _STATE), dtype=np.float32)
        self._tail: Floats = np.zeros((_FIRST_SLOTS, _CONTEXT), dtype=np.float32)
        self._free = list(range(_FIRST_SLOTS))

    def claim(self) -> int:
        """Return a slot with the state of a stream that has heard nothing."""
        if not self._free:
            count = len(self._tail)
            self._state = np.concatenate([self._state, np.zeros_like(self._state)], axis=1)
            self._tail = np.concatenate([self._tail, np.zeros_like(self._tail)])
            self._free = list(range(count, 2 * count))
        slot = self._free.pop()
        self.reset(slot)
        return slot

    def release(self, slot: int) -> None:
        self._free.append(slot)

    def reset(self, slot: int) -> None:
        """Forget what this stream has heard."""
        self._state[:, slot] = 0
        self._tail[slot] = 0

    def run(self, slots: list[int], windows: Samples) -> tuple[list[float], list[float]]:
        """Run one window of each slot's stream and move its state on.

        Args:
            slots: different ones.
            windows: (len(slots), WINDOW) int16.

        Returns:
            The probabilities of speech, and the windows' RMS (0 to 1).

        Raises:
            NetworkFailed: no state has moved.
        """
        places = np.array(slots, dtype=np.intp)
        rows = np.empty((len(slots), _CONTEXT + WINDOW), dtype=np.float32)
        rows[:, :_CONTEXT] = self._tail.take(places, axis=0)
        sound = rows[:, _CONTEXT:]
        np.multiply(windows, _SCALE, out=sound)
        state = self._state.take(places, axis=1)
        try:
            output, state = self._session.run(None, {"input": rows, "state": state, "sr": _RATE})
        except Exception as error:
            raise NetworkFailed(type(error).__name__) from error
        self._state[:, places] = state
        self._tail[places] = sound[:, -_CONTEXT:]
        rms: Floats = np.sqrt(np.einsum("ij,ij->i", sound, sound) / WINDOW)
        return output[:, 0].tolist(), rms.tolist()
