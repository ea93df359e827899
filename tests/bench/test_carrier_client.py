"""One simulated call on a clock of the test's: what it sends, and what it counts."""

import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest

from bench.carrier_client import BARGE_EVERY, Caller, Phase, Tally
from bench.utterance import SILENCE, Utterance, speak_two_seconds
from telephony.twilio import messages

TONE = b"\x00" * 480  # 60 ms
ANSWER_S = 2.0
TICK_S = 0.02


@cache
def utterance() -> Utterance:
    return speak_two_seconds()


@dataclass
class Call:
    """A caller, the clock that ticks it, and all that it sent."""

    tally: Tally = field(default_factory=lambda: Tally(open=True))
    sent: list[tuple[float, bytes]] = field(default_factory=list)
    now: float = 100.0
    unsent: int = 0

    def __post_init__(self) -> None:
        self.caller = Caller(
            1, utterance(), ANSWER_S, self.tally, lambda text: self.sent.append((self.now, text)), lambda: self.unsent
        )
        self.caller.start(self.now)

    def tick(self) -> None:
        self.now += TICK_S
        self.caller.tick(self.now)

    def until(self, phase: Phase, each: Callable[[], None] = lambda: None) -> None:
        for _ in range(1_000):
            if self.caller.phase is phase:
                return
            self.tick()
            each()
        pytest.fail(f"never {phase.name}")

    def play(self, ulaw: bytes) -> None:
        self.caller.received(messages.media("MZ1", ulaw).encode(), self.now)

    def answer(self, tone_s: float = ANSWER_S) -> None:
        """Let the server speak without a gap."""
        for _ in range(round(tone_s / 0.06) + 1):
            self.play(TONE)

    def kinds(self) -> list[str]:
        return [json.loads(text)["event"] for _, text in self.sent]

    def media(self) -> list[tuple[float, dict[str, Any]]]:
        return [(at, message) for at, text in self.sent if (message := json.loads(text))["event"] == "media"]


def test_every_message_is_one_that_the_product_understands_and_counters_rise() -> None:
    call = Call()
    call.until(Phase.WAITING)
    call.caller.stop()
    parsed = [messages.parse(text) for _, text in call.sent]
    assert parsed[0] is None, "`connected` is of no use to anybody"
    assert isinstance(parsed[1], messages.Started)
    audio = [event for event in parsed if isinstance(event, messages.AudioArrived)]
    assert [event.at_ms for event in audio] == list(range(0, 20 * len(audio), 20))
    assert [message["sequenceNumber"] for _, message in call.media()] == [str(n) for n in range(2, len(audio) + 2)]
    assert isinstance(parsed[-1], messages.Stopped)
    spoken = b"".join(event.ulaw for event in audio).strip(b"\xff")
    assert spoken in utterance().ulaw
    assert len(spoken) > 0.9 * len(utterance().ulaw)


def test_the_response_runs_from_the_last_voiced_frame_to_the_first_sound_played() -> None:
    call = Call()
    call.until(Phase.WAITING)
    last_voiced = [at for at, message in call.media() if message["media"]["payload"] != SILENCE.decode()][-1]
    for _ in range(10):
        call.tick()
    call.play(b"\xff" * 80 + TONE)  # ten milliseconds of silence first
    assert call.tally.response_ms == [pytest.approx((call.now - last_voiced) * 1000 + 10)]


def test_the_pace_of_an_answer_is_looked_at_once_audio_has_been_sent_ahead() -> None:
    call = Call()
    call.until(Phase.WAITING)
    call.answer(0.48)  # a burst, sent ahead
    assert call.tally.pacing_jitter_ms == []
    call.now += 0.1  # 60 ms would have been in time
    call.play(TONE)
    call.now += 0.05
    call.play(TONE)
    assert call.tally.pacing_jitter_ms == [pytest.approx(40), pytest.approx(10)]
    assert call.tally.ahead_ms == [pytest.approx(440), pytest.approx(450)]


def test_an_answer_that_runs_dry_and_goes_on_is_an_underrun() -> None:
    call = Call()
    call.until(Phase.WAITING)
    call.answer(1.0)
    call.now += 1.2
    call.answer(1.0)
    call.until(Phase.RESTING)
    assert (call.tally.underruns, call.tally.broken_off) == (1, 0)


def test_an_answer_that_stays_away_is_broken_off_and_one_that_never_comes_is_unanswered() -> None:
    call = Call()
    call.until(Phase.WAITING)
    call.answer(1.0)
    call.until(Phase.RESTING)
    call.until(Phase.WAITING)
    call.until(Phase.RESTING)
    assert (call.tally.underruns, call.tally.broken_off, call.tally.unanswered) == (0, 1, 1)


def test_every_third_answer_is_interrupted_and_the_clear_is_timed() -> None:
    call = Call()
    for turn in range(1, BARGE_EVERY + 1):
        call.until(Phase.WAITING)
        call.answer()
        call.caller.received(messages.mark("MZ1", f"end of {turn}").encode(), call.now)
        call.until(Phase.RESTING if turn < BARGE_EVERY else Phase.SPEAKING)
    began = len(call.media()) - 1
    for _ in range(10):
        call.tick()
    call.caller.received(messages.clear("MZ1").encode(), call.now)
    first_voiced_at = call.media()[began + utterance().first_voiced][0]
    assert call.tally.barge_in_ms == [pytest.approx((call.now - first_voiced_at) * 1000)]
    assert json.loads(call.sent[-1][1])["mark"]["name"] == f"end of {BARGE_EVERY}", "echoed by the clear"
    call.until(Phase.WAITING)
    assert call.tally.unheard_barge_ins == 0
    assert call.tally.underruns == 0


def test_an_interruption_that_stops_nothing_is_counted() -> None:
    call = Call()
    for _ in range(BARGE_EVERY):
        call.until(Phase.WAITING)
        call.answer()
        call.until(Phase.HEARING)
    call.until(Phase.WAITING)
    assert call.tally.unheard_barge_ins == 1


def test_speech_out_of_turn_is_counted() -> None:
    call = Call()
    call.play(TONE)
    call.until(Phase.SPEAKING)
    call.tick()
    call.play(TONE)
    assert (call.tally.unasked, call.tally.early) == (1, 1)


def test_a_server_that_does_not_read_gets_no_more_frames() -> None:
    call = Call(unsent=1_000_000)
    call.tick()
    assert call.kinds() == ["connected", "start"]
    assert call.tally.blocked_frames == 1


def test_nothing_is_counted_outside_the_measured_time() -> None:
    call = Call(tally=Tally(open=False))
    call.play(TONE)
    call.until(Phase.WAITING)
    call.answer()
    assert call.tally == Tally(open=False)


def test_silence_of_the_server_answers_nothing() -> None:
    call = Call()
    call.until(Phase.WAITING)
    call.caller.received(b'{"event":"media","media":{"payload":"%b"}}' % b64encode(b"\xff" * 160), call.now)
    assert call.caller.phase is Phase.WAITING


def test_a_mark_counts_from_when_its_sound_has_played() -> None:
    call = Call()
    call.until(Phase.WAITING)
    call.play(TONE)
    call.caller.received(messages.mark("MZ1", "in time").encode(), call.now)
    call.now += 0.06 + 0.25
    call.caller.received(messages.mark("MZ1", "late").encode(), call.now)
    assert call.tally.mark_late_ms == [0.0, pytest.approx(250.0)]
