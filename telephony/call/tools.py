"""The tools of one call: its box, the task that works it, and the wait for what is under way at the call's end."""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from agent.ports import Minds
from agent.tools.port import DeskAway
from agent.tools.rounds import SPOKEN
from agent.tools.toolbox import Toolbox
from events import call as events
from events.permit import LIFETIME_S
from events.plan import CallPlan
from events.tool import HAND_OVER, ToolName
from telephony.tool_desk import TIMEOUT_S, TRIES, Desks
from telephony.transfer import NotPutThrough, Transfers

log = structlog.get_logger()

HAND_OVER_REASON: Final = "the language models were stopped"  # in the CRM's task, for people
PERMIT_GOOD_S: Final = LIFETIME_S - 20.0  # what is left is for the words that are said before, and the carrier
# What was asked of the CRM has its answer by then, or will have none.
FINISH_TIMEOUT_S: Final = TRIES * TIMEOUT_S + 1.0


class CallTools:
    """Gives the minds their toolbox, where the plan has more than what the conversation itself sees to."""

    def __init__(
        self,
        plan: CallPlan,
        minds: Minds,
        desks: Desks | None,
        emit: Callable[[events.Body], None],
        now_s: Callable[[], float],
        transfers: Transfers | None = None,
    ) -> None:
        self._plan = plan
        self._emit = emit
        self._transfers = transfers
        self.handed_over = False  # the call goes on at the carrier, without us
        self._now_s = now_s
        self._desk = desks(plan.org_id, plan.call_id) if desks is not None else None
        self._permit = ""  # to hand the prospect over because the models were stopped
        self._permit_until_s = 0.0
        self._handing: asyncio.Event | None = None  # a person has it done: set when the carrier has answered
        self._box: Toolbox | None = None
        if self._desk is not None and not set(plan.tools) <= SPOKEN:
            self._box = Toolbox(self._desk, plan.tools, emit, now_s)
        minds.toolbox = self._box
        if self._desk is not None and transfers is not None and plan.takes_over:
            minds.hand_over = self.hand_over

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Begin to work, in the call's group."""
        if self._box is not None:
            tasks.create_task(self._box.run(), name="call.tools")

    async def hand_over(self) -> bool:
        """Ask the CRM to have a person take the prospect, whatever tools the agent has; False when nobody does."""
        if self._desk is None:
            return False
        if self._permit and self._now_s() < self._permit_until_s:
            return True  # they had interrupted
        try:
            answer = await self._desk.ask(ToolName.TRANSFER_CALL, HAND_OVER, {"reason": HAND_OVER_REASON})
        except DeskAway as error:
            log.warning("hand_over.desk_away", reason=error.reason)
            return False
        self._permit, self._permit_until_s = answer.permit, self._now_s() + PERMIT_GOOD_S
        return bool(answer.permit)

    async def hand_to(self, permit: str, carrier_call_id: str) -> None:
        """Hand the prospect over now, because a person in the call has asked for it.

        Raises:
            NotPutThrough: they are with us as before.
        """
        if self._transfers is None:
            raise NotPutThrough("not_here")
        self._handing = asyncio.Event()
        try:
            await self._transfers.put_through(permit, self._plan, carrier_call_id)
            self.handed_over = True
        finally:
            self._handing.set()

    async def put_through(self, outcome: events.Outcome, carrier_call_id: str) -> bool:
        """Hand the prospect over, where that was granted and said; False when the call is to be hung up."""
        if self._handing is not None:
            # Our stream ends as soon as the carrier has done it, which may be before it has said so.
            await self._handing.wait()
            return self.handed_over
        permit = self._permit or (self._box.permit if self._box is not None else "")
        if outcome is not events.Outcome.TRANSFERRED or not permit or self._transfers is None:
            return False
        try:
            await self._transfers.put_through(permit, self._plan, carrier_call_id)
        except NotPutThrough as error:
            log.warning("transfer.failed", reason=error.reason)
            self._emit(events.FactNoted(events.FactKind.BROKEN_OFF, f"transfer: {error.reason}"))
            return False
        self.handed_over = True
        return True

    async def finish(self) -> None:
        """Let what is under way come to its end; the call is over."""
        if self._box is None:
            return
        try:
            async with asyncio.timeout(FINISH_TIMEOUT_S):
                await self._box.finish()
        except TimeoutError:
            log.warning("tools.unfinished")
