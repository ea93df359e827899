"""What a call means for a lead."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.leads.progress import Standing, after_call, after_fact, noted
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
    assert after_fact(NEW, broken) == replace(NEW, next_step="Call back")
    booked = after_fact(NEW, FactNoted(FactKind.MEETING_BOOKED, when="tomorrow at ten"))
    assert after_fact(booked, broken) == booked
    out = after_fact(NEW, FactNoted(FactKind.OPTED_OUT))
    assert after_fact(out, broken) == out


def test_objections_and_notes_are_noted_and_change_nothing() -> None:
    objection, note = FactNoted(FactKind.OBJECTION, "price"), FactNoted(FactKind.NOTE, "two shops")
    assert after_fact(after_fact(NEW, objection), note) == NEW
    assert [noted(fact) for fact in (objection, note)] == ["Objection: price", "two shops"]
    assert "promised" in noted(FactNoted(FactKind.BROKEN_OFF))
    assert noted(FactNoted(FactKind.MEETING_BOOKED, when="at ten")) == ""


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
def test_an_opt_out_is_never_undone(facts: list[tuple[FactKind, str]]) -> None:
    lead = NEW
    was_out = False
    for kind, words in facts:
        lead = after_fact(lead, FactNoted(kind, words, words))
        was_out = was_out or kind is FactKind.OPTED_OUT
        assert lead.do_not_call == was_out, "nothing said later undoes an opt-out"
