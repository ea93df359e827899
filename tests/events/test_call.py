"""Events on the wire: what is written is read back, and nothing else is."""

import contextlib
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from events import call as events
from events.ids import new_id
from events.leg_events import LegAccepted, LegAnswered, LegArranged, LegEnded, LegMetered, LegPlaced, LegRinging
from events.permit import Purpose
from events.queue import QueueEntered, QueueLeft, RepRung, RingOver
from events.understanding import CallerAngry, CallerUnderstood, Mood, ObjectionKind

BODIES: list[events.Body] = [
    events.StateChanged(events.State.DIALING, events.State.IDLE),
    events.CarrierAccepted("box", "CA1"),
    events.Answered(),
    events.AnswererKnown(events.AnsweredBy.HUMAN, "carrier"),
    events.TurnFinished(1, events.Speaker.AGENT, "Hello there", "Hello", 10, 900, 420, interrupted=True),
    events.TurnTimed(2, 380, 380, 390, 391, 395, 396, 400),
    events.BargedIn(1, 500, 180),
    events.FactNoted(events.FactKind.CALLBACK_REQUESTED, "call me back", "tomorrow at ten", {"a": "b"}),
    events.Metered(20),
    events.Finished(events.State.ENDED, events.Outcome.GOAL_REACHED, events.AnsweredBy.HUMAN, 20.5, 21),
    events.RecordingStored("file:///r.wav", "r.wav", 2, 20.5, 656_044, "00"),
    events.RecordingFailed("disk_full"),
    events.Closed(),
    events.LegQuality("prospect", stable=False, jitter_ms=220, loss=0.02),
    events.KeyRefused("deepgram"),
    events.ModelUsed("openai:m", "spoken", "", 20, 7, cost_milli=3, first_token_ms=300, total_ms=900, rank=1),
    events.SpeechFed(heard_ms=60_000, fed_ms=21_000),
    events.ToolUsed("call_3", "book_slot", events.ToolFate.IN_DOUBT, 4_010),
    events.MessageRequested("call_4", "email", "The offer.", "sam@example.com"),
    CallerUnderstood(3, Mood.NEGATIVE, -0.63, 0.7, (ObjectionKind.PRICE,), ("too expensive",), "lexicon"),
    CallerAngry(5, -0.6),
    events.PersonJoined("p1", "Maria", new_id(), "listener"),
    events.PersonLeft("p1", "Maria", new_id(), "lost"),
    events.RoleChanged("p1", "Maria", new_id(), "barger"),
    events.WordPassed("agent", "p1", "Maria", new_id(), "left", "an offer by Friday"),
    events.CallHeld(held=True, name="Maria"),
    events.AgentInstructed("offer ten per cent", "Ines", spoken=True),
    events.MessageTaken(4_000, 9_000),
    LegPlaced(new_id(), Purpose.TRANSFER, "+12025550150", "rep:1", "Maria", new_id()),
    LegAccepted(new_id(), "CA2"),
    LegRinging(new_id()),
    LegAnswered(new_id()),
    LegArranged(new_id(), "consulting", "Maria"),
    LegMetered(new_id(), 20),
    LegEnded(new_id(), "hung_up", 31),
    QueueEntered(new_id(), "Sales"),
    RepRung(new_id(), "Ada", 1),
    RingOver(new_id(), "Ada", 1, "declined"),
    QueueLeft("answered", 12.5, new_id(), "Ada"),
]


def event(body: events.Body) -> events.Event:
    return events.Event(new_id(), new_id(), 1, 7, datetime.now(UTC), body)


@pytest.mark.parametrize("body", BODIES, ids=events.kind_of)
def test_each_kind_survives_the_wire(body: events.Body) -> None:
    sent = event(body)
    assert events.decode(events.encode(sent)) == sent


def test_every_kind_is_tested_here_and_has_a_name_of_its_own() -> None:
    kinds = {events.kind_of(body) for body in BODIES}
    assert {type(body) for body in BODIES} == set(events.Body.__args__)
    assert len(kinds) == len(BODIES)


def test_a_field_that_a_later_release_adds_is_ignored() -> None:
    raw = msgspec.msgpack.decode(events.encode(event(events.Metered(3))))
    raw["body"]["added_later"] = 1
    assert events.decode(msgspec.msgpack.encode(raw)).body == events.Metered(3)


@pytest.mark.parametrize("change", [{"seq": "x"}, {"body": {"type": "no.such"}}, {"org_id": "x"}, {"at": None}])
def test_an_altered_event_is_unreadable(change: dict[str, object]) -> None:
    raw = msgspec.msgpack.decode(events.encode(event(events.Metered(3)))) | change
    with pytest.raises(events.Unreadable):
        events.decode(msgspec.msgpack.encode(raw))


@given(st.binary(max_size=200))
def test_any_bytes_are_an_event_or_unreadable(raw: bytes) -> None:
    with contextlib.suppress(events.Unreadable):
        events.decode(raw)
