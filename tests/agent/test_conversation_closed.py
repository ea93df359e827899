"""A conversation that is closed from outside, amid whatever it does: it says nothing more and breaks nothing."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace

import pytest

from agent.conversation import Conversation
from agent.signals import ConversationSignal, TimeUp
from agent.stt.port import Transcript
from agent.tts.port import Speech, Voice
from bench.fakes import InstantRecognizer, ToneVoice, instant_minds
from events import call as events
from media.activity.detector import VoiceEnded, VoiceStarted
from media.activity.silero import Silero
from media.room import Room


@dataclass
class Witness:
    told: list[events.Body] = field(default_factory=list)

    def emit(self, body: events.Body) -> None:
        self.told.append(body)

    def on_floor(self, *, speaking: bool) -> None: ...

    def on_disclosed(self, at_ms: int) -> None: ...

    def on_answerer(self, answered_by: events.AnsweredBy, detail: str) -> None: ...


@dataclass
class SlowVoice:
    """Implements `Voice`: asked for, it waits until it may go on."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def speak(self, text: str) -> AsyncGenerator[Speech, None]:
        self.asked.set()
        await self.go_on.wait()
        async with contextlib.aclosing(ToneVoice().speak(text)) as pieces:
            async for piece in pieces:
                yield piece


class SlowRecognizer(InstantRecognizer):
    """Knows the text when it is let to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()
        self.go_on = asyncio.Event()

    async def finish(self) -> Transcript:
        self.asked.set()
        await self.go_on.wait()
        return Transcript("take me off your list")


def conversation(voice: Voice, recognizer: InstantRecognizer) -> tuple[Conversation, Witness]:
    witness = Witness()
    made = Conversation(replace(instant_minds(), voice=voice, recognizer=recognizer), witness)
    silero = Silero(later=lambda delay_s, work: None)
    made.attach(Room(silero, None, made, lambda: asyncio.get_running_loop().time() * 1_000))
    return made, witness


async def test_closed_while_the_voice_is_being_made_it_says_nothing() -> None:
    voice = SlowVoice()
    talk, witness = conversation(voice, InstantRecognizer())
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(talk.run())
        talk.put(TimeUp())
        await voice.asked.wait()
        talk.close()
        voice.go_on.set()
        await asyncio.sleep(0.05)
        assert not running.done()
        running.cancel()
    assert witness.told == []


@pytest.mark.parametrize(
    "late", [TimeUp(), VoiceStarted(0, 100), VoiceEnded(0, 400, 800)], ids=["time up", "voice", "voice ended"]
)
async def test_what_comes_after_the_close_is_not_taken_in(late: ConversationSignal) -> None:
    talk, witness = conversation(ToneVoice(), InstantRecognizer())
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(talk.run())
        await asyncio.sleep(0)
        talk.close()
        talk.put(late)
        await asyncio.sleep(0.02)
        assert not running.done()
        running.cancel()
    assert witness.told == []


async def test_closed_while_the_caller_is_being_understood_it_answers_nobody() -> None:
    recognizer = SlowRecognizer()
    talk, witness = conversation(ToneVoice(), recognizer)
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(talk.run())
        talk.put(VoiceStarted(0, 100))
        talk.put(VoiceEnded(0, 900, 1_300))
        await recognizer.asked.wait()
        talk.close()
        recognizer.go_on.set()
        await asyncio.sleep(0.02)
        assert not running.done()
        running.cancel()
    assert witness.told == []
