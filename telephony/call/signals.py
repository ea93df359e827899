"""What can happen to a call, as put on its one bounded queue. Sans-I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from uuid import UUID

from agent.signals import Result
from events.call import AnsweredBy, State
from events.legs import LegAnswer
from events.plan import Prompt
from media.agent_voice import Line
from telephony.call.ending import EndsSoon
from telephony.call.person_acts import PersonActs, PersonMissed
from telephony.queues.news import QueueTold as QueueTold


@dataclass(frozen=True, slots=True)
class Accepted:
    carrier_call_id: str


@dataclass(frozen=True, slots=True)
class Refused:
    code: str


@dataclass(frozen=True, slots=True)
class InDoubt:
    """The carrier did not answer: the call may exist; a callback will tell, or nothing."""


@dataclass(frozen=True, slots=True)
class CarrierStatus:
    status: str  # the carrier's word: ringing, in-progress, completed, busy…
    carrier_call_id: str


@dataclass(frozen=True, slots=True)
class Answerer:
    answered_by: AnsweredBy
    waits_for_message: bool
    detail: str


@dataclass(frozen=True, slots=True)
class StreamOpened:
    line: Line


@dataclass(frozen=True, slots=True)
class StreamClosed:
    """`stopped`: the carrier said stop, so the phone call is over; otherwise the socket was lost.

    `line` is None for a stream that never started.
    """

    stopped: bool
    line: Line | None = None


@dataclass(frozen=True, slots=True)
class ConversationOver:
    result: Result


@dataclass(frozen=True, slots=True)
class GuardExpired:
    state: State


@dataclass(frozen=True, slots=True)
class FundsEnd:
    """`last_call`: time for a goodbye; otherwise the line ends now."""

    last_call: bool


@dataclass(frozen=True, slots=True)
class FundsChanged:
    """The call's credits last longer now, or less long: `funded_s` in all, from the answer on."""

    funded_s: int


@dataclass(frozen=True, slots=True)
class MeterDue:
    pass


@dataclass(frozen=True, slots=True)
class HangUpAsked:
    reason: str


@dataclass(frozen=True, slots=True)
class SayGoodbye:
    """The node stops soon: end the conversation with a goodbye, or give up what is not answered yet."""


@dataclass(frozen=True, slots=True)
class PromptChanged:
    """Another version of the agent's prompt is in force: it speaks from the next turn on."""

    prompt: Prompt
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class HandedOver:
    """The carrier has connected the prospect with somebody else: the call is over for us."""


@dataclass(frozen=True, slots=True)
class Decided:
    """Whether somebody else may be telephoned, as the CRM says."""

    answer: LegAnswer


class Due(Enum):
    """A leg's timers."""

    GUARD = auto()  # it has waited in its state for too long
    METER = auto()
    FUNDS = auto()


@dataclass(frozen=True, slots=True)
class KeyPressed:
    """On the prospect's telephone."""

    key: str


CarrierTold = Accepted | Refused | InDoubt | CarrierStatus | Answerer | StreamOpened | StreamClosed | KeyPressed
LegTold = Decided | Due | CarrierTold


@dataclass(frozen=True, slots=True)
class OfLeg:
    """Something about a further leg of the call, not the prospect's; `Refused` of a transfer too."""

    leg: UUID
    told: LegTold


CallSignal = (
    Accepted
    | Refused
    | InDoubt
    | CarrierStatus
    | Answerer
    | StreamOpened
    | StreamClosed
    | ConversationOver
    | GuardExpired
    | FundsEnd
    | FundsChanged
    | EndsSoon
    | MeterDue
    | HangUpAsked
    | SayGoodbye
    | PromptChanged
    | HandedOver
    | KeyPressed
    | PersonActs
    | QueueTold
    | PersonMissed
    | OfLeg
)
