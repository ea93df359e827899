"""Where a lead stands by its calls, whatever was left out or changed meanwhile."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from crm.leads.progress import Standing, after_call, after_fact
from crm.recovery.standing import StatusChange, Told, calls_back, standing_by_calls
from events.call import FactKind, FactNoted, Finished, Outcome, State

CALL, OTHER = UUID(int=1), UUID(int=2)
BEGAN = datetime(2026, 11, 20, 10, tzinfo=UTC)
NEW = Standing("novo")

FACTS = st.builds(FactNoted, st.sampled_from(FactKind), when=st.sampled_from(["", "tomorrow"]))
ENDS = st.builds(Finished, st.just(State.ENDED), st.sampled_from(Outcome))


def told_of(bodies: Sequence[FactNoted | Finished]) -> list[Told]:
    return [Told(CALL, BEGAN + timedelta(minutes=number), body) for number, body in enumerate(bodies)]


def applied(told: Sequence[Told], stands: Standing = NEW) -> tuple[Standing, list[StatusChange]]:
    """Return what applying the events in their turn leaves, and the changes that the database notes."""
    changes = []
    for one in told:
        body = one.body
        after = after_fact(stands, body) if isinstance(body, FactNoted) else after_call(stands, body.outcome)
        if after.status != stands.status:
            changes.append(StatusChange(one.received_at - timedelta(seconds=1), stands.status))
        stands = after
    return stands, changes


@given(st.lists(FACTS | ENDS, max_size=8))
def test_what_was_applied_as_it_should_be_is_left_alone(bodies: list[FactNoted | Finished]) -> None:
    told = told_of(bodies)
    now, changes = applied(told)
    found = standing_by_calls(told, changes, now)
    assert (found.standing.status, found.standing.next_step) == (now.status, now.next_step)
    assert not found.changed_since


@given(st.lists(FACTS | ENDS, max_size=8))
def test_what_was_never_applied_is_made_up_for(bodies: list[FactNoted | Finished]) -> None:
    told = told_of(bodies)
    found = standing_by_calls(told, [], NEW)
    assert found.standing == applied(told)[0]
    assert found.decided or found.standing == NEW


@given(st.lists(FACTS | ENDS, min_size=1, max_size=8), st.sampled_from(["won", "novo"]))
def test_what_somebody_changed_since_is_told_apart(bodies: list[FactNoted | Finished], chosen: str) -> None:
    told = told_of(bodies)
    now, changes = applied(told)
    later = StatusChange(told[-1].received_at + timedelta(hours=1), now.status)
    found = standing_by_calls(told, [*changes, later], Standing(chosen, now.next_step, now.do_not_call))
    if found.decided:
        assert found.changed_since
        assert found.standing.status == now.status


def test_a_next_step_whose_words_are_erased_stays() -> None:
    booked = Told(CALL, BEGAN, FactNoted(FactKind.MEETING_BOOKED), erased=True)
    found = standing_by_calls([booked], [], Standing("novo", "Meeting: tomorrow"))
    assert found.standing == Standing("meeting_booked", "Meeting: tomorrow")


def test_who_asked_to_be_called_is_called_and_who_refused_is_not() -> None:
    broken, asked = FactNoted(FactKind.BROKEN_OFF), FactNoted(FactKind.CALLBACK_REQUESTED, when="at ten")
    told = told_of([broken, FactNoted(FactKind.NOTE, "x"), asked, FactNoted(FactKind.OPTED_OUT), broken])
    assert calls_back([*told, Told(OTHER, BEGAN, asked)], CALL) == [broken, asked]
