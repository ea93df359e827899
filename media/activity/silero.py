"""Silero voice activity for all calls of a process at once.

Windows of 256 samples at 8 kHz are collected for a few milliseconds and go through the network as one batch in one
thread (the interpreter lock is free meanwhile): 64 windows in a batch cost a tenth each of what single ones do.
Each window needs the 32 samples before it; without them the network raises no error and hears nothing.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from media.activity.gate import Gate
from media.codec.g711 import Samples
from media.frame import RATE_HZ, samples_to_ms
from media.measures import Histogram, Recent

WINDOW: Final = 256
_CONTEXT: Final = 32
_COLLECT_S: Final = 0.006
_SCALE: Final = np.float32(1 / 32768)
_NOTHING: Final = np.zeros(0, dtype=np.float32)
_RATE: Final = np.array(RATE_HZ, dtype=np.int64)
_BACKLOG_WINDOWS: Final = 32  # a second of one call; older windows are dropped and counted
_BATCH_BOUNDS_S: Final = (0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128)
_BATCH_BOUNDS_WINDOWS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_DELAYS_KEPT: Final = 256  # batches: a few seconds

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
    """One call's windows. Samples go in by `feed`; probabilities come out by the callback, on the loop.

    While nobody can be speaking the gate holds everything back, and the network sees nothing of this call.
    """

    def __init__(self, batcher: "Silero", on_probability: OnProbability) -> None:
        self._batcher = batcher
        self._on_probability = on_probability
        self._gate = Gate()
        self._fed = 0  # position after the newest sample fed
        self._rest: NDArray[np.float32] = _NOTHING  # samples that do not fill a window yet
        self.closed = False
        self.voice = False  # set by the room: a voice is being heard, so the gate stays open
        self.tail: NDArray[np.float32] = np.zeros(_CONTEXT, dtype=np.float32)
        self.state: NDArray[np.float32] = np.zeros((2, 1, 128), dtype=np.float32)
        self.pending: deque[tuple[NDArray[np.float32], int]] = deque(maxlen=_BACKLOG_WINDOWS)
        self.dropped = 0

    def feed(self, pcm: Samples) -> None:
        """Take int16 mono 8 kHz samples."""
        self._fed += len(pcm)
        was_open = self._gate.open
        heard = self._gate.hear(pcm, stay=self.voice)
        if not heard:
            return
        if not was_open:
            self._begin()
        joined = heard[0] if len(heard) == 1 else np.concatenate(heard)
        scaled = joined.astype(np.float32)
        scaled *= _SCALE
        samples = np.concatenate([self._rest, scaled]) if len(self._rest) else scaled
        whole = len(samples) - len(samples) % WINDOW
        position = self._fed - len(samples)
        for start in range(0, whole, WINDOW):
            if len(self.pending) == self.pending.maxlen:
                self.dropped += 1
                self._batcher.dropped += 1
            self.pending.append((samples[start : start + WINDOW], position + start + WINDOW))
        self._rest = samples[whole:]
        if whole:
            self._batcher.wake(self)

    def skip_to(self, position: int) -> None:
        """Place the next fed sample at `position` (samples since the stream began): frames were lost."""
        self._fed = position
        self._rest = _NOTHING
        self._gate.forget()

    def deliver(self, probability: float, end: int, rms: float) -> None:
        self._on_probability(probability, samples_to_ms(end), rms)

    def close(self) -> None:
        self._batcher.forget(self)

    def _begin(self) -> None:
        """The network's memory of the voice before the silence is of no use any more."""
        self._rest = _NOTHING
        self.tail = np.zeros(_CONTEXT, dtype=np.float32)
        self.state = np.zeros((2, 1, 128), dtype=np.float32)


Work = tuple[ActivityStream, list[tuple[NDArray[np.float32], int]]]
Result = tuple[ActivityStream, float, int, float]
"""The stream, its window's probability, the position of the window's end, and its RMS."""


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
        self.dropped = 0
        self.batch_s = Histogram(_BATCH_BOUNDS_S)
        self.batch_windows = Histogram(_BATCH_BOUNDS_WINDOWS)
        self.delay_ms = Recent(_DELAYS_KEPT)  # from a batch's first window to its probabilities
        self._since = 0.0  # when the first of the waiting windows came

    def open(self, on_probability: OnProbability) -> ActivityStream:
        return ActivityStream(self, on_probability)

    def wake(self, stream: ActivityStream) -> None:
        if not self._waiting:
            self._since = time.monotonic()
        self._waiting[stream] = None
        self._awake.set()

    def forget(self, stream: ActivityStream) -> None:
        self._waiting.pop(stream, None)
        stream.closed = True

    async def run(self) -> None:
        """Collect, infer, deliver, until cancelled."""
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1, thread_name_prefix="silero") as thread:
            while True:
                await self._awake.wait()
                await asyncio.sleep(_COLLECT_S)
                self._awake.clear()
                since = self._since
                work = [(stream, list(stream.pending)) for stream in self._waiting if stream.pending]
                self._waiting.clear()
                for stream, _ in work:
                    stream.pending.clear()
                if work:
                    self._deliver(await loop.run_in_executor(thread, self._timed, work))
                    self.delay_ms.add((time.monotonic() - since) * 1_000)

    def _timed(self, work: list[Work]) -> list[Result]:
        started = time.monotonic()
        results = self.infer(work)
        self.batch_s.add(time.monotonic() - started)
        self.batch_windows.add(len(results))
        return results

    def _deliver(self, results: list[Result]) -> None:
        for stream, probability, end, rms in results:
            if not stream.closed:
                stream.deliver(probability, end, rms)

    def infer(self, work: list[Work]) -> list[Result]:
        """Run the windows of each stream in order, those of different streams as batches.

        A gate that has just opened brings several windows of one stream: they take a round each, in this one call.
        Moves each stream's state on.
        """
        results: list[Result] = []
        longest = max(len(windows) for _, windows in work)
        for round_ in range(longest):
            streams = [stream for stream, windows in work if len(windows) > round_]
            windows = [windows[round_] for _, windows in work if len(windows) > round_]
            probabilities = self._run_batch(streams, [window for window, _ in windows])
            for stream, (window, end), probability in zip(streams, windows, probabilities, strict=True):
                results.append((stream, float(probability), end, math.sqrt(float(window @ window) / WINDOW)))
        return results

    def _run_batch(self, streams: list[ActivityStream], windows: list[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Run one window of each stream; returns their probabilities, (len(streams),)."""
        count = len(streams)
        rows = np.empty((count, _CONTEXT + WINDOW), dtype=np.float32)
        state = np.empty((2, count, 128), dtype=np.float32)
        for index, (stream, window) in enumerate(zip(streams, windows, strict=True)):
            rows[index, :_CONTEXT] = stream.tail
            rows[index, _CONTEXT:] = window
            state[:, index] = stream.state[:, 0]
        output, new_state = self._session.run(None, {"input": rows, "state": state, "sr": _RATE})
        for index, (stream, window) in enumerate(zip(streams, windows, strict=True)):
            stream.state = new_state[:, index : index + 1, :]
            stream.tail = window[-_CONTEXT:]
        self.batches += 1
        self.windows += count
        probabilities: NDArray[np.float32] = output[:, 0]
        return probabilities
