"""A carrier's API that answers at once, and calls that come by themselves: what the bench's server dials into.

No phone network stands behind it. A call begins when a stream sends its `start`; hanging up reports the call as
completed in the same moment, as a carrier's last callback would.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import UUID

from events.ids import new_id
from events.plan import Agent, CallPlan, Prospect, RecordWhen
from media.agent_voice import Line
from media.room import Room
from telephony.call import signals as sig
from telephony.call.session import CallSession
from telephony.carrier_port import CallOrder, CarrierRefused, Transfer

FUNDED_S: Final = 4 * 3_600  # longer than any measurement
_NUMBER: Final = "+12025550199"  # fictional, and never dialled


class LoopbackCarrier:
    """Implements `telephony.carrier_port.Carrier`. The call's id travels in the order's voice URL."""

    name = "bench"

    def __init__(self, find: Callable[[UUID], CallSession | None]) -> None:
        self._find = find

    async def dial(self, order: CallOrder) -> str:
        return order.voice_url

    async def find(self, order: CallOrder, since: datetime) -> str | None:
        return order.voice_url

    async def status(self, carrier_call_id: str) -> str:
        return "completed" if self._find(UUID(carrier_call_id)) is None else "in-progress"

    async def put_through(self, carrier_call_id: str, transfer: Transfer) -> None:
        raise CarrierRefused("no_transfers")

    async def hang_up(self, carrier_call_id: str) -> None:
        call = self._find(UUID(carrier_call_id))
        if call is not None:
            call.put(sig.CarrierStatus("completed", carrier_call_id))

    async def aclose(self) -> None:
        """Nothing is held."""


def new_plan(org_id: UUID) -> CallPlan:
    """Return the plan of a call that is recorded from its first sample."""
    return CallPlan(
        org_id=org_id,
        call_id=new_id(),
        org_name="Bench",
        agent=Agent(new_id(), "Alex"),
        prospect=Prospect(new_id()),
        from_number=_NUMBER,
        playbook={},
        record=RecordWhen.ALWAYS,
        max_duration_s=FUNDED_S,
    )


def new_order(plan: CallPlan) -> CallOrder:
    """Return the order of a call; the loopback carrier reads its id from the URLs."""
    url = str(plan.call_id)
    return CallOrder(_NUMBER, plan.from_number, url, url, url, plan.ring_timeout_s, FUNDED_S)


class ArrivingCall:
    """What a stream talks to before its call exists: the call is made when the stream says `start`."""

    def __init__(self, make: Callable[[], CallSession]) -> None:
        self._make = make
        self._session: CallSession | None = None

    @property
    def began(self) -> bool:
        return self._session is not None

    @property
    def room(self) -> Room:
        assert self._session is not None, "audio is handed on after `start` only"
        return self._session.room

    def take_stream(self, line: Line) -> bool:
        self._session = self._session or self._make()
        return self._session.take_stream(line)

    def put(self, signal: sig.CallSignal) -> None:
        if self._session is not None:
            self._session.put(signal)
