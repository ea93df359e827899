"""A call with people beside the agent, on its sound and in virtual time: what the tests of people play on."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import numpy as np

from agent.person_ear import PersonEars
from agent.stt.port import Recognizer
from events import call as events
from events.plan import Holder
from events.ticket import Seat
from media.activity.silero import Silero
from media.codec import g711
from media.codec.g711 import Samples
from media.frame import FRAME_SAMPLES
from media.party import Role as Part
from telephony.call import person_acts as acts
from telephony.call.people import CallPeople
from telephony.call.person_acts import Act, Answer, Done, Person, PersonActs, Word
from telephony.call.signals import CallSignal
from telephony.call.timers import Timers
from telephony.supervisor.live import Live
from tests.agent.aside_stage import Talk, talking
from tests.media.call import Outlet
from tests.virtual_clock import run_virtual

LEVEL = 4_000
LOUD = 400  # the agent's tone and the rep's level are above it; silence and fades' ends are below


class Caller:
    """One call with people; `speaks` holds who has a headset and talks all the time."""

    def __init__(
        self,
        talk: Talk,
        tasks: asyncio.TaskGroup,
        open_ear: Callable[[], Awaitable[Recognizer]] | None,
        holder: Holder | None = None,
    ):
        """`holder`: who has placed the call; it rings until `answer`."""
        self.talk, self._tasks = talk, tasks
        self.silero = Silero(later=lambda _delay_s, _work: None)
        self.ears = PersonEars(self.silero.open, open_ear, lambda: talk.room.now)
        self.people = CallPeople(
            talk.room,
            talk.conversation,
            talk.witness.emit,
            Timers(self._due),
            self.ears,
            asyncio.get_running_loop().time,
            Live(),
        )
        self.people.expect(holder)
        self.connected = False
        if holder is None:
            self.answer()
        self._speaking: dict[str, int] = {}
        talk.each_frame = self._each_frame

    def answer(self) -> None:
        self.people.start(self._tasks)
        self.connected = True

    def _due(self, signal: CallSignal) -> None:
        assert isinstance(signal, acts.PersonMissed)
        self.people.take(signal, connected=self.connected)

    def do(self, person: Person, act: Act) -> Answer:
        answers: list[Answer] = []
        self.people.take(PersonActs(person, act, answers.append), connected=self.connected)
        (answer,) = answers
        return answer

    def join(self, person: Person, role: Part = Part.LISTENER, *, talks: bool = True) -> Outlet:
        outlet = Outlet()
        done = self.do(person, acts.Join(outlet, role))
        assert isinstance(done, Done)
        if talks:
            self._speaking.setdefault(person.id, 0)
        return outlet

    def _each_frame(self) -> None:
        for seated in self.people.seated:
            if seated.party is not None and seated.person.id in self._speaking:
                number = self._speaking[seated.person.id]
                self._speaking[seated.person.id] += 1
                pcm = np.full(FRAME_SAMPLES, LEVEL, np.int16)
                seated.party.spoke(number, pcm, asyncio.get_running_loop().time() * 1_000)

    def heard(self, ms: int) -> Samples:
        """What the prospect heard last."""
        return g711.decode(self.talk.line.until_now())[-ms * 8 :]

    def word(self) -> Word:
        return self.people.standing.word

    def told(self, kind: type) -> list[events.Body]:
        return [body for body in self.talk.witness.told if isinstance(body, kind)]


MARIA = Person("p1", "Maria", UUID(int=1), Seat.REP)
JOHN = Person("p2", "John", UUID(int=2), Seat.REP)
INES = Person("p3", "Ines", UUID(int=3), Seat.SUPERVISOR)


def play(
    scene: Callable[[Caller], Awaitable[None]], open_ear: Callable[[], Awaitable[Recognizer]] | None = None
) -> Caller:
    """Play a scene in which the agent has begun to greet."""

    async def main() -> Caller:
        async with talking() as talk, asyncio.TaskGroup() as tasks:
            call = Caller(talk, tasks, open_ear)
            await talk.until_speaking()
            await scene(call)
            for seated in call.people.seated:
                if seated.listening is not None:
                    seated.listening.cancel()
        return call

    return run_virtual(main())


def silent_ms(sound: Samples) -> int:
    """The longest stretch without sound."""
    longest = run = 0
    for frame in sound[: len(sound) // 80 * 80].reshape(-1, 80):
        run = run + 10 if np.max(np.abs(frame.astype(int))) < LOUD else 0
        longest = max(longest, run)
    return longest
