"""Who answered, and what is due: the whole table of first utterances, beeps and the carrier's word."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from agent.greeting_files import greeting_words
from agent.llm.port import EventName
from agent.opening import BEEP_WAIT_S, HOLD_WAIT_S, INTRODUCTIONS_MAX, KEYS_MAX, Opening, Say, Wait
from agent.turns import timing
from events.call import AnsweredBy
from media.frame import FRAME_MS, FRAME_SAMPLES, RATE_HZ

MAILBOX = "Please leave a message after the tone."
SCREENER = "Please state your name and reason for calling."
LONG_MS = timing.LONG_GREETING_MS + 100


@dataclass(frozen=True)
class Past:
    agent_has_spoken: bool
    owes_result: bool = False


@dataclass
class Stage:
    beeps: int = 0
    told: list[tuple[AnsweredBy, str]] = field(default_factory=list)
    at_ms: int = 0

    def __post_init__(self) -> None:
        self.opening = Opening(greeting_words(), self._beep, lambda by, detail: self.told.append((by, detail)))

    def _beep(self) -> None:
        self.beeps += 1

    def after(self, text: str, voiced_ms: int = 800, *, spoken: bool = False) -> Wait | Say:
        return self.opening.after(text, voiced_ms, Past(agent_has_spoken=spoken))

    def beep(self) -> None:
        time_s = np.arange(RATE_HZ // 2) / RATE_HZ
        sound = np.concatenate([np.sin(2 * np.pi * 1_000 * time_s) * 5_000, np.zeros(RATE_HZ // 4)]).astype(np.int16)
        for start in range(0, len(sound), FRAME_SAMPLES):
            self.opening.hear(sound[start : start + FRAME_SAMPLES].tobytes(), self.at_ms)
            self.at_ms += FRAME_MS


@pytest.mark.parametrize(
    ("text", "voiced_ms", "due"),
    [
        ("Hello?", 500, Say(EventName.ANSWERED)),
        ("", 500, Say(EventName.ANSWERED)),
        ("Hello?", LONG_MS, Say(EventName.ANSWERED)),
        ("something long that tells nothing", LONG_MS, Wait(timing.SCREENED_WAIT_S)),
        (MAILBOX, 1_500, Wait(BEEP_WAIT_S)),
        (SCREENER, 2_000, Say(EventName.SCREENING)),
        ("Thanks. Please stay on the line.", 1_500, Wait(HOLD_WAIT_S)),
        ("For sales, press one.", 2_000, Say(EventName.MENU)),
    ],
)
def test_after_the_first_utterance(text: str, voiced_ms: int, due: Wait | Say) -> None:
    assert Stage().after(text, voiced_ms) == due


def test_a_long_greeting_is_waited_for_once_and_then_greeted() -> None:
    stage = Stage()
    assert stage.after("mumble mumble", LONG_MS) == Wait(timing.SCREENED_WAIT_S)
    assert stage.opening.expired(Past(agent_has_spoken=False)) == Say(EventName.ANSWERED), "it may have been a person"
    assert stage.told == [], "length alone tells nobody anything"
    other = Stage()
    other.after("mumble mumble", LONG_MS)
    assert other.after("mumble", LONG_MS) == Say(EventName.ANSWERED)


def test_the_beep_asks_for_the_message_once() -> None:
    stage = Stage()
    stage.after(MAILBOX)
    stage.beep()
    assert stage.beeps == 1
    assert stage.opening.machine_waits(by_carrier=False)
    assert not stage.opening.machine_waits(by_carrier=True), "it is being left"
    assert stage.told == [(AnsweredBy.MACHINE, "voicemail by its words")]


def test_a_beep_that_comes_without_words_is_a_machines_too() -> None:
    stage = Stage()
    stage.after("mumble mumble", LONG_MS)
    stage.beep()
    assert stage.beeps == 1
    assert stage.opening.machine_waits(by_carrier=False)
    assert stage.told == [(AnsweredBy.MACHINE, "voicemail by its beep")]


def test_a_machine_without_a_beep_gets_its_message_all_the_same() -> None:
    stage = Stage()
    stage.after(MAILBOX)
    assert stage.opening.expired(Past(agent_has_spoken=False)) == Say(EventName.MESSAGE_BEEP)
    assert not stage.opening.machine_waits(by_carrier=True)


def test_a_beep_before_anybody_spoke_means_nothing() -> None:
    stage = Stage()
    stage.beep()
    assert stage.beeps == 0


def test_a_person_is_no_machine_whatever_beeps_and_the_carrier_says() -> None:
    stage = Stage()
    stage.after("Hello, who is this?")
    stage.beep()
    assert stage.beeps == 0
    assert not stage.opening.machine_waits(by_carrier=True)
    assert stage.told == [(AnsweredBy.HUMAN, "person by its words")]


def test_the_carrier_is_believed_when_nothing_else_is_known() -> None:
    stage = Stage()
    stage.after("mumble", 700)
    assert stage.opening.machine_waits(by_carrier=True)


def test_a_screener_gets_a_name_and_then_the_person_is_greeted() -> None:
    stage = Stage()
    assert stage.after(SCREENER) == Say(EventName.SCREENING)
    assert stage.opening.silence_s == HOLD_WAIT_S
    stage.beep()
    assert stage.beeps == 0, "its tone asks for a name"
    assert stage.after("Thanks. Please stay on the line.", spoken=True) == Wait(HOLD_WAIT_S)
    assert stage.after("Hello?", spoken=True) == Say(EventName.ANSWERED)
    assert stage.opening.silence_s == timing.SILENCE_S
    assert stage.after("Yes.", spoken=True) == Say(None)
    assert [by for by, _ in stage.told] == [AnsweredBy.MACHINE, AnsweredBy.HUMAN]


def test_a_screener_that_takes_a_message_in_the_end() -> None:
    stage = Stage()
    stage.after(SCREENER)
    assert stage.after(MAILBOX, spoken=True) == Wait(BEEP_WAIT_S)
    stage.beep()
    assert stage.beeps == 1


def test_a_screener_is_not_introduced_to_for_ever() -> None:
    stage = Stage()
    said = [stage.after(SCREENER, spoken=bool(n)) for n in range(INTRODUCTIONS_MAX + 2)]
    assert said.count(Say(EventName.SCREENING)) == INTRODUCTIONS_MAX
    assert said[-1] == Wait(HOLD_WAIT_S)
    assert stage.opening.expired(Past(agent_has_spoken=True)) == Say(EventName.SILENCE)


def test_menus_are_followed_a_few_times() -> None:
    stage = Stage()
    said = [stage.after("For sales, press one.", spoken=True) for _ in range(KEYS_MAX + 1)]
    assert said.count(Say(EventName.MENU)) == KEYS_MAX


def test_somebody_picks_up_in_the_middle_of_the_message() -> None:
    stage = Stage()
    stage.after(MAILBOX)
    assert stage.opening.machine_waits(by_carrier=False)
    assert not stage.opening.picked_up("", 900), "a sound without words"
    assert not stage.opening.picked_up("To listen to your message, press one.", 2_000)
    assert stage.opening.picked_up("Hello? I'm here, sorry.", 1_200)
    assert not stage.opening.leaving_message
    assert stage.after("Hello? I'm here, sorry.", 1_200, spoken=True) == Say(EventName.ANSWERED)
    assert stage.after("Yes.", spoken=True) == Say(None)
    assert [by for by, _ in stage.told] == [AnsweredBy.MACHINE, AnsweredBy.HUMAN]


def test_in_a_conversation_words_of_machines_are_a_persons() -> None:
    stage = Stage()
    for text in ("Hello?", "Yes.", "I do."):
        stage.after(text, spoken=text != "Hello?")
    assert stage.after("Just leave a message at my office.", spoken=True) == Say(None)
    assert stage.after("", spoken=True) == Say(EventName.NOT_UNDERSTOOD)


def test_a_sound_while_a_result_is_owed_is_answered_with_it() -> None:
    stage = Stage()
    stage.after("Hello?")
    assert stage.opening.after("", 500, Past(agent_has_spoken=True, owes_result=True)) == Say(None)
