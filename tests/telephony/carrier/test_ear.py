"""What the prospect's ear makes of the agent's audio."""

import numpy as np

from telephony.carrier.ear import Ear
from telephony.carrier.ulaw import FRAME_SAMPLES, Pcm

LOUD: Pcm = np.full(FRAME_SAMPLES, 4_000, np.int16)
QUIET: Pcm = np.full(FRAME_SAMPLES, 20, np.int16)


def hear(ear: Ear, pattern: str, at_ms: float = 0.0) -> float:
    """Feed a frame for each character, `#` loud and `.` quiet; return where the next begins."""
    for character in pattern:
        ear.hear(LOUD if character == "#" else QUIET, at_ms)
        at_ms += 20
    return at_ms


def test_gap_above_200_ms_splits_bursts_but_not_turns() -> None:
    ear = Ear()
    hear(ear, "#####" + "." * 10 + "###" + "." * 11 + "##")
    assert [(burst.started_ms, burst.ended_ms) for burst in ear.bursts] == [(0, 360), (580, 620)]
    assert ear.turn == 1


def test_long_silence_begins_a_new_turn() -> None:
    ear = Ear()
    now_ms = hear(ear, "..###" + "." * 30 + "#")
    assert ear.turn == 2
    assert ear.turn_started_ms == 700
    assert ear.silent_for_ms(now_ms) == 0
    assert ear.is_speaking(now_ms + 200)
    assert not ear.is_speaking(now_ms + 201)


def test_edges_are_sample_exact() -> None:
    ear = Ear()
    frame = np.zeros(FRAME_SAMPLES, np.int16)
    frame[40:80] = 5_000
    ear.hear(frame, 100)
    assert (ear.bursts[0].started_ms, ear.bursts[0].ended_ms) == (105, 110)


def test_line_noise_is_silence() -> None:
    ear = Ear()
    hear(ear, "." * 50)
    assert ear.turn == 0
    assert ear.voiced_ms == 0
    assert ear.silent_for_ms(1000) == 1000
