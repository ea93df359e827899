"""The simulated carrier: places a call, rings, connects, tells of it by callbacks, and ends it.

Implements `telephony.carrier_port.Carrier` for one call. Callbacks become the same signals as the webhooks make of
them, and come late, twice, out of order or never if the call's faults say so.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from events.call import AnsweredBy
from telephony.call import signals as sig
from telephony.carrier_port import CallOrder, CarrierInDoubt, CarrierRefused, Transfer

SID: Final = "CA00000000000000000000000000000001"


@dataclass(slots=True)
class Disorder:
    """What goes wrong between the carrier and us. Shares are of callbacks; times in seconds."""

    late_share: float = 0.0
    twice_share: float = 0.0
    lost_share: float = 0.0
    refuses: bool = False
    doubtful: bool = False  # the dial's answer is lost; the call exists
    ends_as: str = ""  # busy, no-answer, failed: nobody is reached
    api_away_share: float = 0.0


@dataclass(slots=True)
class Exchange:
    name: str
    dice: random.Random
    disorder: Disorder
    put: Callable[[sig.CallSignal], None]
    connected: Callable[[], None]  # somebody picked up
    ended: Callable[[], None]  # the call is over, whoever ended it
    note: Callable[[str, str], None]
    ring_s: float = 2.0
    amd: tuple[float, str] | None = None  # seconds after the answer, the carrier's word
    over: bool = False
    answered: bool = False
    _timers: list[asyncio.TimerHandle] = field(default_factory=list)
    _placed: bool = False

    # Carrier

    async def dial(self, order: CallOrder) -> str:
        await asyncio.sleep(self.dice.uniform(0.05, 0.3))
        if self.disorder.refuses:
            raise CarrierRefused("21211")
        self._placed = True
        self._later(0.1, self._say, "initiated")
        self._later(0.5, self._say, "ringing")
        self._later(0.5 + self.ring_s, self._pick_up)
        if self.disorder.doubtful:
            await asyncio.sleep(2.0)
            raise CarrierInDoubt("timed out")
        return SID

    async def find(self, order: CallOrder, since: datetime) -> str | None:
        await self._api()
        return SID if self._placed else None

    async def status(self, carrier_call_id: str) -> str:
        await self._api()
        if self.over:
            return self.disorder.ends_as or "completed"
        return "in-progress" if self.answered else "ringing"

    async def hang_up(self, carrier_call_id: str) -> None:
        await self._api()
        self.note("carrier", "told to hang up")
        self.end()

    async def put_through(self, carrier_call_id: str, transfer: Transfer) -> None:
        raise CarrierRefused("no_transfers")  # no simulated agent has anybody to give

    async def aclose(self) -> None:
        """There is nothing to close."""

    @property
    def holds_call(self) -> bool:
        """True while a call that was placed is not over."""
        return self._placed and not self.over

    # The call's life

    def end(self) -> None:
        """The call is over: the prospect hung up, we did, or the network."""
        if self.over:
            return
        self.over = True
        self.ended()
        self._say("completed")

    def leave(self) -> None:
        """Nobody listens any more: what has not been delivered never is."""
        for timer in self._timers:
            timer.cancel()

    def _pick_up(self) -> None:
        if self.over:
            return
        if self.disorder.ends_as:
            self.over = True
            self._say(self.disorder.ends_as)
            return
        self.answered = True
        self._say("in-progress")
        self.connected()
        if self.amd is not None:
            after_s, word = self.amd
            self._later(after_s, self._tell_answerer, word)

    def _tell_answerer(self, word: str) -> None:
        if not self.over:
            by = AnsweredBy.HUMAN if word == "human" else AnsweredBy.MACHINE
            self.put(sig.Answerer(by, word.startswith("machine_end"), word))

    def _say(self, status: str) -> None:
        """Send a callback, as well as that goes."""
        if self.dice.random() < self.disorder.lost_share:
            self.note("carrier", f"callback lost: {status}")
            return
        after_s = self.dice.uniform(0.02, 0.1)
        if self.dice.random() < self.disorder.late_share:
            after_s += self.dice.uniform(0.3, 6.0)
        self._later(after_s, self._deliver, status)
        if self.dice.random() < self.disorder.twice_share:
            self._later(after_s + self.dice.uniform(0.0, 3.0), self._deliver, status)

    def _deliver(self, status: str) -> None:
        self.note("carrier", f"callback: {status}")
        self.put(sig.CarrierStatus(status, SID))

    async def _api(self) -> None:
        await asyncio.sleep(0.08)
        if self.dice.random() < self.disorder.api_away_share:
            raise CarrierInDoubt("503")

    def _later(self, after_s: float, what: Callable[..., None], *args: object) -> None:
        self._timers.append(asyncio.get_running_loop().call_later(after_s, what, *args))
