"""A conversation whose minds are told what to say and when: its caller's words, its model's answers, its voice."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field, replace

from agent.conversation import Conversation
from agent.llm.port import Delta, Message, Request, Role, Text
from agent.stt.port import Transcript
from agent.tts.port import Voice
from bench.fakes import InstantRecognizer, ToneVoice, instant_minds
from events import call as events
from media.activity.detector import VoiceEnded, VoiceStarted
from media.activity.silero import Silero
from media.codec.g711 import ULAW_SILENCE
from media.frame import FRAME_MS, SAMPLES_PER_MS
from media.recording.recorder import Recorder
from media.room import Room
from tests.media.call import SILENCE


@dataclass
class Witness:
    told: list[events.Body] = field(default_factory=list)
    speaking: list[bool] = field(default_factory=list)

    def emit(self, body: events.Body) -> None:
        self.told.append(body)

    def on_floor(self, *, speaking: bool) -> None:
        self.speaking.append(speaking)

    def on_disclosed(self, at_ms: int) -> None: ...

    def on_answerer(self, answered_by: events.AnsweredBy, detail: str) -> None: ...

    def turns(self, speaker: events.Speaker | None = None) -> list[str]:
        return [
            body.heard_text
            for body in self.told
            if isinstance(body, events.TurnFinished) and speaker in (None, body.speaker)
        ]


class SaidRecognizer(InstantRecognizer):
    """Hears what the test says that it heard."""

    said = ""

    async def finish(self) -> Transcript:
        text, self.said = self.said, ""
        return Transcript(text)


@dataclass
class Model:
    """Implements `Model`: notes what it is asked, and says the same each time."""

    requests: list[Request] = field(default_factory=list)
    answer: Callable[[Request], list[Delta]] = lambda _request: [Text("Well, that is good to know, thank you.")]
    stalls: bool = False

    async def reply(self, request: Request) -> AsyncGenerator[Delta, None]:
        self.requests.append(request)
        if self.stalls:
            await asyncio.Event().wait()
        for delta in self.answer(request):
            yield delta

    def asked(self, number: int = -1) -> list[tuple[Role, str]]:
        return [(message.role, message.text) for message in self.requests[number].messages]

    @property
    def messages(self) -> tuple[Message, ...]:
        return self.requests[-1].messages


class FarEnd:
    """Implements `Line`: what was sent and not cleared is played without delay, by the clock."""

    def __init__(self) -> None:
        self._began = self._now
        self.heard = bytearray()  # what the caller hears of us, µ-law, from the call's first moment on
        self.dropped = 0
        self.sent: list[tuple[float, int]] = []  # (when, bytes)
        self.cleared: list[float] = []
        self.marks: list[tuple[float, str]] = []
        self._ends = 0.0

    @property
    def _now(self) -> float:
        return asyncio.get_running_loop().time() * 1_000

    def play(self, ulaw: bytes, mark: str | None) -> None:
        self.sent.append((self._now, len(ulaw)))
        begins = max(self._ends, self._now)
        place = round(begins - self._began) * SAMPLES_PER_MS
        self.heard += ULAW_SILENCE * (place - len(self.heard))
        self.heard[place : place + len(ulaw)] = ulaw
        self._ends = begins + len(ulaw) / SAMPLES_PER_MS
        if mark is not None:
            self.marks.append((self._ends, mark))

    def clear(self) -> None:
        self.cleared.append(self._now)
        self._ends = self._now
        del self.heard[round(self._now - self._began) * SAMPLES_PER_MS :]
        self.marks = [(self._now, mark) for _, mark in self.marks]

    def close(self) -> None: ...

    def until_now(self) -> bytes:
        """Return what the caller has heard so far, silence too."""
        return bytes(self.heard).ljust(round(self._now - self._began) * SAMPLES_PER_MS, ULAW_SILENCE)

    def due(self) -> list[str]:
        found = [mark for at, mark in self.marks if at <= self._now]
        self.marks = [one for one in self.marks if one[0] > self._now]
        return found


class Ticks:
    """Implements `Ticker`."""

    def __init__(self) -> None:
        self.subscribers: dict[Callable[[], None], None] = {}

    def subscribe(self, tick: Callable[[], None]) -> None:
        self.subscribers[tick] = None

    def unsubscribe(self, tick: Callable[[], None]) -> None:
        self.subscribers.pop(tick, None)


class Talk:
    """One conversation on the loop's clock (the simulation's, in tests)."""

    def __init__(
        self, ear: SaidRecognizer | None = None, voice: Voice | None = None, recorder: Recorder | None = None
    ) -> None:
        self.witness, self.model, self.ear, self.line = Witness(), Model(), ear or SaidRecognizer(), FarEnd()
        minds = replace(instant_minds(), recognizer=self.ear, model=self.model, voice=voice or ToneVoice())
        self.conversation = Conversation(minds, self.witness)
        self._ticks = Ticks()
        self._began = self._now()
        self._frames = 0
        self.each_frame: Callable[[], None] = lambda: None
        self.caller_sounds: Callable[[], bytes] = lambda: SILENCE
        deaf = Silero(later=lambda _delay_s, _work: None)
        self.room = Room(deaf, recorder, self.conversation, self._now, self._ticks)
        self.conversation.attach(self.room)
        self.room.join(self.line)

    def _now(self) -> float:
        return asyncio.get_running_loop().time() * 1_000

    async def live(self, ms: int) -> None:
        """Let time pass: what the caller sounds like comes in, silence mostly, and what is due is played."""
        for _ in range(ms // FRAME_MS):
            await asyncio.sleep(FRAME_MS / 1_000)
            self.room.heard(self.caller_sounds(), self._frames * FRAME_MS)
            self._frames += 1
            self.each_frame()
            for tick in tuple(self._ticks.subscribers):
                tick()
            for mark in self.line.due():
                self.room.marked(mark)

    async def caller_says(self, text: str, ms: int = 1_000) -> None:
        self.caller_begins(text)
        await self.live(ms)
        await self.caller_ends(ms)

    def caller_begins(self, text: str) -> None:
        self.ear.said = text
        now = self.room.now
        self.conversation.on_voice(VoiceStarted(now, now))

    async def caller_ends(self, ms: int = 1_000) -> None:
        now = self.room.now
        self.conversation.put(VoiceEnded(now - ms, now, now))
        await self.live(100)

    async def until_speaking(self) -> None:
        spoken = len(self.witness.speaking)
        while not any(self.witness.speaking[spoken:]):
            await self.live(FRAME_MS)


@contextlib.asynccontextmanager
async def talking(make: Callable[[], Talk] = Talk) -> AsyncGenerator[Talk]:
    """Hold a conversation until the body ends. `make` is called on the loop."""
    talk = make()
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(talk.conversation.run())
        yield talk
        talk.conversation.close()
        running.cancel()
    talk.room.leave()


def sent_ms(talk: Talk, since_ms: float) -> int:
    """Return how much was sent to the caller since then, by the loop's clock."""
    return sum(size for at, size in talk.line.sent if at > since_ms) // SAMPLES_PER_MS
