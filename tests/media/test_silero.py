"""The network for all calls at once: batching is exact, the gate loses nothing that matters."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from agent.tts.espeak_library import Espeak, WordStart
from media.activity.detector import Detector, VoiceEnded, VoiceSignal, VoiceStarted
from media.activity.gate import HOLD_MS, Gate
from media.activity.network import WINDOW, ModelMissing, Network, NetworkFailed
from media.activity.silero import BATCH_MAX, RETRY_S, ActivityStream, OnProbability, Silero
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


def windows_of(pcm: Samples, first: int, count: int) -> Samples:
    return pcm[first * WINDOW : (first + count) * WINDOW].reshape(count, WINDOW)


def frames(pcm: Samples) -> list[bytes]:
    return [pcm[start : start + FRAME_SAMPLES].tobytes() for start in range(0, len(pcm), FRAME_SAMPLES)]


def never(delay_s: float, work: Callable[[], None]) -> None:
    """The tests run what waits themselves."""


Window = tuple[float, int, float]
"""Probability, end in ms, RMS."""


def keeping(kept: list[Window]) -> OnProbability:
    return lambda probability, end_ms, rms: kept.append((probability, end_ms, rms))


def opened(silero: Silero) -> ActivityStream:
    return silero.open(lambda probability, end_ms, rms: None)


def test_batching_is_exact_to_the_bit(speech: Samples) -> None:
    network = Network()
    offsets = [0, 31, 77]
    slots = [network.claim() for _ in offsets]
    together: list[list[float]] = [[] for _ in offsets]
    for place in range(90):
        windows = np.concatenate([windows_of(speech, place + offset, 1) for offset in offsets])
        for row, probability in zip(together, network.run(slots, windows)[0], strict=True):
            row.append(probability)
    for row, offset in zip(together, offsets, strict=True):
        alone = [network.claim()]
        assert row == [network.run(alone, windows_of(speech, place + offset, 1))[0][0] for place in range(90)]


def test_many_calls_at_once_hear_what_each_hears_alone(speech: Samples) -> None:
    """More calls than slots at first and than a batch holds, their gates opening at different moments."""

    def probabilities(count: int) -> list[list[Window]]:
        silero = Silero(later=never)
        found: list[list[Window]] = [[] for _ in range(count)]
        streams = [silero.open(keeping(mine)) for mine in found]
        for index, frame in enumerate(frames(speech)):
            for number, stream in enumerate(streams):
                if index >= number % 7:
                    stream.feed(frame)
            silero.run_waiting()
        assert silero.windows == sum(len(mine) for mine in found)
        return found

    many = probabilities(BATCH_MAX + 12)
    for number, alone in enumerate(probabilities(7)):
        assert alone, "the gate opened"
        assert all(mine == alone for mine in many[number::7])


def test_a_closed_stream_is_told_nothing_and_its_slot_starts_afresh(speech: Samples) -> None:
    silero, told = Silero(later=never), list[float]()
    stream = silero.open(lambda p, end, rms: told.append(p))
    for frame in frames(speech)[150:200]:
        stream.feed(frame)
    stream.close()
    stream.close()
    silero.run_waiting()
    assert told == []
    fresh, again = list[Window](), list[Window]()
    for keep in (fresh, again):
        other = silero.open(keeping(keep))
        for frame in frames(speech)[150:200]:
            other.feed(frame)
        silero.run_waiting()
        other.close()
    assert [window[0] for window in fresh] == [window[0] for window in again]
    assert fresh


def test_a_backlog_drops_its_oldest_windows(speech: Samples) -> None:
    silero, ends = Silero(later=never), list[int]()
    stream = silero.open(lambda p, end, rms: ends.append(end))
    stream.voice = True
    for frame in frames(speech)[:100]:
        stream.feed(frame)
    silero.run_waiting()
    assert len(ends) == 31
    assert stream.dropped == 100 * FRAME_SAMPLES // WINDOW - 31
    # Whole windows are dropped, so the newest of them keeps its place.
    assert ends[-1] == 100 * FRAME_SAMPLES // WINDOW * WINDOW // 8


class FailingNetwork(Network):
    failing = True

    def run(self, slots: list[int], windows: Samples) -> tuple[list[float], list[float]]:
        if self.failing:
            raise NetworkFailed("Fail")
        return super().run(slots, windows)


def test_when_the_network_fails_webrtcvad_stands_in_and_calls_go_on(
    speech: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = FailingNetwork()
    silero = Silero(network, never)
    signals = heard(speech, gated=True, silero=silero)
    assert [type(signal) for signal in signals if isinstance(signal, VoiceStarted | VoiceEnded)][:1] == [VoiceStarted]
    assert isinstance(signals[-1], VoiceEnded)
    assert silero.degraded
    assert silero.failures == 1, "it is not asked again at once"
    network.failing = False
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 2 * RETRY_S)
    heard(speech, gated=True, silero=silero)
    assert not silero.degraded


def test_an_error_of_the_runtime_is_one_of_ours_and_moves_no_state(speech: Samples) -> None:
    network = Network()
    slot = network.claim()
    whole = network._state
    network._state = whole[:, :, :64]  # the runtime refuses a state of the wrong shape
    with pytest.raises(NetworkFailed):
        network.run([slot], windows_of(speech, 99, 1))
    network._state = whole
    assert network.run([slot], windows_of(speech, 99, 1)) == Network().run([0], windows_of(speech, 99, 1))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"nowhere\.onnx"):
        Network(tmp_path / "nowhere.onnx")


def heard(pcm: Samples, *, gated: bool, silero: Silero | None = None) -> list[VoiceSignal]:
    """Run audio through stream and detector as a room does, a frame at a time."""
    silero, detector, signals = silero or Silero(later=never), Detector(), list[VoiceSignal]()

    def on_probability(probability: float, end_ms: int, rms: float) -> None:
        signal = detector.window(probability, end_ms, rms)
        stream.voice = detector.voice or not gated
        if signal is not None:
            signals.append(signal)

    stream = silero.open(on_probability)
    stream.voice = not gated
    for frame in frames(pcm):
        stream.feed(frame)
        silero.run_waiting()
    assert stream.dropped == 0
    stream.close()
    return signals


def test_the_gate_moves_no_beginning_and_no_end(speech: Samples) -> None:
    bare, gated = heard(speech, gated=False), heard(speech, gated=True)
    ends = [type(signal) for signal in gated]
    assert ends[0] is VoiceStarted
    assert ends[-1] is VoiceEnded
    for kind in (VoiceStarted, VoiceEnded):
        one = [s.first_voiced_ms for s in bare if isinstance(s, kind)]
        other = [s.first_voiced_ms for s in gated if isinstance(s, kind)]
        assert len(one) == len(other)
        assert all(abs(a - b) <= 32 for a, b in zip(one, other, strict=True)), (one, other)


def test_silence_costs_the_network_nothing() -> None:
    stream = opened(Silero(later=never))
    for _ in range(500):
        stream.feed(bytes(2 * FRAME_SAMPLES))
    assert not stream.waiting


def test_the_gate_gives_what_came_before_it_opened_and_closes_late(speech: Samples) -> None:
    gate = Gate()
    given = [gate.hear(frame, stay=False) for frame in frames(speech)]
    first = next(place for place, pieces in enumerate(given) if pieces)
    assert len(given[first]) > 5 * 2 * FRAME_SAMPLES, "the pre-roll comes with the first frame"
    loud = [np.abs(np.frombuffer(frame, dtype=np.int16).astype(int)).max() > 300 for frame in frames(speech)]
    last_loud = max(place for place, is_loud in enumerate(loud) if is_loud)
    assert all(given[place] for place in range(first, last_loud + HOLD_MS // 20 - 5))
    assert not given[-1]


def test_a_voice_holds_the_gate_open() -> None:
    gate = Gate()
    silence = bytes(2 * FRAME_SAMPLES)
    noise = np.random.default_rng(1).integers(-9_000, 9_000, FRAME_SAMPLES, np.int16)
    assert gate.hear(noise.tobytes(), stay=False)
    assert sum(bool(gate.hear(silence, stay=True)) for _ in range(100)) == 100
    assert not gate.hear(silence, stay=False), "the voice is over, and nothing was heard for long"
    assert gate.hear(noise.tobytes(), stay=False)
    held = sum(bool(gate.hear(silence, stay=False)) for _ in range(100))
    assert HOLD_MS // 20 - 1 <= held < HOLD_MS // 20 + 8, "webrtcvad itself holds on for a few frames"


def test_a_call_that_lost_frames_takes_no_other_with_it(speech: Samples) -> None:
    """Its windows that waited are gone, and what came behind the gap is no whole window yet."""
    silero, kept = Silero(later=never), list[Window]()
    sound, other = frames(speech[3 * RATE_HZ :]), silero.open(keeping(kept))
    lossy = opened(silero)
    for frame in sound[:20]:
        other.feed(frame)
        lossy.feed(frame)
    lossy.skip_to(40 * FRAME_SAMPLES)
    lossy.feed(sound[40])
    silero.run_waiting()
    assert len(kept) > 5
    lossy.feed(sound[41])
    silero.run_waiting()
    assert len(lossy.waiting) == 2 * (2 * FRAME_SAMPLES - WINDOW)
