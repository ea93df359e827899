"""Whether what is said over the agent takes the floor."""

from dataclasses import dataclass

import pytest

from agent.greeting_files import greeting_words
from agent.interruption import Interruption
from agent.making import Making
from agent.opening import Opening
from agent.turns import timing
from agent.turns.wording import WordLists
from media.activity.detector import VoiceEnded

ASSENT = frozenset({"okay", "yeah"})
LISTS = WordLists(open=frozenset({"i'm", "at", "that"}))


@dataclass
class Played:
    """What of the agent's voice is read: how long its answer is, and how much was heard."""

    reply_ms: int
    heard_ms: int


def interruption_of(*, machine: bool = False, heard_ms: int = 3_000) -> Interruption:
    opening = Opening(greeting_words(), lambda: None, lambda _who, _why: None)
    if machine:
        opening.machine_waits(by_carrier=True)
    interruption = Interruption(ASSENT, opening, Making(), LISTS)
    interruption.attach(Played(5_000, heard_ms))  # type: ignore[arg-type]
    return interruption


def judged(text: str, voiced_ms: int, *, left_ms: int = 2_000) -> tuple[bool, bool]:
    interruption = interruption_of(heard_ms=5_000 - left_ms)
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
        ("at that", 480, False),
        ("at that", 620, True),
        ("wait", 300, True),
    ],
)
def test_speech_takes_the_floor_and_assent_and_noise_do_not(text: str, voiced_ms: int, *, takes: bool) -> None:
    assert judged(text, voiced_ms) == (takes, False)


@pytest.mark.parametrize(("heard_ms", "goes_on"), [(80, True), (380, True), (420, False)])
def test_assent_to_an_answer_that_has_hardly_begun_goes_on_with_what_was_being_said(
    heard_ms: int, *, goes_on: bool
) -> None:
    interruption = interruption_of(heard_ms=heard_ms)
    assert interruption.takes_floor(VoiceEnded(1_000, 1_300, 1_700), "okay") is goes_on
    assert interruption.is_nod("okay") is not goes_on
    assert not interruption.takes_floor(VoiceEnded(1_000, 1_040, 1_400), ""), "a click"


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
    interruption = interruption_of(machine=True)
    assert interruption.is_assent(text) is (text == "")
    assert interruption.takes_floor(VoiceEnded(1_000, 1_000 + voiced_ms, 1_400 + voiced_ms), text) is picked_up


@pytest.mark.parametrize(
    ("text", "voiced_ms", "doubt_s"),
    [
        ("okay", 900, 0.0),
        ("okay", 1_100, None),
        ("", 600, timing.DOUBT_S),
        ("", 800, None),
        ("i'm", 300, timing.FRAGMENT_DOUBT_S),
        ("i'm", 600, None),
        ("wait", 300, None),
    ],
    ids=["a nod", "too long for one", "not known yet", "too long", "a fragment", "a sentence begun", "an interruption"],
)
def test_how_long_a_pause_is_watched_before_the_agent_speaks_on(
    text: str, voiced_ms: int, doubt_s: float | None
) -> None:
    assert interruption_of().doubt_s(voiced_ms, text) == doubt_s
    if doubt_s is not None:
        assert interruption_of().is_nod(text)


def test_a_fragment_said_into_a_message_is_a_person() -> None:
    assert not interruption_of(machine=True).is_nod("i'm")
