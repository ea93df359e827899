"""A second telephone in a call: dialled once, guarded while it waits, metered while it lasts, hung up however it ends.

It carries its sound to and from the room as a party; who it may talk with is consulting.py's. What happens to it comes
as signals on the call's queue, so all of this is plain calls but `live`, which asks the carrier.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import structlog

from events import call as events
from events.leg_events import LegAccepted, LegAnswered, LegEnded, LegMetered, LegRinging
from media.agent_voice import Line
from media.codec import g711
from media.codec.g711 import Samples
from media.far_pace import FarPace
from media.frame import FRAME_MS, RATE_HZ
from media.party import Party
from telephony.call import signals as sig
from telephony.call.carrier_leg import CarrierLeg
from telephony.call.funding import METER_EVERY_S
from telephony.call.talk_time import TalkTime
from telephony.call.timers import Timers
from telephony.carrier_port import CallOrder, Carrier, CarrierInDoubt

log = structlog.get_logger()


class LegState(StrEnum):
    DIALING = "dialing"
    RINGING = "ringing"
    ANSWERED = "answered"  # picked up; its sound is not there yet
    TALKING = "talking"
    ENDED = "ended"


# How long it may wait in a state without an event; RINGING counts from the end of the ring's own time-out.
GUARD_S: Final[Mapping[LegState, float]] = {
    LegState.DIALING: 25.0,
    LegState.RINGING: 10.0,
    LegState.ANSWERED: 10.0,
}
GUARD_REASONS: Final[Mapping[LegState, str]] = {
    LegState.DIALING: "carrier_silent",
    LegState.RINGING: "no_answer",
    LegState.ANSWERED: "no_sound",
}
ENDED_BY_STATUS: Final[Mapping[str, str]] = {
    "completed": "hung_up",
    "busy": "busy",
    "no-answer": "no_answer",
    "failed": "failed",
    "canceled": "no_answer",
}


class ConsultLeg:
    """One leg. Implements `StreamCall` for its stream, and `Outlet` for the room."""

    rate_hz = RATE_HZ

    def __init__(
        self,
        leg_id: UUID,
        number: str,
        emit: Callable[[events.Body], None],
        put: Callable[[sig.CallSignal], None],
        now_s: Callable[[], float],
    ) -> None:
        self.id = leg_id
        self.number = number
        self.state = LegState.DIALING
        self.party: Party | None = None
        self.dropped = 0  # frames that came too late for the far end
        self._emit = emit
        self._put = put
        self._now_s = now_s
        self._timers = Timers(put)
        self._talk = TalkTime(now_s)
        self._funded_s = 0
        self._ring_s = 0
        self._sid = ""
        self._named = False  # and everybody was told
        self._line: Line | None = None
        self._pace = FarPace()
        self._ended = asyncio.Event()
        self._carrier: CarrierLeg | None = None
        self._over_there = False  # the carrier knows of no such call any more
        self._in_doubt = False

    # Its task

    async def live(self, carrier: Carrier, order: CallOrder, wall: Callable[[], datetime]) -> None:
        """Dial, wait for the end, and hang up."""
        self._funded_s, self._ring_s = order.time_limit_s, order.ring_timeout_s
        self._carrier = CarrierLeg(carrier, order, self._dialled, wall)
        self._wait()
        began = wall()
        await self._carrier.dial()
        await self._ended.wait()
        if not self._sid and self._in_doubt:
            await self._look_for_it(carrier, order, began)
        await self.hang_up()

    def _dialled(self, told: sig.CarrierTold) -> None:
        """Know it at once: a call that is over reads its queue no more, and the leg is to be hung up all the same."""
        if isinstance(told, sig.Accepted):
            self._sid = self._sid or told.carrier_call_id
        self._in_doubt = isinstance(told, sig.InDoubt)
        self.put(told)

    async def hang_up(self) -> None:
        """Let nothing of it be left at the carrier; what is over there is left alone."""
        if self._carrier is not None and self._sid and not self._over_there:
            self._over_there = await self._carrier.hang_up(self._sid)

    async def _look_for_it(self, carrier: Carrier, order: CallOrder, since: datetime) -> None:
        """It may be ringing though the carrier never said so."""
        try:
            self._sid = await carrier.find(order, since) or ""
        except CarrierInDoubt as error:
            log.warning("leg.in_doubt", reason=str(error))

    # StreamCall

    @property
    def room(self) -> "ConsultLeg":
        return self

    def take_stream(self, line: Line) -> bool:
        if self._line is not None or self.state is LegState.ENDED:
            return False
        self._line = line
        return True

    def put(self, signal: sig.LegTold) -> None:
        self._put(sig.OfLeg(self.id, signal))

    def heard(self, ulaw: bytes, at_ms: int) -> None:
        """Take 20 ms of theirs, by their stream's own clock."""
        self._pace.heard(at_ms)
        if self.party is not None:
            self.party.spoke(at_ms // FRAME_MS, g711.decode(ulaw), self._now_s() * 1_000)

    def marked(self, mark: str) -> None:
        """None is sent."""

    # Outlet

    def hear(self, pcm: Samples) -> None:
        if self._line is None:
            return
        if self._pace.lets_pass():
            self._line.play(g711.encode(pcm), None)
        else:
            self.dropped += 1

    # What happens to it

    def take(self, told: sig.LegTold) -> None:
        """Move on. What comes late, or twice, changes nothing."""
        match told:
            case sig.Accepted(carrier_call_id=sid):
                self._know(sid)
            case sig.CarrierStatus(status=status, carrier_call_id=sid):
                self._know(sid)
                self._said(status)
            case sig.Refused(code=code):
                self._over_there = True
                self.end(code if self._carrier is None else f"carrier_{code}")
            case sig.StreamOpened() if self.state is not LegState.ENDED:
                self._answered()
                self.state = LegState.TALKING
                self._wait()
            case sig.StreamClosed(stopped=stopped):
                self.end("hung_up" if stopped else "stream_lost")
            case sig.Due.GUARD:
                self.end(GUARD_REASONS.get(self.state, "hung_up"))
            case sig.Due.FUNDS:
                self.end("funds_end")
            case sig.Due.METER if self.state is not LegState.ENDED:
                self._meter()
            case _:
                pass

    def end(self, reason: str) -> None:
        """It is over for us: say so, and have it hung up. Only the first reason counts."""
        if self.state is LegState.ENDED:
            return
        self.state = LegState.ENDED
        self._talk.end()
        self._timers.stop()
        self._emit(LegEnded(self.id, reason, self._talk.billable_s))
        if self._line is not None:
            self._line.close()
        self._ended.set()

    def _know(self, sid: str) -> None:
        if sid and not self._named:
            self._named = True
            self._sid = sid
            self._emit(LegAccepted(self.id, sid))

    def _said(self, status: str) -> None:
        if status in ENDED_BY_STATUS:
            self._over_there = True
            if status == "completed":
                self._answered()  # answered and over before we heard of either
            self.end(ENDED_BY_STATUS[status])
        elif status == "ringing" and self.state is LegState.DIALING:
            self.state = LegState.RINGING
            self._emit(LegRinging(self.id))
            self._wait()
        elif status in ("in-progress", "answered"):
            self._answered()

    def _answered(self) -> None:
        if self.state not in (LegState.DIALING, LegState.RINGING):
            return
        self.state = LegState.ANSWERED
        self._talk.begin()
        self._emit(LegAnswered(self.id))
        self._timers.set("funds", float(self._funded_s), sig.OfLeg(self.id, sig.Due.FUNDS))
        self._timers.set("meter", METER_EVERY_S, sig.OfLeg(self.id, sig.Due.METER))
        self._wait()

    def _meter(self) -> None:
        self._emit(LegMetered(self.id, min(self._talk.billable_s, self._funded_s)))
        self._timers.set("meter", METER_EVERY_S, sig.OfLeg(self.id, sig.Due.METER))

    def _wait(self) -> None:
        """Guard the state that it is in now."""
        guard_s = GUARD_S.get(self.state)
        if guard_s is None:
            self._timers.drop("guard")
            return
        ring_s = self._ring_s if self.state is LegState.RINGING else 0
        self._timers.set("guard", guard_s + ring_s, sig.OfLeg(self.id, sig.Due.GUARD))
