"""The live state of calls: told as it happens, and from any number on to who comes later or again."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from events import call as events
from telephony.supervisor.live import KEPT_MAX, Live

ORG, CALL = UUID(int=1), UUID(int=2)
AT = datetime(2026, 1, 5, 9, tzinfo=UTC)


def event(seq: int, body: events.Body) -> events.Event:
    return events.Event(ORG, CALL, 1, seq, AT, body)


def turn(seq: int) -> events.Event:
    return event(seq, events.TurnFinished(seq, events.Speaker.CALLER, f"word {seq}", f"word {seq}", 0, 100))


def read(got: list[bytes]) -> list[dict[str, Any]]:
    return [msgspec.msgpack.decode(message) for message in got]


def test_a_message_holds_the_event_as_it_is() -> None:
    live, got = Live(), list[bytes]()
    live.note(event(1, events.Answered()))
    assert live.follow(CALL, "s1", got.append)
    live.note(event(2, events.LegQuality("prospect", stable=False, jitter_ms=220, loss=0.02)))
    assert read(got) == [
        {"say": "live", "seq": 1, "kind": "call.answered", "at": AT.isoformat()},
        {
            "say": "live",
            "seq": 2,
            "kind": "leg.quality",
            "at": AT.isoformat(),
            "leg": "prospect",
            "stable": False,
            "jitter_ms": 220,
            "loss": 0.02,
        },
    ]


def test_who_comes_again_gets_what_was_missed_and_nothing_twice() -> None:
    live, got = Live(), list[bytes]()
    for seq in range(1, 6):
        live.note(turn(seq))
    live.follow(CALL, "s1", got.append, after=3)
    live.note(turn(6))
    live.unfollow(CALL, "s1")
    live.note(turn(7))
    live.follow(CALL, "s1", got.append, after=6)
    assert [message["seq"] for message in read(got)] == [4, 5, 6, 7]


def test_of_a_long_call_the_oldest_is_gone_and_that_is_said() -> None:
    live, got = Live(), list[bytes]()
    for seq in range(1, KEPT_MAX + 11):
        live.note(turn(seq))
    live.follow(CALL, "s1", got.append, after=4)
    first, second, *_ = read(got)
    assert (first["kind"], first["seq"]) == ("gap", 10)
    assert second["seq"] == 11
    got.clear()
    live.follow(CALL, "s1", got.append, after=10)
    assert read(got)[0]["seq"] == 11, "nothing is missing from there on"


def test_money_and_keys_are_nobodys_to_follow() -> None:
    live, got = Live(), list[bytes]()
    live.note(event(1, events.Answered()))
    live.follow(CALL, "s1", got.append)
    got.clear()
    left_out: list[events.Body] = [
        events.Metered(3),
        events.ModelUsed("openai:m", "spoken", ""),
        events.RecordingStored("s3://x", "k", 2, 1.0, 1, "0"),
        events.CarrierAccepted("box", "CA1"),
    ]
    for seq, body in enumerate(left_out, 2):
        live.note(event(seq, body))
    assert got == []


def test_who_may_not_know_of_listeners_is_told_of_neither_them_nor_whispers() -> None:
    live, rep, supervisor = Live(), list[bytes](), list[bytes]()
    live.note(event(1, events.PersonJoined("p", "Ines", UUID(int=3), "listener")))
    live.follow(CALL, "rep", rep.append, sees_all=False)
    live.follow(CALL, "supervisor", supervisor.append)
    live.note(event(2, events.AgentInstructed("offer ten per cent", "Ines")))
    live.note(event(3, events.RoleChanged("p", "Ines", UUID(int=3), "barger")))
    assert [message["seq"] for message in read(rep)] == [3]
    assert [message["seq"] for message in read(supervisor)] == [1, 2, 3]


def test_a_call_that_is_over_is_forgotten_and_not_followed() -> None:
    live, got = Live(), list[bytes]()
    assert not live.follow(CALL, "s1", got.append)
    live.note(event(1, events.Answered()))
    live.follow(CALL, "s1", got.append)
    live.note(event(2, events.Closed()))
    assert read(got)[-1]["kind"] == "call.closed"
    assert not live.follow(CALL, "s1", got.append)
    live.unfollow(CALL, "s1")


def test_the_organisations_stream_gets_all_but_who_listens() -> None:
    published: list[tuple[UUID, bytes]] = []

    class Stream:
        def publish(self, org_id: UUID, packed: bytes) -> None:
            published.append((org_id, packed))

        def follow(self, name: str, org_id: UUID, after: str, tell: Callable[[bytes], None]) -> None: ...

        def unfollow(self, name: str) -> None: ...

    live = Live(Stream())
    live.note(event(1, events.PersonJoined("p", "Ines", UUID(int=3), "listener")))
    live.note(event(2, events.Answered()))
    ((org_id, packed),) = published
    assert org_id == ORG
    assert msgspec.msgpack.decode(packed)["call"] == str(CALL)
