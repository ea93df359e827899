"""Commands and replies on the wire, and the names they meet under."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events import command, plan, wire
from events.ids import new_id


def test_a_dial_survives_the_wire() -> None:
    org, call = new_id(), new_id()
    order = command.Command(
        new_id(),
        1_800_000_000.5,
        command.Dial(
            "token",
            plan.CallPlan(
                org,
                call,
                "Northwind Energy",
                plan.Agent(new_id(), "Alex"),
                plan.Prospect(new_id(), "Sam"),
                "+12025550100",
                {"name": "x", "nested": [1, {"a": None}]},
            ),
        ),
    )
    assert command.decode_command(command.encode(order)) == order


def test_a_reply_is_no_command() -> None:
    raw = command.encode(command.Reply(new_id(), accepted=True, state="dialing"))
    assert command.decode_reply(raw).accepted
    with pytest.raises(command.Unreadable):
        command.decode_command(raw)


@given(st.binary(max_size=100))
def test_any_bytes_are_a_command_or_unreadable(raw: bytes) -> None:
    with contextlib.suppress(command.Unreadable):
        command.decode_command(raw)
    with contextlib.suppress(command.Unreadable):
        command.decode_reply(raw)


def test_a_call_has_one_stream_and_all_streams_are_used() -> None:
    calls = [new_id() for _ in range(2_000)]
    assert {wire.event_stream(call) for call in calls} == set(wire.all_event_streams())
    assert all(wire.event_stream(call) == wire.event_stream(call) for call in calls)
