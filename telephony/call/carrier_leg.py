"""One call towards the carrier's API: dial once, ask, hang up. Every answer becomes a signal on the call's queue."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from telephony.call import signals as sig
from telephony.carrier_port import CallOrder, Carrier, CarrierInDoubt, CarrierRefused, Incoming

log = structlog.get_logger()

DOUBT_WAIT_S: Final = 1.5
HANG_UP_TRIES: Final = 3
HANG_UP_AGAIN_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class CarrierLeg:
    carrier: Carrier
    order: CallOrder | Incoming
    put: Callable[[sig.CarrierTold], None]
    wall: Callable[[], datetime]

    async def dial(self) -> None:
        """Place the call. In doubt it is never placed again: looked for, then waited for, then unknown.

        One that comes in is there already.
        """
        if isinstance(self.order, Incoming):
            self.put(sig.Accepted(self.order.carrier_call_id))
            return
        started = self.wall()
        try:
            self.put(sig.Accepted(await self.carrier.dial(self.order)))
        except CarrierRefused as error:
            self.put(sig.Refused(error.code))
        except CarrierInDoubt as error:
            log.warning("dial.in_doubt", reason=str(error))
            await asyncio.sleep(DOUBT_WAIT_S)
            try:
                found = await self.carrier.find(self.order, started)
            except CarrierInDoubt:
                found = None
            self.put(sig.Accepted(found) if found else sig.InDoubt())

    async def ask(self, carrier_call_id: str) -> None:
        """Ask how the call stands: a callback may have been lost."""
        try:
            status = await self.carrier.status(carrier_call_id)
        except CarrierInDoubt as error:
            log.warning("call.carrier_silent", reason=str(error))
        else:
            self.put(sig.CarrierStatus(status, carrier_call_id))

    async def hang_up(self, carrier_call_id: str) -> bool:
        """End the call; the carrier's last callback, or the guard, ends ours. False when it could not be told."""
        for attempt in range(HANG_UP_TRIES):
            if not carrier_call_id:
                return False
            try:
                await self.carrier.hang_up(carrier_call_id)
                return True
            except CarrierInDoubt as error:
                log.warning("hang_up.in_doubt", reason=str(error), attempt=attempt)
                await asyncio.sleep(HANG_UP_AGAIN_S)
        return False
