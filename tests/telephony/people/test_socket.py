"""One page's socket: what is too slow, too many, too late or none at all ends that socket, and nobody else's."""

import asyncio
from typing import Any, cast

import msgspec
import pytest
import redis.asyncio as redis
from fastapi import WebSocketDisconnect

from telephony.call.person_acts import Join, Lost
from telephony.people import messages, page_socket, socket
from telephony.people.commands import VERBS
from telephony.people.pace import COMMANDS_AT_ONCE
from telephony.people.page_socket import REFUSED_IN_A_ROW_MAX
from telephony.people.presence import LiveCall, Presence, Presences
from telephony.people.socket import STRANGERS_MAX, Door, people_routes
from telephony.softphone.leg import Exchange
from tests.telephony.people.test_presence import FakeCall, FakePage, ticket


class Wire:
    """A websocket whose page has said some messages, and then waits, or goes."""

    def __init__(self, *said: bytes, goes: bool = False, origin: str = "") -> None:
        self.headers = {"origin": origin} if origin else {}
        self.got: list[dict[str, Any]] = []
        self.closed = 0
        self.accepted = False
        self.stuck = False
        self._said = list(said)
        self._goes = goes

    async def accept(self) -> None:
        self.accepted = True

    async def receive(self) -> dict[str, Any]:
        if self._said:
            return {"type": "websocket.receive", "bytes": self._said.pop(0)}
        if not self._goes:
            await asyncio.Event().wait()
        return {"type": "websocket.disconnect", "code": 1001}

    async def send_bytes(self, message: bytes) -> None:
        if self.stuck:
            await asyncio.Event().wait()
        self.got.append(msgspec.msgpack.decode(message))

    async def close(self, code: int = 1000, reason: str = "") -> None:
        self.closed = code

    def said(self, kind: str) -> list[str]:
        return [message.get("code", "") for message in self.got if message["say"] == kind]


class House:
    """A node with one call, and a person who may come back to it."""

    def __init__(self) -> None:
        self.call = FakeCall()
        self.timers: list[Any] = []
        presences = Presences(lambda _delay_s, work: self.timers.append(work))
        exchange = cast(Exchange, None)  # nobody connects by sound here
        self.door = Door("key", redis.Redis(), lambda _: None, presences, exchange, VERBS, frozenset({"https://ours"}))
        self.presence: Presence = presences.enter(ticket(self.call), cast(LiveCall, self.call))
        self.presence.opened(FakePage())

    def back(self) -> bytes:
        return message("return", rejoin=self.presence.rejoin)

    async def serve(self, wire: Wire) -> None:
        (route,) = people_routes("node", lambda: self.door).routes
        async with asyncio.timeout(10):
            await route.endpoint(wire)  # type: ignore[attr-defined]  # a websocket's route has one


def message(do: str, number: int = 1, **fields: Any) -> bytes:
    return msgspec.msgpack.encode({"do": do, "id": number, **fields})


async def test_who_comes_back_is_welcomed_and_missed_when_gone() -> None:
    house = House()
    wire = Wire(house.back(), message("ping", 2), goes=True)
    await house.serve(wire)
    assert [one["say"] for one in wire.got] == ["welcome", "ok"]
    assert house.call.acts == [Join(), Lost()]
    assert house.door.figures.pages == 0


async def test_a_flood_is_refused_and_then_over() -> None:
    house = House()
    flood = [message("ping", number) for number in range(2, 400)]
    wire = Wire(house.back(), *flood)
    await house.serve(wire)
    assert COMMANDS_AT_ONCE <= wire.said("ok").count("") <= COMMANDS_AT_ONCE + 20
    assert 0 < wire.said("refused").count("too_fast") <= REFUSED_IN_A_ROW_MAX
    assert wire.said("over") == ["too_fast"]
    assert wire.closed == page_socket.CLOSED


async def test_a_page_that_says_nothing_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "SILENT_S", 0.02)
    house = House()
    wire = Wire(house.back())
    await house.serve(wire)
    assert wire.said("over") == ["silent"]


@pytest.mark.parametrize("garbage", [b"", b"\xc1", b"x" * (messages.MESSAGE_BYTES_MAX + 1)])
async def test_garbage_is_over(garbage: bytes) -> None:
    house = House()
    wire = Wire(house.back(), garbage)
    await house.serve(wire)
    assert wire.said("over") == ["bad_message"]


async def test_a_page_that_takes_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_socket, "SEND_TIMEOUT_S", 0.02)
    house = House()
    wire = Wire(house.back())
    wire.stuck = True
    await house.serve(wire)
    assert (wire.got, house.call.acts) == ([], [Join(), Lost()])


async def test_what_has_no_room_ends_the_page_that_is_too_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_socket, "SEND_TIMEOUT_S", 0.05)
    house = House()
    wire = Wire(house.back())
    wire.stuck = True
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(house.serve(wire))
        for _ in range(50):  # until they are in, and wait for their next command
            await asyncio.sleep(0)
        assert house.call.acts == [Join()]
        for _ in range(300):
            house.presence.tell(messages.Trouble("news", on=True))
        for _ in range(300):
            house.presence.feed(b"sound")
    assert serving.done()
    assert house.door.figures.shed == 250, "of a feed the newest are kept"


async def test_who_shows_nothing_does_not_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "FIRST_MESSAGE_S", 0.02)
    house = House()
    wire = Wire()
    await house.serve(wire)
    assert (wire.accepted, wire.got, len(house.door.strangers)) == (True, [], 0)
    gone = Wire(goes=True)
    with pytest.raises(WebSocketDisconnect):
        await page_socket.receive(cast(Any, gone))
    await house.serve(gone)
    assert gone.got == []


async def test_strangers_are_bounded_and_their_origin_is_looked_at() -> None:
    house = House()
    crowd = [cast(Any, Wire()) for _ in range(STRANGERS_MAX)]
    evil = Wire(house.back(), origin="https://evil")
    await house.serve(evil)
    house.door.strangers.update(crowd)
    late = Wire(house.back(), origin="https://ours")
    await house.serve(late)
    assert (evil.accepted, late.accepted) == (False, False)
    assert house.door.figures.refused == {"origin": 1, "too_many": 1}


async def test_a_call_that_refuses_is_told_to_who_came() -> None:
    house = House()
    house.call.answer = None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("telephony.people.presence.ACT_TIMEOUT_S", 0.02)
        wire = Wire(house.back())
        await house.serve(wire)
    assert wire.said("refused") == ["call_over"]
    assert wire.closed == socket.UNWELCOME
    assert not house.presence.present
