"""Whether what is said over the agent takes the floor."""

from dataclasses import dataclass

import pytest

from agent.greeting_files import greeting_words
from agent.interruption import Interruption
from agent.making import Making
from agent.opening import Opening
from media.activity.detector import VoiceEnded

ASSENT = frozenset({"okay", "yeah"})


@dataclass
class Played:
    """What of the agent's voice is read: how long its answer is, and how much was heard."""

    reply_ms: int
    heard_ms: int


def judged(text: str, voiced_ms: int, *, left_ms: int = 2_000) -> tuple[bool, bool]:
    interruption = Interruption(ASSENT, Opening(greeting_words(), lambda: None, lambda _who, _why: None), Making())
    interruption.attach(Played(5_000, 5_000 - left_ms))  # type: ignore[arg-type]
    voice = VoiceEnded(1_000, 1_000 + voiced_ms, 1_400 + voiced_ms)
    return interruption.takes_floor(voice, text), interruption.nearly_said


@pytest.mark.parametrize(
    ("text", "voiced_ms", "takes"),
    [
        ("wait a moment", 600, True),
        ("okay", 300, False),
        ("okay yeah", 700, False),
        ("", 2_000, False),
        ("no", 40, False),
    ],
)
def test_speech_takes_the_floor_and_assent_and_noise_do_not(text: str, voiced_ms: int, *, takes: bool) -> None:
    assert judged(text, voiced_ms) == (takes, False)


def test_assent_to_what_is_all_but_said_is_an_answer_to_it() -> None:
    assert judged("okay", 300, left_ms=100) == (True, True)
    assert judged("", 300, left_ms=100) == (False, True)


@pytest.mark.parametrize(
    ("text", "voiced_ms", "picked_up"),
    [("okay", 300, True), ("hello I'm here", 900, True), ("", 2_000, False), ("no", 40, False)],
)
def test_whoever_speaks_into_a_message_has_picked_up_even_with_a_word_of_assent(
    text: str, voiced_ms: int, *, picked_up: bool
) -> None:
    opening = Opening(greeting_words(), lambda: None, lambda _who, _why: None)
    opening.machine_waits(by_carrier=True)
    interruption = Interruption(ASSENT, opening, Making())
    interruption.attach(Played(5_000, 3_000))  # type: ignore[arg-type]
    assert interruption.is_assent(text) is (text == "")
    assert interruption.takes_floor(VoiceEnded(1_000, 1_000 + voiced_ms, 1_400 + voiced_ms), text) is picked_up
