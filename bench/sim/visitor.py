"""A colleague in a simulated call who does one thing: puts the prospect on hold, is lost, whispers, or barges in.

What follows from it is the product's; the record keeps when it was, so that what the prospect heard can be judged.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

from agent.signals import PersonSaid
from bench.sim.colleague import JOHN, MARIA, SAID, Acting, Headset
from bench.sim.record import Record, Span, Wait
from bench.sim.scenario import BARGES, GONE, HOLDS, LOST, WHISPERS
from media.activity.detector import VoiceEnded
from media.party import Role
from telephony.call import person_acts as acts
from telephony.call.people import LOST_S
from telephony.call.session import CallSession

_BEGINS_S: Final = (0.5, 20.0)
_WHISPERS: Final = ("mention the discount of ten per cent", "ask who decides", "keep it short")


class Visitor:
    """One call's. `work` ends with the call at the latest: cancel it then."""

    def __init__(
        self, dice: random.Random, session: CallSession, record: Record, note: Callable[[str, str], None]
    ) -> None:
        self._dice = dice
        self._session = session
        self._record = record
        self._note = note
        self._acting = Acting(session)

    async def work(self, act: str) -> None:
        await asyncio.sleep(self._dice.uniform(*_BEGINS_S))
        await _ACTS[act](self)

    async def holds(self) -> None:
        if not await self._does(MARIA, acts.Join(Headset())) or not await self._does(MARIA, acts.Hold(True)):
            return
        began_ms = self._now_ms
        try:
            await asyncio.sleep(self._dice.uniform(0.5, 40))
            await self._does(MARIA, acts.Hold(False))
        finally:
            self._record.aside.append(Span(began_ms, self._now_ms))
            self._record.holds.append(Span(began_ms, self._now_ms))

    async def is_lost(self) -> None:
        """Come back before the rule takes the call away."""
        await self._lost(self._dice.uniform(0.2, LOST_S - 0.5), comes_back=True)

    async def is_gone(self) -> None:
        await self._lost(LOST_S, comes_back=False)

    async def _lost(self, for_s: float, *, comes_back: bool) -> None:
        headset = Headset()
        if not await self._does(MARIA, acts.Join(headset)) or not await self._does(MARIA, acts.TakeOver()):
            return
        began_ms = self._now_ms
        try:
            await self._talk()
            if not await self._does(MARIA, acts.Lost(headset)):
                return
            lost_ms = self._now_ms
            try:
                await asyncio.sleep(for_s)
            finally:
                self._record.waits.append(Wait(lost_ms, self._now_ms, gone=not comes_back))
            if comes_back and await self._does(MARIA, acts.Join(Headset())):
                await self._talk()
                await self._does(MARIA, acts.HandBack("an offer by friday"))
        finally:
            self._record.aside.append(Span(began_ms, self._now_ms))

    async def whispers(self) -> None:
        if not await self._does(JOHN, acts.Join()):
            return
        for text in _WHISPERS[: self._dice.randrange(1, len(_WHISPERS) + 1)]:
            if not await self._does(JOHN, acts.Whisper(text)):
                return
            self._record.whispers.append((self._now_ms, text))
            await asyncio.sleep(self._dice.uniform(0.1, 15))

    async def barges(self) -> None:
        """Talk with the prospect beside the agent, which goes on."""
        if not await self._does(JOHN, acts.Join(Headset(), Role.BARGER)):
            return
        await asyncio.sleep(self._dice.uniform(0.5, 10))
        await self._does(JOHN, acts.Leave())

    async def _talk(self) -> None:
        for _ in range(self._dice.randrange(3)):
            await asyncio.sleep(self._dice.uniform(0.1, 4))
            now = self._session.room.now
            said = VoiceEnded(max(0, now - 900), now, now)
            self._session.conversation.put(PersonSaid(MARIA.name, self._dice.choice(SAID), said))
        await asyncio.sleep(self._dice.uniform(0, 3))

    async def _does(self, person: acts.Person, act: acts.Act) -> bool:
        done = await self._acting.do(person, act)
        self._note("colleague", f"{type(act).__name__}{'' if done else ', and is refused'}")
        return done

    @property
    def _now_ms(self) -> float:
        return self._acting.now_ms


_ACTS: Final[Mapping[str, Callable[[Visitor], Coroutine[Any, Any, None]]]] = {
    HOLDS: Visitor.holds,
    LOST: Visitor.is_lost,
    GONE: Visitor.is_gone,
    WHISPERS: Visitor.whispers,
    BARGES: Visitor.barges,
}
