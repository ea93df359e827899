"""Who answers for somebody else: screeners that ask for a name, and menus."""

from agent.llm.port import EventName
from agent.opening import (
    BEEP_WAIT_S,
    HOLD_WAIT_S,
    INTRODUCTIONS_MAX,
    KEYS_MAX,
    SOUND_WAIT_S,
    Say,
    Wait,
)
from agent.turns import timing
from events.call import AnsweredBy
from tests.agent.opening_stage import GAP, GREETING, MAILBOX, MENU, SCREENER, Stage


def test_a_screener_gets_a_name_and_then_the_person_is_greeted() -> None:
    stage = Stage()
    stage.after(SCREENER)
    assert stage.opening.expired() == Say(EventName.SCREENING)
    assert stage.opening.silence_s == HOLD_WAIT_S
    stage.beep()
    assert stage.beeps == 0, "its tone asks for a name"
    stage.heard()
    assert stage.after("Thanks. Please stay on the line.") == Wait(HOLD_WAIT_S)
    assert stage.after("", 2_000) == Wait(HOLD_WAIT_S), "it rings"
    assert stage.after("", 400) == Wait(SOUND_WAIT_S), "somebody who cannot be made out?"
    assert stage.after("Hello?") == GREETING
    assert stage.opening.silence_s == timing.SILENCE_S
    stage.heard()
    assert stage.after("Yes.") == Say(None)
    assert stage.who == [AnsweredBy.MACHINE, AnsweredBy.HUMAN]


def test_a_name_said_into_the_screeners_own_words_is_said_again() -> None:
    stage = Stage()
    stage.after("Record your name and reason for calling, I'll see if this person")
    stage.opening.expired()
    stage.cut()
    assert stage.after("is available") == GAP, "it was not heard, so this is no answer to it"
    assert stage.opening.expired() == Say(EventName.SCREENING)


def test_the_person_behind_a_screener_may_say_anything() -> None:
    stage = Stage()
    stage.after(SCREENER)
    stage.opening.expired()
    stage.heard()
    assert stage.after("Corner shop, Dana") == GREETING
    assert stage.who == [AnsweredBy.MACHINE, AnsweredBy.HUMAN]


def test_nobody_comes_to_the_telephone() -> None:
    stage = Stage()
    stage.after(SCREENER)
    stage.opening.expired()
    stage.heard()
    stage.after("Thanks. Please stay on the line.")
    assert stage.opening.expired() == Say(EventName.SILENCE)


def test_a_screener_that_takes_a_message_in_the_end() -> None:
    stage = Stage()
    stage.after(SCREENER)
    stage.opening.expired()
    stage.heard()
    assert stage.after(MAILBOX) == Wait(BEEP_WAIT_S)
    stage.beep()
    assert stage.beeps == 1


def test_a_screener_is_not_introduced_to_for_ever() -> None:
    stage = Stage()
    for _ in range(INTRODUCTIONS_MAX):
        assert stage.after(SCREENER) == GAP
        assert stage.opening.expired() == Say(EventName.SCREENING)
        stage.heard()
    assert stage.after(SCREENER) == Wait(HOLD_WAIT_S)
    assert stage.opening.expired() == Say(EventName.SILENCE)


def test_menus_are_followed_a_few_times_and_then_somebody_is_greeted() -> None:
    stage = Stage()
    for _ in range(KEYS_MAX):
        assert stage.after(MENU) == Wait(timing.MENU_GAP_S)
        assert stage.opening.expired() == Say(EventName.MENU)
        stage.heard()
    assert stage.opening.silence_s == HOLD_WAIT_S
    assert stage.after(MENU) == Wait(HOLD_WAIT_S)
    assert not stage.opening.machine_waits(by_carrier=True), "nobody leaves a message with a menu"
    assert stage.after("One moment, please.") == Wait(HOLD_WAIT_S)
    assert stage.after("Good morning.") == GREETING
    assert stage.who == [AnsweredBy.MACHINE, AnsweredBy.HUMAN]
