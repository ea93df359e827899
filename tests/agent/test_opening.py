"""Who answered, and what is due: the whole table of first utterances, beeps and the carrier's word."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.greeting_files import greeting_words
from agent.llm.port import EventName
from agent.machine_ear import EARLY_BEEP_MS
from agent.opening import (
    BEEP_WAIT_S,
    DOUBTFUL_SILENCES,
    HOLD_WAIT_S,
    Opening,
    Say,
    Wait,
)
from agent.turns import timing
from events.call import AnsweredBy
from tests.agent.opening_stage import GAP, GREETING, LONG_MS, MAILBOX, MENU, SCREENER, Past, Stage


@pytest.mark.parametrize(
    ("text", "voiced_ms", "due", "then"),
    [
        ("Hello?", 500, GREETING, None),
        ("", 500, GREETING, None),
        ("Hello?", LONG_MS, GREETING, None),
        ("something long that tells nothing", LONG_MS, Wait(timing.UNCLEAR_WAIT_S), EventName.ANSWERED),
        (MAILBOX, 1_500, Wait(BEEP_WAIT_S), EventName.MESSAGE_BEEP),
        (SCREENER, 2_000, GAP, EventName.SCREENING),
        ("Thanks. Please stay on the line.", 1_500, Wait(HOLD_WAIT_S), EventName.ANSWERED),
        (MENU, 2_000, Wait(timing.MENU_GAP_S), EventName.MENU),
    ],
)
def test_after_the_first_utterance(text: str, voiced_ms: int, due: Wait | Say, then: EventName | None) -> None:
    stage = Stage()
    assert stage.after(text, voiced_ms) == due
    if then is not None:
        assert stage.opening.expired() == Say(then)


def test_nobody_who_picks_up_waits_for_two_seconds() -> None:
    # 47 CFR 64.1200(a)(7): a word within two seconds of the greeting's end; a turn's end takes up to a second of them.
    assert timing.UNCLEAR_WAIT_S <= 1.0


def test_a_long_greeting_is_waited_for_once_and_then_greeted() -> None:
    stage = Stage()
    assert stage.after("mumble mumble", LONG_MS) == Wait(timing.UNCLEAR_WAIT_S)
    assert stage.opening.expired() == GREETING, "it may have been a person"
    assert stage.told == [], "length alone tells nobody anything"
    other = Stage()
    other.after("mumble mumble", LONG_MS)
    assert other.after("mumble", LONG_MS) == GREETING


def test_in_doubt_the_greeting_is_for_both_and_a_machine_gets_its_message_in_the_end() -> None:
    stage = Stage()
    stage.after("mumble mumble", LONG_MS)
    stage.opening.expired()
    stage.heard()
    due = [stage.opening.unanswered() for _ in range(DOUBTFUL_SILENCES)]
    assert due == [None] * (DOUBTFUL_SILENCES - 1) + [Say(EventName.MESSAGE_BEEP)], "a person is asked once more first"
    assert stage.opening.unanswered() is None, "it is being left"


def test_who_takes_turns_with_us_is_a_person_and_gets_no_message() -> None:
    stage = Stage()
    stage.after("mumble mumble", LONG_MS)
    stage.opening.expired()
    stage.heard()
    assert stage.after("mumble") == Say(None)
    assert stage.who == [AnsweredBy.HUMAN]
    stage.beep()
    assert stage.beeps == 0, "somebody else calls them meanwhile"
    assert [stage.opening.unanswered() for _ in range(4)] == [None] * 4


def test_a_machine_that_was_greeted_in_a_pause_goes_on_and_is_known() -> None:
    stage = Stage()
    stage.after("Hi, this is Dana, and I am very sorry indeed", LONG_MS)
    stage.opening.expired()
    stage.cut()
    assert stage.after(MAILBOX) == Wait(BEEP_WAIT_S)
    stage.beep()
    assert stage.beeps == 1


def test_an_announcement_in_pieces_is_one() -> None:
    stage = Stage()
    assert stage.after("Please state", 2_000) == GREETING, "what is heard of it may be anything"
    stage.cut()
    assert stage.after("your name", 900) == GAP
    assert stage.opening.expired() == Say(EventName.SCREENING)


@pytest.mark.parametrize(("text", "gap_s"), [(SCREENER, timing.PIECE_GAP_S), (MENU, timing.MENU_GAP_S)])
def test_a_sound_without_words_belongs_to_the_announcement(text: str, gap_s: float) -> None:
    stage = Stage()
    stage.after(text)
    assert stage.after("", 300) == Wait(gap_s)


def test_the_beep_asks_for_the_message_once() -> None:
    stage = Stage()
    stage.after(MAILBOX)
    stage.beep()
    assert stage.beeps == 1
    assert stage.opening.machine_waits(by_carrier=False)
    assert not stage.opening.machine_waits(by_carrier=True), "it is being left"
    assert stage.told == [(AnsweredBy.MACHINE, "voicemail by its words")]


@pytest.mark.parametrize(("silence_ms", "beeps"), [(200, 1), (EARLY_BEEP_MS + 500, 0)])
def test_a_beep_before_the_end_of_their_turn_was_known_counts(silence_ms: int, beeps: int) -> None:
    stage = Stage()
    stage.beep()
    stage.silence(silence_ms)
    stage.after(MAILBOX)
    assert stage.beeps == beeps


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
    assert stage.after("", 300) == Wait(BEEP_WAIT_S), "a click before its beep"
    assert stage.opening.expired() == Say(EventName.MESSAGE_BEEP)
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


def test_friendly_last_words_of_a_mailbox_are_not_a_person() -> None:
    stage = Stage()
    stage.after(MAILBOX)
    assert stage.after("Good evening.") == GAP
    stage.beep()
    assert stage.beeps == 1
    assert stage.who == [AnsweredBy.MACHINE]


def test_somebody_who_picks_up_before_the_beep_is_greeted() -> None:
    stage = Stage()
    stage.after(MAILBOX)
    assert stage.after("Hello?") == GAP
    assert stage.opening.expired() == GREETING
    stage.heard()
    assert stage.after("Yes.") == Say(None)
    assert stage.who == [AnsweredBy.MACHINE, AnsweredBy.HUMAN]


def test_a_person_who_asks_for_a_moment_is_no_machine() -> None:
    stage = Stage()
    stage.after("Hello?")
    stage.heard()
    assert stage.after("One moment, please.") == Say(None)
    assert stage.who == [AnsweredBy.HUMAN]


def test_somebody_picks_up_in_the_middle_of_the_message() -> None:
    stage = Stage()
    stage.after(MAILBOX)
    assert stage.opening.machine_waits(by_carrier=False)
    assert not stage.opening.picked_up("", 900), "a sound without words"
    assert not stage.opening.picked_up("To listen to your message, press one.", 2_000)
    assert stage.opening.picked_up("Hello? I'm here, sorry.", 1_200)
    assert not stage.opening.leaving_message
    stage.cut()
    assert stage.after("Hello? I'm here, sorry.", 1_200) == GREETING
    stage.heard()
    assert stage.after("Yes.") == Say(None)
    assert stage.who == [AnsweredBy.MACHINE, AnsweredBy.HUMAN]


def test_who_goes_on_before_our_greeting_was_heard_is_greeted_and_answers_no_question_yet() -> None:
    stage = Stage()
    stage.after(MAILBOX)
    assert stage.opening.machine_waits(by_carrier=False)
    assert stage.opening.picked_up("Hello?", 400)
    stage.cut()
    assert stage.after("Hello?", 400) == GREETING
    assert stage.after("No, I am here.", 900) == GREETING, "the greeting was thrown away unheard"
    stage.cut()
    assert stage.after("No, thank you.", 900) == Say(None), "a part of it was heard"
    stage.heard()
    assert stage.after("") == Say(EventName.NOT_UNDERSTOOD)


def test_in_a_conversation_words_of_machines_are_a_persons() -> None:
    stage = Stage()
    for text in ("Hello?", "Yes.", "I do."):
        stage.after(text)
        stage.heard()
    assert stage.after("Just leave a message at my office.") == Say(None)
    stage.heard()
    assert stage.after("") == Say(EventName.NOT_UNDERSTOOD)


def test_a_sound_while_a_result_is_owed_is_answered_with_it() -> None:
    stage = Stage()
    stage.after("Hello?")
    past = Past(answers_heard=1, agent_has_spoken=True, owes_result=True)
    assert stage.opening.after("", 500, past) == Say(None)


TEXTS = st.sampled_from([MAILBOX, SCREENER, MENU, "Hello?", "Please hold.", "mumble", "", "Yes.", "Take me off."])
STEPS = st.lists(
    st.tuples(TEXTS, st.integers(20, 8_000))
    | st.sampled_from(["heard", "cut", "expired", "beep", "silence", "carrier"])
)


@given(STEPS)
def test_whatever_they_say_something_bounded_is_due(steps: list[tuple[str, int] | str]) -> None:
    """Nobody is waited for without end, and nothing but events of the opening, or an answer, is said."""
    stage = Stage()
    for step in steps:
        match step:
            case "heard":
                stage.heard()
            case "cut":
                stage.cut()
            case "expired":
                assert stage.opening.expired().event is not None
            case "beep":
                stage.beep()
            case "silence":
                assert stage.opening.unanswered() in (None, Say(EventName.MESSAGE_BEEP))
            case "carrier":
                stage.opening.machine_waits(by_carrier=True)
            case (str(text), int(voiced_ms)):
                due = stage.after(text, voiced_ms)
                assert 0 < due.seconds <= HOLD_WAIT_S if isinstance(due, Wait) else due.event != EventName.TIME_UP
        assert stage.opening.silence_s in (timing.SILENCE_S, HOLD_WAIT_S)
    assert all(one != other for one, other in pairwise(stage.who)), "news only"


def test_who_rings_us_is_greeted_at_once_and_never_taken_for_a_machine() -> None:
    told: list[AnsweredBy] = []
    opening = Opening(greeting_words(), lambda: None, lambda by, _: told.append(by), rung=True)
    assert opening.wait_s < timing.OPENING_WAIT_S
    assert opening.expired() == GREETING
    assert opening.after(MAILBOX, LONG_MS, Past()) == GREETING, "whatever they say before we have greeted them"
    spoken = Past(agent_has_spoken=True)
    assert opening.after(MAILBOX, LONG_MS, spoken) == opening.after(MENU, LONG_MS, spoken) == Say(None)
    assert opening.after("", 500, spoken) == Say(EventName.NOT_UNDERSTOOD)
    assert (told, opening.unanswered(), opening.unanswered()) == ([], None, None)
