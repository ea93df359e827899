"""Further legs of a call in virtual time: the CRM, the carrier, and a table at which people ask for them."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from agent.ports import Minds
from agent.tools.port import DeskAway
from events.legs import LegAnswer, LegQuestion
from events.plan import CallPlan
from telephony.call import person_acts as acts
from telephony.call import signals as sig
from telephony.call.consult_leg import ConsultLeg
from telephony.call.emitter import utc_now
from telephony.call.legs import CallLegs, LegsPlace
from telephony.call.person_acts import Answer, Done, Person, PersonActs, PersonMissed, Refused
from telephony.call.tools import CallTools
from telephony.carrier_port import CallOrder
from telephony.permits import PermitRefused
from tests.telephony.call.people_stage import MARIA, Caller, play
from tests.telephony.call.test_tools import Transfers
from tests.telephony.test_transfer import PLAN

NUMBER = "+12025550150"
SID = "CA2"
FUNDED_S = 120


@dataclass
class Carrier:
    """Implements `Carrier`, as far as legs need it."""

    name: str = "fake"
    failure: Exception | None = None
    found: str = ""
    slow: asyncio.Event | None = None
    dialed: list[CallOrder] = field(default_factory=list)
    hung_up: list[str] = field(default_factory=list)

    async def dial(self, order: CallOrder) -> str:
        self.dialed.append(order)
        if self.slow is not None:
            await self.slow.wait()
        if self.failure is not None:
            raise self.failure
        return SID

    async def find(self, order: CallOrder, since: datetime) -> str | None:
        return self.found or None

    async def hang_up(self, carrier_call_id: str) -> None:
        self.hung_up.append(carrier_call_id)

    async def status(self, carrier_call_id: str) -> str:
        raise AssertionError

    async def put_through(self, carrier_call_id: str, transfer: object) -> None:
        raise AssertionError

    async def aclose(self) -> None: ...


@dataclass
class Lines:
    """The CRM, and permits; `slow` keeps the CRM's answer back until it is set. Implements `LegLines`."""

    refused: str = ""
    away: bool = False
    spent: bool = False
    slow: asyncio.Event | None = None
    carrier: Carrier = field(default_factory=lambda: Carrier())
    asked: list[LegQuestion] = field(default_factory=list)

    async def ask(self, question: LegQuestion) -> LegAnswer:
        self.asked.append(question)
        if self.slow is not None:
            await self.slow.wait()
        if self.away:
            raise DeskAway("crm_away", in_doubt=False)
        return LegAnswer(refused=self.refused) if self.refused else LegAnswer("sealed", question.number)

    async def order(self, token: str, plan: CallPlan, leg_id: UUID) -> CallOrder:
        if self.spent:
            raise PermitRefused("permit_spent")
        return CallOrder(NUMBER, plan.from_number, "", "", "", 30, FUNDED_S)


class Table:
    """A call's legs, with its signals handled as its task would; `signals` has those that are the session's."""

    def __init__(self, call: Caller, lines: Lines | None, transfers: Transfers, tasks: asyncio.TaskGroup) -> None:
        self.call = call
        self.lines = lines or Lines()
        self.signals: list[sig.CallSignal] = []
        minds = Minds(None, None, None, frozenset(), {})  # type: ignore[arg-type] # none of them is asked
        emit = call.talk.witness.emit
        asked_of_carrier: Any = transfers
        self.tools = CallTools(PLAN, minds, None, emit, lambda: 0.0, asked_of_carrier)
        now_s = asyncio.get_running_loop().time
        place = LegsPlace(
            call.talk.room,
            call.talk.conversation,
            call.ears,
            call.people,
            self.tools,
            emit,
            self._put,
            now_s,
            utc_now,
        )
        asked_of_crm: Any = lines
        self.legs = CallLegs(PLAN, place, asked_of_crm)
        self.legs.start(tasks)

    def _put(self, signal: sig.CallSignal) -> None:
        if isinstance(signal, sig.OfLeg):
            asyncio.get_running_loop().call_soon(self._take, signal)
        else:
            self.signals.append(signal)

    def _take(self, signal: sig.OfLeg) -> None:
        self.legs.take(signal, "CA1", connected=self.call.connected)

    def do(self, person: Person, act: acts.Act, *, sid: str = "CA1") -> list[Answer]:
        """Return where the answer will be."""
        answers: list[Answer] = []
        self.legs.take(PersonActs(person, act, answers.append), sid, connected=self.call.connected)
        return answers

    def leg(self) -> ConsultLeg | None:
        """The one that is dialled, or talked on."""
        for question in reversed(self.lines.asked):
            leg = self.legs.get(question.leg_id)
            if leg is not None:
                return leg
        return None

    def check(self) -> None:
        """Let what people's timers did have its consequences, as any signal of theirs does."""
        self.legs.take(PersonMissed("nobody", 0, 0), "CA1", connected=self.call.connected)

    async def settle(self) -> None:
        """Let what was begun come to its end."""
        for _ in range(10):
            await asyncio.sleep(0)


def code(answers: list[Answer]) -> str:
    (answer,) = answers
    return answer.code if isinstance(answer, Refused) else ""


def table(
    scene: Callable[[Table], Awaitable[None]], lines: Lines | None = None, transfers: Transfers | None = None
) -> Caller:
    """Play a scene in which Maria has taken the call over."""

    async def prepared(call: Caller) -> None:
        call.join(MARIA)
        assert isinstance(call.do(MARIA, acts.TakeOver()), Done)
        async with asyncio.TaskGroup() as tasks:
            await scene(Table(call, lines, transfers or Transfers(), tasks))

    return play(prepared)
