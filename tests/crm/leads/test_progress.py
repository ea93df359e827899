"""What a call means for a lead."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.leads.progress import NOTES_CHARS_MAX, Standing, after_call, after_fact
from events.call import FactKind, FactNoted, Outcome

NEW = Standing("novo")


def test_a_meeting_is_the_next_step() -> None:
    after = after_fact(NEW, FactNoted(FactKind.MEETING_BOOKED, when="tomorrow at ten"))
    assert after == Standing("meeting_booked", "Meeting: tomorrow at ten")


def test_a_call_back_is_the_next_step() -> None:
    after = after_fact(NEW, FactNoted(FactKind.CALLBACK_REQUESTED, when="Friday afternoon"))
    assert after == Standing("callback_scheduled", "Call back: Friday afternoon")


def test_a_call_that_we_broke_off_changes_nothing_of_what_was_agreed() -> None:
    broken = FactNoted(FactKind.BROKEN_OFF, "model_unavailable")
    note = "The agent could not go on and promised that somebody calls back"
    assert after_fact(NEW, broken) == replace(NEW, next_step="Call back", notes=note)
    booked = after_fact(NEW, FactNoted(FactKind.MEETING_BOOKED, when="tomorrow at ten"))
    assert after_fact(booked, broken) == replace(booked, notes=note)
    out = after_fact(NEW, FactNoted(FactKind.OPTED_OUT))
    assert after_fact(out, broken) == replace(out, notes=note)


def test_objections_are_noted() -> None:
    after = after_fact(
        after_fact(NEW, FactNoted(FactKind.OBJECTION, "price")), FactNoted(FactKind.OBJECTION, "supplier")
    )
    assert after == Standing("novo", notes="Objection: price\nObjection: supplier")


def test_opting_out_is_final() -> None:
    out = after_fact(replace(NEW, next_step="Call back"), FactNoted(FactKind.OPTED_OUT))
    assert out == Standing("do_not_call", do_not_call=True)
    assert after_fact(out, FactNoted(FactKind.MEETING_BOOKED)).status == "do_not_call"
    assert after_call(NEW, Outcome.OPTED_OUT) == out


@pytest.mark.parametrize("outcome", [Outcome.NO_RESPONSE, Outcome.LINE_BUSY, Outcome.NO_ANSWER, Outcome.MESSAGE_LEFT])
def test_reaching_nobody_means_trying_again(outcome: Outcome) -> None:
    assert after_call(NEW, outcome).status == "retry_later"
    for kept in ("meeting_booked", "callback_scheduled", "do_not_call"):
        assert after_call(replace(NEW, status=kept), outcome).status == kept


def test_no_interest() -> None:
    assert after_call(NEW, Outcome.NOT_INTERESTED).status == "not_interested"
    assert after_call(replace(NEW, status="meeting_booked"), Outcome.NOT_INTERESTED).status == "meeting_booked"


@pytest.mark.parametrize(
    "outcome",
    [Outcome.GOAL_REACHED, Outcome.HUNG_UP, Outcome.SERVICE_FAILURE, Outcome.UNKNOWN, Outcome.REFUSED],
)
def test_other_ends_change_nothing(outcome: Outcome) -> None:
    assert after_call(NEW, outcome) == NEW


@given(st.lists(st.tuples(st.sampled_from(FactKind), st.text(max_size=50)), max_size=30))
def test_standing_stays_in_bounds(facts: list[tuple[FactKind, str]]) -> None:
    lead = replace(NEW, notes="x" * NOTES_CHARS_MAX)
    was_out = False
    for kind, words in facts:
        lead = after_fact(lead, FactNoted(kind, words, words))
        was_out = was_out or kind is FactKind.OPTED_OUT
        assert len(lead.notes) <= NOTES_CHARS_MAX
        assert lead.do_not_call == was_out, "nothing said later undoes an opt-out"
