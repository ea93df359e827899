"""Handing a prospect over because the models were stopped: what the call asks of the CRM, and of the carrier."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from agent.ports import Minds
from agent.tools.port import DeskAway
from events import call as events
from events.tool import HAND_OVER, ToolAnswer, ToolName
from telephony.call.tools import PERMIT_GOOD_S, CallTools
from telephony.transfer import NotPutThrough
from tests.telephony.test_transfer import PLAN


@dataclass
class Desk:
    answer: ToolAnswer | DeskAway
    asked: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    async def ask(self, name: ToolName, tool_call_id: str, arguments: dict[str, Any]) -> ToolAnswer:
        self.asked.append((name.value, tool_call_id, arguments))
        if isinstance(self.answer, DeskAway):
            raise self.answer
        return self.answer


@dataclass
class Transfers:
    refuses: str = ""
    put: list[str] = field(default_factory=list)

    async def put_through(self, token: str, _plan: Any, _carrier_call_id: str) -> None:
        self.put.append(token)
        if self.refuses:
            raise NotPutThrough(self.refuses)


class Stage:
    def __init__(self, answer: ToolAnswer | DeskAway, *, people: bool = True, refuses: str = "") -> None:
        self.desk, self.transfers, self.now_s = Desk(answer), Transfers(refuses), 100.0
        self.told: list[events.Body] = []
        self.minds = Minds(None, None, None, frozenset(), {})  # type: ignore[arg-type] # none of them is asked
        plan = type(PLAN)(**{name: getattr(PLAN, name) for name in PLAN.__struct_fields__} | {"takes_over": people})
        desks = lambda _org, _call: self.desk  # noqa: E731
        transfers: Any = self.transfers
        self.tools = CallTools(plan, self.minds, desks, self.told.append, lambda: self.now_s, transfers)


async def test_a_granted_permit_is_what_the_prospect_is_put_through_with() -> None:
    stage = Stage(ToolAnswer({}, permit="sealed"))
    assert stage.minds.hand_over is not None
    assert stage.minds.toolbox is None, "the agent has no tools of its own"
    assert await stage.minds.hand_over()
    assert [(name, key) for name, key, _ in stage.desk.asked] == [("transfer_call", HAND_OVER)]
    assert await stage.tools.put_through(events.Outcome.TRANSFERRED, "CA1")
    assert (stage.transfers.put, stage.tools.handed_over, stage.told) == (["sealed"], True, [])


async def test_a_prospect_who_interrupts_needs_no_other_permit_while_it_is_good() -> None:
    stage = Stage(ToolAnswer({}, permit="sealed"))
    assert await stage.tools.hand_over()
    assert await stage.tools.hand_over()
    assert len(stage.desk.asked) == 1
    stage.now_s += PERMIT_GOOD_S
    assert await stage.tools.hand_over()
    assert len(stage.desk.asked) == 2


@pytest.mark.parametrize(
    "answer", [ToolAnswer({"refused": "nobody"}, refused=True), DeskAway("crm_away", in_doubt=False)]
)
async def test_refused_or_not_answered_nobody_is_put_through(answer: ToolAnswer | DeskAway) -> None:
    stage = Stage(answer)
    assert not await stage.tools.hand_over()
    assert not await stage.tools.put_through(events.Outcome.TRANSFERRED, "CA1")
    assert stage.transfers.put == []


async def test_a_carrier_that_does_not_take_it_leaves_a_call_back() -> None:
    stage = Stage(ToolAnswer({}, permit="sealed"), refuses="carrier_21220")
    assert await stage.tools.hand_over()
    assert not await stage.tools.put_through(events.Outcome.TRANSFERRED, "CA1")
    assert not stage.tools.handed_over
    assert stage.told == [events.FactNoted(events.FactKind.BROKEN_OFF, "transfer: carrier_21220")]


async def test_where_the_organisation_has_nobody_the_crm_is_not_asked() -> None:
    assert Stage(ToolAnswer({}), people=False).minds.hand_over is None
