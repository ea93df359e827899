"""Who has the word in a call: every standing against every act, of everybody who may ask."""

import itertools
from uuid import UUID

import pytest

from events.ticket import Seat
from media.party import Role
from telephony.call.person_acts import (
    AGREED_CHARS_MAX,
    WHISPER_CHARS_MAX,
    Act,
    ChangeRole,
    HandBack,
    Hold,
    Join,
    Leave,
    Lost,
    Person,
    Refused,
    Standing,
    TakeOver,
    Whisper,
    Word,
    decide,
)

MARIA = Person("p1", "Maria", UUID(int=1), Seat.REP)
JOHN = Person("p2", "John", UUID(int=2), Seat.REP)
INES = Person("p3", "Ines", UUID(int=3), Seat.SUPERVISOR)
ACTS: list[Act] = [
    Join(),
    *(ChangeRole(role) for role in Role),
    TakeOver(),
    HandBack(),
    HandBack("x" * (AGREED_CHARS_MAX + 1)),
    Hold(True),
    Hold(False),
    Whisper("offer ten per cent"),
    Whisper("  "),
    Whisper("x" * (WHISPER_CHARS_MAX + 1)),
    Lost(),
    Leave(),
]
STANDINGS = [
    Standing(holder, name, away, held, waiting)
    for (holder, name), away, held, waiting in itertools.product(
        [("", ""), ("p1", "Maria"), ("p2", "John")], [False, True], [False, True], [False, True]
    )
    if holder or not (away or waiting)
]


@pytest.mark.parametrize("person", [MARIA, INES])
@pytest.mark.parametrize("act", ACTS, ids=repr)
def test_no_act_makes_two_people_have_the_word_or_leaves_it_with_nobody(person: Person, act: Act) -> None:
    for standing, role in itertools.product(STANDINGS, [None, Role.LISTENER, Role.BARGER]):
        after = decide(standing, person, act, role)
        if isinstance(after, Refused):
            assert after.code
            assert after.sentence.endswith(".")
            continue
        assert bool(after.holder) == bool(after.holder_name)
        if after.holder != standing.holder:
            taken = isinstance(act, TakeOver) and (not standing.holder or standing.away)
            given = isinstance(act, HandBack | Leave) and standing.holder == person.id
            assert taken or given
            assert after.holder == (person.id if taken else "")
            assert not after.away
            assert not after.music, "whoever talks now is heard"
        assert after.agent_aside == bool(after.holder or after.held)


def test_of_two_who_ask_at_once_the_first_has_it_and_the_second_is_told_who() -> None:
    first = decide(Standing(), MARIA, TakeOver(), Role.LISTENER)
    assert isinstance(first, Standing)
    assert first.word is Word.PERSON
    second = decide(first, JOHN, TakeOver(), Role.LISTENER)
    assert second == Refused("taken", "Maria has taken this call over already.")
    assert decide(first, MARIA, TakeOver(), Role.REP_ALONE) == first, "asked twice it is done once"


def test_a_call_whose_holder_is_lost_may_be_taken_over() -> None:
    lost = decide(Standing("p1", "Maria"), MARIA, Lost(), None)
    assert isinstance(lost, Standing)
    assert decide(lost, JOHN, TakeOver(), Role.LISTENER) == Standing("p2", "John")


@pytest.mark.parametrize(
    ("standing", "person", "act", "role", "code"),
    [
        (Standing(), MARIA, TakeOver(), None, "no_audio"),
        (Standing(), MARIA, HandBack(), Role.LISTENER, "not_yours"),
        (Standing("p2", "John"), MARIA, HandBack(), Role.LISTENER, "not_yours"),
        (Standing("p2", "John"), MARIA, Hold(True), Role.LISTENER, "not_yours"),
        (Standing("p1", "Maria"), MARIA, ChangeRole(Role.LISTENER), Role.REP_ALONE, "hand_back_first"),
        (Standing(), INES, ChangeRole(Role.REP_ALONE), Role.LISTENER, "use_take_over"),
        (Standing(), MARIA, ChangeRole(Role.BARGER), Role.LISTENER, "supervisors_only"),
        (Standing(), MARIA, ChangeRole(Role.WHISPERER), Role.LISTENER, "supervisors_only"),
        (Standing(), MARIA, Whisper("x"), Role.LISTENER, "supervisors_only"),
        (Standing(), INES, ChangeRole(Role.BARGER), None, "no_audio"),
        (Standing(), INES, Whisper(" "), None, "bad_text"),
        (Standing("p1", "Maria"), MARIA, HandBack("x" * 2_001), Role.REP_ALONE, "too_long"),
    ],
)
def test_refusals_have_a_code(standing: Standing, person: Person, act: Act, role: Role | None, code: str) -> None:
    refused = decide(standing, person, act, role)
    assert isinstance(refused, Refused)
    assert refused.code == code
