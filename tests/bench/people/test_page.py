"""A page of the bench against a server that says what nodes say: answers, refusals, sound, and the end."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from websockets.asyncio.server import ServerConnection, serve

from bench.people import page as page_module
from bench.people.page import Live, Page, PageFailed, new_ticket
from bench.server_process import Server
from events.ids import new_id
from events.ticket import Seat, unseal

KEY = "k" * 32
LIVE = Live("/n/bench/people", KEY, new_id(), {"call-1": new_id()})


@asynccontextmanager
async def node(answers: dict[str, list[dict[str, Any]]]) -> AsyncGenerator[tuple[Server, list[dict[str, Any]]]]:
    """Answer each command as told; the number of the command is added. Gives what was asked, too."""
    asked: list[dict[str, Any]] = []

    async def answer(socket: ServerConnection) -> None:
        async for raw in socket:
            assert isinstance(raw, bytes)
            command = msgspec.msgpack.decode(raw)
            asked.append(command)
            for message in answers[command["do"]]:
                await socket.send(msgspec.msgpack.encode({"id": command["id"]} | message))

    async with serve(answer, "127.0.0.1", 0, compression=None) as server:
        number = next(iter(server.sockets)).getsockname()[1]
        yield Server(1, f"ws://127.0.0.1:{number}/stream"), asked


async def test_a_page_comes_by_a_ticket_and_hears() -> None:
    sound = {"say": "sound", "prospect": b"", "ours": b""}
    answers: dict[str, list[dict[str, Any]]] = {
        "come": [{"say": "welcome", "person": "x"}],
        "listen": [
            {"say": "ok"},
            {"say": "levels?"},
            sound | {"n": 5},
            sound | {"n": 6, "ours": b"\x01"},
            sound | {"n": 9},
            {"say": "ok", "id": 99},
        ],
        "connect": [{"say": "ok", "data": {"sdp": "answer"}}, {"say": "connected"}],
    }
    async with node(answers) as (server, asked), asyncio.timeout(10):
        page = Page()
        await page.come(server, LIVE, "call-1", Seat.SUPERVISOR)
        ticket = unseal(asked[0]["ticket"], KEY, 0)
        assert (ticket.call_id, ticket.org_id, ticket.seat) == (LIVE.calls["call-1"], LIVE.org_id, Seat.SUPERVISOR)
        await page.ask("listen", on=True)
        await page.sounded
        connected: list[str] = []

        async def connect(answer: str) -> None:
            connected.append(answer)

        await page.join(connect, "offer")
        assert connected == ["answer"]
        assert asked[-1]["sdp"] == "offer"
        assert (page.frames, page.missing) == (3, 2)
        page.close()


async def test_a_refusal_has_its_words_and_an_end_leaves_nobody_waiting() -> None:
    answers = {
        "come": [{"say": "welcome"}],
        "take_over": [{"say": "refused", "code": "taken", "sentence": "Bob has it."}],
        "hold": [{"say": "over", "code": "call_over", "sentence": "The call is over."}],
    }
    async with node(answers) as (server, _), asyncio.timeout(10):
        page = Page()
        await page.come(server, LIVE, "call-1", Seat.REP)
        with pytest.raises(PageFailed, match="take_over: taken: Bob has it"):
            await page.ask("take_over")
        with pytest.raises(PageFailed, match="hold: call_over"):
            await page.ask("hold", on=True)
        page.close()


async def test_who_gets_no_answer_says_to_what(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_module, "ANSWER_TIMEOUT_S", 0.05)
    async with node({"come": [{"say": "welcome"}], "listen": []}) as (server, _), asyncio.timeout(10):
        page = Page()
        await page.come(server, LIVE, "call-1", Seat.SUPERVISOR)
        with pytest.raises(PageFailed, match="listen: no answer"):
            await page.ask("listen", on=True)
        page.close()


def test_each_ticket_is_another_person_s() -> None:
    tickets = [unseal(new_ticket(LIVE, new_id(), Seat.REP, 1_000), KEY, 1_001) for _ in range(2)]
    assert tickets[0].user_id != tickets[1].user_id
    assert tickets[0].id != tickets[1].id
