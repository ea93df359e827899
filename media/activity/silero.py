"""Voice activity for all calls of a process at once.

The gate decides, frame by frame, what of a call the network should hear. Windows of the calls whose gates are open
are collected for a few milliseconds and go through the network as one batch.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import numpy as np
import structlog
import webrtcvad

from media.activity.gate import Gate
from media.activity.network import WINDOW, Network, NetworkFailed
from media.frame import RATE_HZ, SAMPLES_PER_MS
from media.measures import Histogram, Recent

log = structlog.get_logger()

COLLECT_S: Final = 0.004
BATCH_MAX: Final = 128  # windows of one run of the network: about 3 ms, in which the loop waits
RETRY_S: Final = 30.0  # until a network that failed is asked again
_WINDOW_BYTES: Final = 2 * WINDOW
_BACKLOG_BYTES: Final = 32 * _WINDOW_BYTES  # a second of one call; older windows are dropped and counted
_BATCH_BOUNDS_S: Final = (0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128)
_BATCH_BOUNDS_WINDOWS: Final = (1, 2, 4, 8, 16, 32, 64, 128)
_DELAYS_KEPT: Final = 256  # batches: a few seconds
_STRICTEST: Final = 3
_STRICT_BYTES: Final = 2 * 30 * SAMPLES_PER_MS  # the longest piece that webrtcvad takes
_AUDIBLE_RMS: Final = 0.004  # -48 dBFS: what webrtcvad calls speech below it is line noise

OnProbability = Callable[[float, int, float], None]
"""Gets a window's speech probability, the position of its end in ms since the stream began, and its RMS (0 to 1)."""
Later = Callable[[float, Callable[[], None]], object]


class ActivityStream:
    """One call's windows. Samples go in by `feed`; probabilities come out by the callback, on the loop.

    While nobody can be speaking the gate holds everything back, and the network sees nothing of this call.
    """

    def __init__(self, batcher: "Silero", slot: int, on_probability: OnProbability) -> None:
        self._batcher = batcher
        self._gate = Gate()
        self._fed = 0  # position after the newest sample fed
        self._end = 0  # and after the newest that the gate let through
        self._strict: Callable[[bytes, int], bool] | None = None
        self.slot = slot
        self.on_probability = on_probability
        self.waiting = bytearray()  # samples that the network has not heard; at most a second
        self.voice = False  # set by the room: a voice is being heard, so the gate stays open
        self.dropped = 0  # windows; read by metrics

    def feed(self, pcm: bytes) -> None:
        """Take int16 mono 8 kHz samples; once closed, nothing."""
        if self.slot < 0:
            return
        self._fed += len(pcm) >> 1
        was_open = self._gate.open
        heard = self._gate.hear(pcm, stay=self.voice)
        if not heard:
            return
        if not was_open:
            # The network's memory of the voice before the silence is of no use any more.
            self._drop_waiting()
            self._batcher.reset(self)
        self.waiting += heard
        self._end = self._fed
        if len(self.waiting) >= _WINDOW_BYTES:
            if len(self.waiting) > _BACKLOG_BYTES:
                self._drop_oldest()
            self._batcher.wake(self)

    def skip_to(self, position: int) -> None:
        """Place the next fed sample at `position` (samples since the stream began): frames were lost."""
        self._fed = position
        self._drop_waiting()
        self._gate.forget()

    def take(self) -> tuple[bytes, int]:
        """Return the oldest window, which must be there, and the position of its end in ms."""
        window = bytes(self.waiting[:_WINDOW_BYTES])
        del self.waiting[:_WINDOW_BYTES]
        return window, (self._end - (len(self.waiting) >> 1)) // SAMPLES_PER_MS

    def stand_in(self, window: bytes, rms: float) -> float:
        """Judge a window without the network: webrtcvad at its strictest, and only what is loud enough for a voice."""
        if self._strict is None:
            self._strict = webrtcvad.Vad(_STRICTEST).is_speech
        return float(rms > _AUDIBLE_RMS and self._strict(window[:_STRICT_BYTES], RATE_HZ))

    def close(self) -> None:
        self._batcher.forget(self)

    def _drop_waiting(self) -> None:
        # A call in the batch without a whole window would break the batch, and with it every other call.
        self.waiting.clear()
        self._batcher.let_sleep(self)

    def _drop_oldest(self) -> None:
        windows = -(-(len(self.waiting) - _BACKLOG_BYTES) // _WINDOW_BYTES)
        del self.waiting[: windows * _WINDOW_BYTES]
        self.dropped += windows
        self._batcher.dropped += windows


class Silero:
    """Collects the windows of all streams and runs them.

    In the loop's own thread: a batch takes a millisecond or two, less than handing it to another thread and back
    costs in waiting for the interpreter, and the process has one core (docs/decisions/0007).
    """

    def __init__(self, network: Network | None = None, later: Later | None = None) -> None:
        """`later` is the running loop's `call_later` unless given. Raises ModelMissing."""
        self._network = network or Network()
        self._later = later or _call_later
        self._waiting: dict[ActivityStream, None] = {}
        self._due = False  # `_run` has been asked for
        self._failed_until = 0.0
        # Read by metrics:
        self.batches = 0
        self.windows = 0
        self.dropped = 0
        self.failures = 0
        self.batch_s = Histogram(_BATCH_BOUNDS_S)
        self.batch_windows = Histogram(_BATCH_BOUNDS_WINDOWS)
        self.delay_ms = Recent(_DELAYS_KEPT)  # from a batch's first window to its probabilities
        self._since = 0.0  # when the first of the waiting windows came

    @property
    def degraded(self) -> bool:
        """True while the network fails and webrtcvad stands in for it."""
        return self._failed_until > 0

    def open(self, on_probability: OnProbability) -> ActivityStream:
        return ActivityStream(self, self._network.claim(), on_probability)

    def wake(self, stream: ActivityStream) -> None:
        """Windows of `stream` wait: they are run within COLLECT_S, and later only if the loop is late."""
        self._waiting[stream] = None
        if not self._due:
            self._due = True
            self._since = time.monotonic()
            self._later(COLLECT_S, self._run)

    def let_sleep(self, stream: ActivityStream) -> None:
        """No window of `stream` waits any more."""
        self._waiting.pop(stream, None)

    def reset(self, stream: ActivityStream) -> None:
        self._network.reset(stream.slot)

    def forget(self, stream: ActivityStream) -> None:
        """The stream is over: nothing comes out of it any more. Closing twice is allowed."""
        self._waiting.pop(stream, None)
        if stream.slot >= 0:
            self._network.release(stream.slot)
            stream.slot = -1

    def run_waiting(self) -> None:
        """Run the oldest window of each waiting stream, again and again, until none is left.

        A gate that has just opened brings several windows of one stream: they take a round each.
        """
        while self._waiting:
            streams = list(self._waiting)[:BATCH_MAX]
            taken = [stream.take() for stream in streams]
            for stream in streams:
                if len(stream.waiting) < _WINDOW_BYTES:
                    del self._waiting[stream]
            started = time.monotonic()
            probabilities, levels = self._judge(streams, [window for window, _ in taken])
            self.batch_s.add(time.monotonic() - started)
            self.batch_windows.add(len(streams))
            self.batches += 1
            self.windows += len(streams)
            for stream, (_, end_ms), probability, rms in zip(streams, taken, probabilities, levels, strict=True):
                if stream.slot >= 0:  # else a callback before this one closed it
                    stream.on_probability(probability, end_ms, rms)

    def _run(self) -> None:
        self._due = False
        self.run_waiting()
        self.delay_ms.add((time.monotonic() - self._since) * 1_000)

    def _judge(self, streams: list[ActivityStream], sound: list[bytes]) -> tuple[list[float], list[float]]:
        """Return each window's probability of speech and RMS."""
        windows = np.frombuffer(b"".join(sound), dtype=np.int16).reshape(len(streams), WINDOW)
        if time.monotonic() >= self._failed_until:
            try:
                judged = self._network.run([stream.slot for stream in streams], windows)
            except NetworkFailed as error:
                self.failures += 1
                self._failed_until = time.monotonic() + RETRY_S
                log.error("activity.network_failed", reason=str(error), stand_in="webrtcvad", again_in_s=RETRY_S)
            else:
                if self._failed_until:
                    self._failed_until = 0.0
                    log.info("activity.network_back")
                return judged
        levels: list[float] = np.sqrt(np.mean((windows / np.float32(32768)) ** 2, axis=1)).tolist()
        return [s.stand_in(w, level) for s, w, level in zip(streams, sound, levels, strict=True)], levels


def _call_later(delay_s: float, work: Callable[[], None]) -> object:
    return asyncio.get_running_loop().call_later(delay_s, work)
