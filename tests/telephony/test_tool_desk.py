"""The CRM asked for tools: one answer for one key, and what each failure means."""

import json
from collections.abc import Callable

import httpx
import pytest

from agent.tools.port import DeskAway
from events.ids import new_id
from events.tool import PATH_PREFIX, ToolAnswer, ToolName
from telephony.tool_desk import TRIES, ToolDesk

ANSWER = ToolAnswer({"booked": True})
GOOD = httpx.Response(200, json={"result": {"booked": True}, "refused": False})
Step = httpx.Response | Exception


class Crm:
    """Answers one step after another, the last one for ever."""

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.asked: list[tuple[str, dict[str, object]]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((request.url.path, json.loads(request.content)))
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        if isinstance(step, Exception):
            raise step
        return step


async def ask(crm: Callable[[httpx.Request], httpx.Response]) -> ToolAnswer:
    async with httpx.AsyncClient(transport=httpx.MockTransport(crm), base_url="http://crm.test") as client:
        return await ToolDesk(client, new_id(), new_id()).ask(ToolName.BOOK_SLOT, "call_3", {"starts_at": "x"})


async def test_the_answer_of_a_good_request() -> None:
    crm = Crm(GOOD)
    assert await ask(crm) == ANSWER
    [(path, body)] = crm.asked
    assert path == f"{PATH_PREFIX}book_slot"
    assert (body["tool_call_id"], body["arguments"]) == ("call_3", {"starts_at": "x"})


@pytest.mark.parametrize(
    "first",
    [
        httpx.ReadTimeout("slow"),
        httpx.ConnectError("refused"),
        httpx.RemoteProtocolError("cut"),
        httpx.Response(503),
        httpx.Response(200, content=b"<html>"),
    ],
    ids=str,
)
async def test_one_failure_is_asked_over_under_the_same_key(first: Step) -> None:
    crm = Crm(first, GOOD)
    assert await ask(crm) == ANSWER
    assert crm.asked[0] == crm.asked[1]


@pytest.mark.parametrize(
    ("steps", "in_doubt", "tries"),
    [
        ([httpx.ConnectError("refused")], False, TRIES),
        ([httpx.ReadTimeout("slow")], True, TRIES),
        ([httpx.ReadTimeout("slow"), httpx.ConnectError("refused")], True, TRIES),
        ([httpx.Response(500)], True, TRIES),
        ([httpx.Response(200, content=b"{}")], True, TRIES),
        ([httpx.Response(409)], False, 1),
        ([httpx.Response(401)], False, 1),
    ],
)
async def test_what_a_failure_leaves_open(steps: list[Step], in_doubt: bool, tries: int) -> None:
    crm = Crm(*steps)
    with pytest.raises(DeskAway) as caught:
        await ask(crm)
    assert caught.value.in_doubt is in_doubt
    assert len(crm.asked) == tries
