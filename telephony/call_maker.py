"""Makes the calls of this node, whoever rang whom: warm minds first, then the session, then its task."""

from dataclasses import dataclass, field

import structlog

from agent import report
from agent.llm.port import Failure
from agent.llm.usage import ModelCall
from agent.minds import BadPlan, MindMaker, MindsUnavailable
from agent.ports import Minds
from agent.stt.port import TurnSign
from events.call import KeyRefused
from events.plan import CallPlan
from telephony.call.services import Services
from telephony.call.session import CallSession
from telephony.calls import Calls
from telephony.carrier_port import CallOrder, Incoming

log = structlog.get_logger()


class NotPrepared(Exception):
    """The call cannot be held here now; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(slots=True)
class Prepared:
    """A call whose minds are open. It is started or closed, by whoever asked for it."""

    plan: CallPlan
    calls: Calls
    services: Services
    minds: Minds | None = None
    session: CallSession | None = None
    refused: list[str] = field(default_factory=list)  # vendors, each told of once

    def start(self, funded_s: int, order: CallOrder | Incoming) -> CallSession:
        """Let the call live. `funded_s`: seconds from the answer on that are paid for."""
        assert self.minds is not None
        session = self.session = CallSession(self.plan, funded_s, order, self.minds, self.services)
        session.place()
        for vendor in self.refused:  # while it was opened
            session.emit(KeyRefused(vendor))
        self.calls.start(session)
        return session

    async def aclose(self) -> None:
        """There will be no call."""
        if self.minds is not None:
            await self.minds.aclose()

    # What the minds tell, of a call that may not exist yet: its words are nobody's then.

    def on_partial(self, text: str) -> None:
        if self.session is not None:
            self.session.conversation.ears.on_partial(text)

    def on_model(self, call: ModelCall) -> None:
        if self.session is not None:
            self.session.emit(report.model_used(call))

    def on_turn(self, sign: TurnSign) -> None:
        if self.session is not None:
            self.session.conversation.ears.on_turn_sign(sign)

    def on_key_failed(self, vendor: str, failure: Failure) -> None:
        if failure is Failure.REFUSED_KEY and vendor not in self.refused:
            self.refused.append(vendor)
            if self.session is not None:
                self.session.emit(KeyRefused(vendor))


@dataclass(frozen=True, slots=True)
class CallMaker:
    calls: Calls
    services: Services
    minds: MindMaker

    async def prepare(self, plan: CallPlan) -> Prepared:
        """Open what the call hears, thinks and speaks with.

        Raises:
            NotPrepared: nothing is held.
        """
        prepared = Prepared(plan, self.calls, self.services)
        try:
            prepared.minds = await self.minds.make(
                plan, prepared.on_partial, prepared.on_model, prepared.on_turn, prepared.on_key_failed
            )
        except BadPlan as error:
            log.error("call.bad_plan", reason=str(error))
            raise NotPrepared("bad_plan") from None
        except MindsUnavailable as error:
            log.error("call.minds_away", code=error.code, reason=str(error))
            raise NotPrepared(error.code) from None
        return prepared
