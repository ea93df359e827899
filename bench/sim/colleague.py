"""A colleague in a simulated call: takes it over at any moment, says something, gives it back, leaves or stays.

Of the sound of people there is none in the simulation: what they say comes as its words.
"""

import asyncio
import random
from collections.abc import Callable
from typing import Final
from uuid import UUID

from agent.signals import PersonSaid
from bench.sim.record import Record, Span
from events.ticket import Seat
from media.activity.detector import VoiceEnded
from media.codec.g711 import Samples
from telephony.call import person_acts as acts
from telephony.call.person_acts import Act, Answer, Done, Person, PersonActs
from telephony.call.session import CallSession

SAID: Final = ("let me see what I can do", "we can do that", "I will send you an offer by friday", "thank you")
MARIA: Final = Person("p1", "Maria", UUID(int=7), Seat.REP)
JOHN: Final = Person("p2", "John", UUID(int=8), Seat.SUPERVISOR)


class Headset:
    """Hears, and nobody looks at what."""

    rate_hz = 8_000

    def hear(self, pcm: Samples) -> None: ...


class Acting:
    """Has a call do things, and waits for its word."""

    def __init__(self, session: CallSession) -> None:
        self._session = session
        self._loop = asyncio.get_running_loop()

    async def do(self, person: Person, act: Act) -> bool:
        """Have the call do that; False when it refused, or is over."""
        answers: list[Answer] = []
        self._session.put(PersonActs(person, act, answers.append))
        await asyncio.sleep(0.001)
        return bool(answers) and isinstance(answers[0], Done)

    @property
    def now_ms(self) -> float:
        return self._loop.time() * 1_000


class Colleague:
    """One call's. `work` ends with the call at the latest: cancel it then."""

    def __init__(
        self, dice: random.Random, session: CallSession, record: Record, note: Callable[[str, str], None]
    ) -> None:
        self._dice = dice
        self._session = session
        self._record = record
        self._note = note
        self._acting = Acting(session)

    async def work(self) -> None:
        """Take the call over, once or twice."""
        for _ in range(self._dice.choice((1, 1, 2))):
            await asyncio.sleep(self._dice.uniform(0.5, 20))
            await self._visit()

    async def _visit(self) -> None:
        for person in (MARIA, JOHN):
            if not await self._acting.do(person, acts.Join(Headset())):
                return
        if self._dice.random() < 0.5:
            await self._acting.do(JOHN, acts.Whisper("offer ten per cent"))
            await asyncio.sleep(self._dice.uniform(0, 5))
        # Both at once: the queue's first has it.
        answers: list[Answer] = []
        began_ms = self._acting.now_ms
        for person in (MARIA, JOHN):
            self._session.put(PersonActs(person, acts.TakeOver(), answers.append))
        await asyncio.sleep(0.001)
        if not answers or not isinstance(answers[0], Done):
            return
        self._record.shared_word |= len(answers) != 2 or not isinstance(answers[1], acts.Refused)
        self._note("colleague", "takes over")
        try:
            await self._talk()
        finally:
            self._record.aside.append(Span(began_ms, self._acting.now_ms))
            self._note("colleague", "has given it back")

    async def _talk(self) -> None:
        for _ in range(self._dice.randrange(4)):
            await asyncio.sleep(self._dice.uniform(0.1, 4))
            now = self._session.room.now
            self._session.conversation.put(
                PersonSaid(MARIA.name, self._dice.choice(SAID), VoiceEnded(max(0, now - 900), now, now))
            )
        await asyncio.sleep(self._dice.uniform(0, 6))
        match self._dice.randrange(5):
            case 0:
                await self._acting.do(MARIA, acts.Leave())
            case 1:
                await asyncio.sleep(120.0)  # to the call's end, most likely
                await self._acting.do(MARIA, acts.HandBack())
            case _:
                await self._acting.do(MARIA, acts.HandBack("an offer by friday"))
