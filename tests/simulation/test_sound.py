"""The prospect's sound without samples: the product's detector hears voices where they are; frames know their place."""

import asyncio
from typing import cast

import pytest

from bench.sim.loop import START_S, SimLoop, run_virtual
from bench.sim.record import Span
from bench.sim.sound import Hearing, SegmentRoom, place_of
from media.activity.detector import VoiceEnded, VoicePaused, VoiceResumed, VoiceSignal, VoiceStarted
from media.activity.silero import Silero

TRIP_MS = 50.0


class Ear:
    """Notes what it is told, with the loop's time since the stream began."""

    def __init__(self, loop: SimLoop) -> None:
        self.signals: list[VoiceSignal] = []
        self.heard_at_ms: list[float] = []
        self.places: list[int] = []
        self._loop = loop

    def on_audio(self, pcm: bytes, ulaw: bytes) -> None:
        assert place_of(pcm) == place_of(ulaw)
        assert (len(pcm), len(ulaw)) == (320, 160)
        self.places.append(place_of(pcm))

    def on_voice(self, signal: VoiceSignal) -> None:
        self.signals.append(signal)
        self.heard_at_ms.append((self._loop.time() - START_S) * 1_000)

    def on_sent(self, at_ms: int) -> None: ...

    def on_playing(self, from_ms: int) -> None: ...

    def on_played_out(self) -> None: ...


def _hear(*spans: tuple[float, float], cut_ms: float | None = None) -> Ear:
    """Let somebody sound from and to these moments since the stream began, ms at the mouth."""

    async def main(loop: SimLoop) -> Ear:
        ear = Ear(loop)
        hearing = Hearing(TRIP_MS)
        room = SegmentRoom(cast(Silero, hearing), None, ear, lambda: loop.time() * 1_000)
        began_ms = loop.time() * 1_000
        hearing.begin(began_ms, room.pass_frame)
        room.begin()
        for start_ms, end_ms in spans:
            await asyncio.sleep((began_ms + start_ms) / 1_000 - loop.time())
            hearing.sound(Span(began_ms + start_ms, began_ms + end_ms))
        if cut_ms is not None:
            await asyncio.sleep((began_ms + cut_ms) / 1_000 - loop.time())
            hearing.cut(loop.time() * 1_000)
        await asyncio.sleep(5)
        room.leave()
        assert loop.timers() == []
        return ear

    return run_virtual(main)


def test_a_voice_is_noticed_paused_and_ended_where_it_was() -> None:
    ear = _hear((1_000, 2_000))
    started, paused, ended = ear.signals
    assert isinstance(started, VoiceStarted)
    assert isinstance(paused, VoicePaused)
    assert isinstance(ended, VoiceEnded)
    assert started.first_voiced_ms == pytest.approx(1_000, abs=32)
    assert ended.last_voiced_ms == pytest.approx(2_000, abs=32)
    # Three windows of voice, the line's way and the network's batch.
    assert ear.heard_at_ms[0] == pytest.approx(1_000 + 96 + TRIP_MS, abs=40)


def test_a_pause_inside_is_no_end() -> None:
    assert [type(signal) for signal in _hear((1_000, 1_600), (1_900, 2_500)).signals] == [
        VoiceStarted,
        VoicePaused,
        VoiceResumed,
        VoicePaused,
        VoiceEnded,
    ]


def test_a_click_is_no_voice() -> None:
    assert _hear((1_000, 1_050)).signals == []


def test_frames_come_once_in_order_and_from_before_the_voice() -> None:
    places = _hear((1_000, 1_600), (9_000, 9_500)).places
    assert places == sorted(set(places))
    assert all(place % 20 == 0 for place in places)
    for start_ms in (1_000, 9_000):
        before = [place for place in places if start_ms - 480 <= place < start_ms]
        assert len(before) == 480 // 20, "what the preroll is made of"
    assert not [place for place in places if 4_000 < place < 8_000], "nothing runs while nobody speaks"


def test_who_is_cut_off_falls_silent() -> None:
    ended = _hear((1_000, 5_000), cut_ms=2_000).signals[-1]
    assert isinstance(ended, VoiceEnded)
    assert ended.last_voiced_ms == pytest.approx(2_000, abs=32)
