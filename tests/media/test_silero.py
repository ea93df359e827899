"""The network for all calls at once: batching is exact, the gate loses nothing that matters."""

import asyncio

import numpy as np
import pytest
from numpy.typing import NDArray

from agent.tts.espeak_library import Espeak, WordStart
from media.activity.detector import Detector, VoiceEnded, VoiceSignal, VoiceStarted
from media.activity.gate import HOLD_MS, Gate
from media.activity.silero import WINDOW, ActivityStream, Silero
from media.codec import g711
from media.codec.g711 import Samples
from media.codec.resample import Resampler
from media.frame import FRAME_SAMPLES, RATE_HZ


@pytest.fixture(scope="module")
def speech() -> Samples:
    """Three seconds of nothing, a sentence, three seconds of nothing; through µ-law."""
    engine, pieces = Espeak(), list[bytes]()

    def take(pcm: bytes, words: list[WordStart]) -> bool:
        pieces.append(pcm)
        return True

    engine.speak("Hello there, could you tell me who is calling please?", take)
    voice = np.frombuffer(b"".join(pieces), dtype=np.int16)
    voice = Resampler(engine.rate_hz, RATE_HZ).push(voice, last=True)
    silence = np.zeros(3 * RATE_HZ, dtype=np.int16)
    whole = np.concatenate([silence, voice, silence])
    whole = whole[: len(whole) - len(whole) % FRAME_SAMPLES]
    return g711.decode(g711.encode(whole))


def window_at(pcm: Samples, place: int) -> NDArray[np.float32]:
    return pcm[place * WINDOW : (place + 1) * WINDOW].astype(np.float32) / np.float32(32768)


def frames(pcm: Samples) -> list[Samples]:
    return [pcm[start : start + FRAME_SAMPLES] for start in range(0, len(pcm), FRAME_SAMPLES)]


def opened(silero: Silero) -> ActivityStream:
    return silero.open(lambda probability, end_ms, rms: None)


def test_batching_is_exact_to_the_bit(speech: Samples) -> None:
    silero = Silero()
    windows = [window_at(speech, place) for place in range(len(speech) // WINDOW)]
    offsets = [0, 31, 77]
    streams = [opened(silero) for _ in offsets]
    together: list[list[float]] = [[] for _ in offsets]
    for place in range(90):
        work = [(stream, [(windows[place + offset], 0)]) for stream, offset in zip(streams, offsets, strict=True)]
        for row, result in zip(together, silero.infer(work), strict=True):
            row.append(result[1])
    for row, offset in zip(together, offsets, strict=True):
        alone = opened(silero)
        assert row == [silero.infer([(alone, [(windows[place + offset], 0)])])[0][1] for place in range(90)]


def test_several_windows_of_a_stream_run_in_order(speech: Samples) -> None:
    silero = Silero()
    windows = [(window_at(speech, place), place) for place in range(95, 105)]
    one, other = opened(silero), opened(silero)
    at_once = [result[1] for result in silero.infer([(one, windows)])]
    assert at_once == [silero.infer([(other, [window])])[0][1] for window in windows]


async def heard(pcm: Samples, *, gated: bool) -> list[VoiceSignal]:
    """Run audio through stream and detector as a room does, a frame at a time."""
    silero, detector, signals = Silero(), Detector(), list[VoiceSignal]()

    def on_probability(probability: float, end_ms: int, rms: float) -> None:
        signal = detector.window(probability, end_ms, rms)
        stream.voice = detector.voice or not gated
        if signal is not None:
            signals.append(signal)

    stream = silero.open(on_probability)
    stream.voice = not gated
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(silero.run())
        for frame in frames(pcm):
            stream.feed(frame)
            if stream.pending:
                while stream.pending:  # noqa: ASYNC110 - the network's thread wakes nobody here
                    await asyncio.sleep(0.001)
                await asyncio.sleep(0.004)
        await asyncio.sleep(0.05)
        running.cancel()
    assert stream.dropped == 0
    return signals


async def test_the_gate_moves_no_beginning_and_no_end(speech: Samples) -> None:
    bare, gated = await heard(speech, gated=False), await heard(speech, gated=True)
    ends = [type(signal) for signal in gated]
    assert ends[0] is VoiceStarted
    assert ends[-1] is VoiceEnded
    for kind in (VoiceStarted, VoiceEnded):
        one = [s.first_voiced_ms for s in bare if isinstance(s, kind)]
        other = [s.first_voiced_ms for s in gated if isinstance(s, kind)]
        assert len(one) == len(other)
        assert all(abs(a - b) <= 32 for a, b in zip(one, other, strict=True)), (one, other)


def test_silence_costs_the_network_nothing() -> None:
    stream = opened(Silero())
    for _ in range(500):
        stream.feed(np.zeros(FRAME_SAMPLES, dtype=np.int16))
    assert not stream.pending


def test_the_gate_gives_what_came_before_it_opened_and_closes_late(speech: Samples) -> None:
    gate = Gate()
    given = [gate.hear(frame, stay=False) for frame in frames(speech)]
    first = next(place for place, pieces in enumerate(given) if pieces)
    assert len(given[first]) > 5, "the pre-roll comes with the first frame"
    last_loud = max(place for place, frame in enumerate(frames(speech)) if np.abs(frame.astype(int)).max() > 300)
    assert all(given[place] for place in range(first, last_loud + HOLD_MS // 20 - 5))
    assert not given[-1]


def test_a_voice_holds_the_gate_open() -> None:
    gate = Gate()
    silence = np.zeros(FRAME_SAMPLES, dtype=np.int16)
    gate.hear(silence, stay=True)
    for _ in range(100):
        assert gate.hear(silence, stay=True)
    assert sum(bool(gate.hear(silence, stay=False)) for _ in range(100)) == HOLD_MS // 20 - 1
