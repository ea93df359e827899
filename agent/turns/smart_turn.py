"""smart-turn v3: from the sound of what was said to how likely it is that its speaker has finished.

It listens to tone and tempo, not to words. A run takes some 60 to 90 ms of a core however short the sound, and runs
in one batch take no less: so it lives in a process of its own (agent/turns/worker.py) and is asked only when a
speaker has paused. Nothing here but the network's file is read.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime
import soxr

from agent.turns import log_mel
from media.frame import RATE_HZ

HEARD_S: Final = 8  # what it hears at once; older sound counts no more
HEARD_BYTES: Final = HEARD_S * RATE_HZ * 2
_FILE: Final = Path("audio", "turn", "smart_turn", "data", "smart-turn-v3.2-cpu.onnx")
_SCALE: Final = np.float32(1 / 32768)


class SmartTurnMissing(Exception):
    """The network's file cannot be found or read; the message says where it was looked for."""


def model_path() -> Path:
    """Return the network's file inside pipecat-ai's wheel, which is not imported.

    Raises:
        SmartTurnMissing: the wheel or the file is not there.
    """
    spec = find_spec("pipecat")
    if spec is None or not spec.submodule_search_locations:
        raise SmartTurnMissing(f"{_FILE.name}: the package pipecat-ai is not installed (make setup)")
    path = Path(next(iter(spec.submodule_search_locations))) / _FILE
    if not path.is_file():
        raise SmartTurnMissing(f"{_FILE.name}: not in pipecat-ai's wheel at {path}")
    return path


class SmartTurn:
    """The network, with one thread."""

    def __init__(self, path: Path | None = None) -> None:
        """Raises SmartTurnMissing."""
        path = path or model_path()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), sess_options=options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # noqa: BLE001 - the library raises its own kinds, which it does not export
            raise SmartTurnMissing(f"{path.name}: cannot be loaded from {path}: {type(error).__name__}") from None

    def judge(self, pcm: bytes) -> float:
        """Return the probability (0 to 1) that the turn is over.

        pcm: int16 samples, 8 kHz, mono, from a little before the turn began to now.
        """
        samples = np.frombuffer(pcm[-HEARD_BYTES:], dtype="<i2").astype(np.float32) * _SCALE
        sound = soxr.resample(samples, RATE_HZ, log_mel.RATE_HZ, quality="HQ")
        (output,) = self._session.run(None, {"input_features": log_mel.log_mel(sound)[np.newaxis]})
        return min(1.0, max(0.0, float(output[0, 0])))
