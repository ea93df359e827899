"""Silero voice activity for all calls of a process at once.

Windows of 256 samples at 8 kHz are collected for a few milliseconds and go through the network as one batch in one
thread (the interpreter lock is free meanwhile): 64 windows in a batch cost a tenth each of what single ones do.
Each window needs the 32 samples before it; without them the network raises no error and hears nothing.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from media.codec.g711 import Samples
from media.frame import RATE_HZ, samples_to_ms

WINDOW: Final = 256
_CONTEXT: Final = 32
_COLLECT_S: Final = 0.006
_BACKLOG_WINDOWS: Final = 32  # a second of one call; older windows are dropped and counted

OnProbability = Callable[[float, int, float], None]
"""Gets a window's speech probability, the position of its end in ms since the stream began, and its RMS (0 to 1)."""


class ModelMissing(Exception):
    """The network's file cannot be found; the message says where it was looked for."""


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


class ActivityStream:
    """One call's windows. Samples go in by `feed`; probabilities come out by the callback, on the loop."""

    def __init__(self, batcher: "Silero", on_probability: OnProbability) -> None:
        self._batcher = batcher
        self._on_probability = on_probability
        self._rest = np.zeros(0, dtype=np.float32)
        self._position = 0  # samples that have left `_rest`
        self.tail = np.zeros(_CONTEXT, dtype=np.float32)
        self.state = np.zeros((2, 1, 128), dtype=np.float32)
        self.pending: deque[tuple[NDArray[np.float32], int]] = deque(maxlen=_BACKLOG_WINDOWS)
        self.dropped = 0

    def feed(self, pcm: Samples) -> None:
        """Take int16 mono 8 kHz samples."""
        self._rest = np.concatenate([self._rest, pcm.astype(np.float32) / 32768.0])
        while len(self._rest) >= WINDOW:
            window, self._rest = self._rest[:WINDOW], self._rest[WINDOW:]
            self._position += WINDOW
            if len(self.pending) == self.pending.maxlen:
                self.dropped += 1
            self.pending.append((window, self._position))
        if self.pending:
            self._batcher.wake(self)

    def skip_to(self, position: int) -> None:
        """Place the next fed sample at `position` (samples since the stream began): frames were lost."""
        self._position = position
        self._rest = self._rest[:0]

    def deliver(self, probability: float, end: int, rms: float) -> None:
        self._on_probability(probability, samples_to_ms(end), rms)

    def close(self) -> None:
        self._batcher.forget(self)


class Silero:
    """The process's one network. `run` is its task; streams are attached to it."""

    def __init__(self) -> None:
        """Raises ModelMissing."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(model_path()), sess_options=options, providers=["CPUExecutionProvider"]
        )
        self._waiting: dict[ActivityStream, None] = {}
        self._awake = asyncio.Event()
        self.batches = 0  # read by metrics
        self.windows = 0

    def open(self, on_probability: OnProbability) -> ActivityStream:
        return ActivityStream(self, on_probability)

    def wake(self, stream: ActivityStream) -> None:
        self._waiting[stream] = None
        self._awake.set()

    def forget(self, stream: ActivityStream) -> None:
        self._waiting.pop(stream, None)

    async def run(self) -> None:
        """Collect, infer, deliver, until cancelled."""
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1, thread_name_prefix="silero") as thread:
            while True:
                await self._awake.wait()
                await asyncio.sleep(_COLLECT_S)
                self._awake.clear()
                streams = [stream for stream in self._waiting if stream.pending]
                self._waiting.clear()
                if not streams:
                    continue
                taken = [stream.pending.popleft() for stream in streams]
                probabilities = await loop.run_in_executor(thread, self.infer, streams, [w for w, _ in taken])
                for stream, (window, end), probability in zip(streams, taken, probabilities, strict=True):
                    stream.deliver(float(probability), end, float(np.sqrt(np.mean(window * window))))
                    if stream.pending:
                        self.wake(stream)

    def infer(self, streams: list[ActivityStream], windows: list[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Run one window of each stream as a batch; moves each stream's state on. Returns (len(streams),)."""
        rows = np.stack([np.concatenate([s.tail, w]) for s, w in zip(streams, windows, strict=True)])
        state = np.concatenate([stream.state for stream in streams], axis=1)
        rate = np.array(RATE_HZ, dtype=np.int64)
        output, new_state = self._session.run(None, {"input": rows, "state": state, "sr": rate})
        for index, (stream, window) in enumerate(zip(streams, windows, strict=True)):
            stream.state = new_state[:, index : index + 1, :]
            stream.tail = window[-_CONTEXT:]
        self.batches += 1
        self.windows += len(streams)
        probabilities: NDArray[np.float32] = output[:, 0]
        return probabilities
