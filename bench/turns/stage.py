"""One scene through the product's own conversation and room, in virtual time: when does the agent speak, and stop?

The minds take no time, and the recogniser knows the words of the scene, some time after each was said: what is
measured is when turns are taken, not what is made of them.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from agent.conversation import Conversation
from agent.llm.port import Delta, Request, Text
from agent.ports import Minds
from agent.signals import Result
from agent.stt.port import PCM_UTTERANCES, Feeding, Transcript
from agent.tts.port import Speech
from agent.turns.ending import LONGEST_MS, silence_only_ms, wait_ms
from agent.turns.judge import OnJudged
from agent.turns.smart_turn import SmartTurn
from agent.turns.word_lists import lists_for
from agent.turns.wording import NO_LISTS
from bench.fakes import spread_words
from bench.turns.scenes import EchoPath, Scene
from bench.turns.sounds import mix, say
from events import call as events
from events.plan import Sensitivity
from media.activity.detector import THRESHOLDS
from media.activity.silero import Silero
from media.codec import g711
from media.frame import FRAME_MS, FRAME_SAMPLES, RATE_HZ, SAMPLES_PER_MS
from media.room import Room

WORD_LAG_MS: Final = 200  # from a word's end to its partial, as streaming recognisers have it
_HEARD_AFTER_MS: Final = 2_200  # nobody of ours waits longer
SMART_TURN_MS: Final = 90.0
_SHORT: Final = "Hello, this is Alex."
_LONG: Final = (
    "Hello, this is Alex of Northwind Energy, and this call is recorded. We help small shops pay less for their "
    "electricity, and most of them save a tenth of the bill within the first year, without changing anything else."
)


@dataclass(frozen=True, slots=True)
class System:
    """A way of taking turns."""

    name: str
    rules: bool  # words and table; otherwise silence alone
    words: bool  # partials while they speak
    sound: bool  # smart-turn


OURS: Final = (
    System("silence alone", rules=False, words=False, sound=False),
    System("words", rules=True, words=True, sound=False),
    System("sound", rules=True, words=False, sound=True),
    System("words and sound", rules=True, words=True, sound=True),
)


@dataclass(slots=True)
class Played:
    """What became of a scene. Moments are the scene's, in ms."""

    spoke_ms: list[int] = field(default_factory=list)  # the agent began to be heard
    stopped_ms: list[int] = field(default_factory=list)  # it was stopped in mid-speech
    yielded: bool = False  # the rest of what it was saying was never said
    sent_ms: list[int] = field(default_factory=list)  # speech left for the carrier
    told: list[events.Body] = field(default_factory=list)
    result: Result | None = None  # the conversation ended by itself
    held_ms: int = 0  # how long it was held before it went on, in all


class Hearsay:
    """The recogniser: knows the words of the scene when they have been said."""

    feeding: Feeding = PCM_UTTERANCES

    def __init__(self, scene: Scene, now_ms: Callable[[], float]) -> None:
        self._scene = scene
        self._now_ms = now_ms
        self._began_ms = 0.0

    def begin(self) -> None:
        self._began_ms = self._now_ms() - 700  # the voice was noticed late, and its first word belongs to it

    def feed(self, audio: bytes) -> None: ...

    def text(self, lag_ms: float) -> str:
        """Return what has been said of the utterance up to `lag_ms` ago."""
        until_ms = self._now_ms() - lag_ms
        return " ".join(word for word, end_ms in self._scene.words if self._began_ms <= end_ms <= until_ms)

    async def finish(self) -> Transcript:
        if not self._scene.words:
            # Of a human recording the words are not known, of a cough there are none.
            return Transcript("words" if self._scene.group == "human" else "")
        return Transcript(self.text(0))

    async def aclose(self) -> None: ...


class Talker:
    """Model and voice in one: says its text at once, in the embedded voice."""

    def __init__(self, text: str) -> None:
        self._text = text

    async def reply(self, request: Request) -> AsyncGenerator[Delta, None]:
        yield Text(self._text)

    async def speak(self, text: str) -> AsyncGenerator[Speech, None]:
        pcm = say(text, "en-us+f3", 165).sound
        yield Speech(pcm.tobytes(), RATE_HZ, spread_words(text, len(pcm) // SAMPLES_PER_MS))


class Judgements:
    """smart-turn in this process; what it said of a sound is kept, since every system hears the same ones."""

    def __init__(self, network: SmartTurn) -> None:
        self._network = network
        self._known: dict[bytes, float] = {}

    def of(self, pcm: bytes) -> float:
        if pcm not in self._known:
            self._known[pcm] = self._network.judge(pcm)
        return self._known[pcm]


@dataclass(frozen=True, slots=True)
class HereJudge:
    """Implements `EndJudge`: answers when a worker would."""

    judgements: Judgements
    run_ms: float

    def ask(self, pcm: bytes, answer: OnJudged) -> None:
        asyncio.get_running_loop().call_later(self.run_ms / 1_000, answer, self.judgements.of(pcm))


class Earpiece:
    """The carrier's end: plays what it is sent, echoes marks when they are played, and notes when it was stopped."""

    def __init__(
        self,
        now_ms: Callable[[], float],
        scene_ms: Callable[[], float],
        played: Played,
        echo: EchoPath | None = None,
    ) -> None:
        self._echo = echo
        self._sound = bytearray()  # all that is played, from time 0 on; what is cleared was not
        self.dropped = 0
        self.over = False  # what comes now is no part of the scene
        self._now_ms = now_ms
        self._scene_ms = scene_ms
        self._played = played
        self._held_from_ms: float | None = None
        self._ends_ms = 0.0
        self._marks: deque[tuple[float, str]] = deque()

    def play(self, ulaw: bytes, mark: str | None) -> None:
        speech = len(ulaw) > FRAME_SAMPLES  # less is the fade of what was stopped
        if speech and self._scene_ms() >= 0 and not self.over:
            self._played.sent_ms.append(round(self._scene_ms()))
        if speech and self._held_from_ms is not None:
            self._played.held_ms += round(self._now_ms() - self._held_from_ms)
            self._held_from_ms = None
        begins_ms = max(self._ends_ms, self._now_ms())
        if self._echo is not None:
            place = round(begins_ms) * SAMPLES_PER_MS
            self._sound += g711.ULAW_SILENCE * (place - len(self._sound))
            self._sound[place : place + len(ulaw)] = ulaw
        self._ends_ms = begins_ms + len(ulaw) / SAMPLES_PER_MS
        if mark is not None:
            self._marks.append((self._ends_ms, mark))

    def clear(self) -> None:
        if self._ends_ms > self._now_ms() and self._scene_ms() >= 0 and not self.over:
            self._played.stopped_ms.append(round(self._scene_ms()))
            self._held_from_ms = self._now_ms()
        self._ends_ms = self._now_ms()
        del self._sound[round(self._ends_ms) * SAMPLES_PER_MS :]
        self._marks = deque((self._ends_ms, mark) for _, mark in self._marks)

    def close(self) -> None: ...

    def with_echo(self, ulaw: bytes) -> bytes:
        """Return a frame of the prospect's with what comes back of ours in it."""
        if self._echo is None:
            return ulaw
        place = max(0, round(self._now_ms()) - FRAME_MS - self._echo.delay_ms) * SAMPLES_PER_MS
        back = bytes(self._sound[place : place + len(ulaw)]).ljust(len(ulaw), g711.ULAW_SILENCE)
        softer = g711.decode(back) * 10 ** (self._echo.gain_db / 20)
        return g711.encode(mix(g711.decode(ulaw), softer.astype(np.int16)))

    def due(self) -> list[str]:
        found = []
        while self._marks and self._marks[0][0] <= self._now_ms():
            found.append(self._marks.popleft()[1])
        return found


class Ticks:
    """The clock: ticks when the stage says so."""

    def __init__(self) -> None:
        self._subscribers: dict[Callable[[], None], None] = {}

    def subscribe(self, tick: Callable[[], None]) -> None:
        self._subscribers[tick] = None

    def unsubscribe(self, tick: Callable[[], None]) -> None:
        self._subscribers.pop(tick, None)

    def tick(self) -> None:
        for tick in tuple(self._subscribers):
            tick()


class Stage:
    """One scene being played. Implements `Witness`."""

    def __init__(self, scene: Scene, system: System, silero: Silero, judge: HereJudge) -> None:
        self._scene = scene
        self._loop = asyncio.get_running_loop()
        self._connected_s = self._loop.time()
        self._began_ms: float | None = None  # when the scene's first sample was heard, by the loop's clock
        self._speaking = False
        self._closed = False
        self._position_ms = 0
        self._partial = ""
        self._word_lag_ms = WORD_LAG_MS if system.words else None
        self.played = Played()
        self._hearsay = Hearsay(scene, self._scene_ms)
        talker = Talker(_LONG if scene.over_agent else _SHORT)
        lists = lists_for("en-US")
        minds = Minds(
            self._hearsay,
            talker,
            talker,
            lists.backchannels,
            {},
            lists=lists if system.words else NO_LISTS,
            judge=judge if system.sound else None,
            wait=wait_ms if system.rules else silence_only_ms,
        )
        self._conversation = Conversation(minds, self)
        self._ticks = Ticks()
        thresholds = replace(THRESHOLDS[Sensitivity.NORMAL], stop_ms=LONGEST_MS)
        self._room = Room(silero, None, self._conversation, self._now_ms, self._ticks, thresholds=thresholds)
        self._conversation.attach(self._room)
        self._line = Earpiece(self._now_ms, self._scene_ms, self.played, scene.echo)
        self._room.join(self._line)

    def emit(self, body: events.Body) -> None:
        self.played.told.append(body)
        if self._closed or not self._scene.over_agent:
            return
        if isinstance(body, events.TurnFinished) and body.speaker is events.Speaker.AGENT:
            self.played.yielded |= body.interrupted

    def on_floor(self, *, speaking: bool) -> None:
        self._speaking = speaking
        if speaking and self._began_ms is not None and not self._closed:
            self.played.spoke_ms.append(round(self._scene_ms()))

    def on_disclosed(self, at_ms: int) -> None: ...

    def on_answerer(self, answered_by: events.AnsweredBy, detail: str) -> None: ...

    async def play(self) -> Played:
        """Play the scene to its end and return what became of it."""
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(self._conversation.run())
            await self._greeting()
            self._began_ms = self._now_ms()
            await self._hear(self._scene.pcm[: (self._scene.speech_ms[1] + _HEARD_AFTER_MS) * SAMPLES_PER_MS].tobytes())
            self._closed = self._line.over = True
            self.played.result = running.result() if running.done() else None
            self._conversation.close()
            running.cancel()
        self._room.leave()
        return self.played

    def _now_ms(self) -> float:
        return (self._loop.time() - self._connected_s) * 1_000

    def _scene_ms(self) -> float:
        return self._now_ms() - self._began_ms if self._began_ms is not None else -1.0

    async def _greeting(self) -> None:
        """Let the agent greet: to the end of it, or into the middle where the scene is played over it."""
        quiet = bytes(2 * SAMPLES_PER_MS * FRAME_MS)
        while not self._speaking:
            await self._hear(quiet)
        while self._speaking and not self._scene.over_agent:
            await self._hear(quiet)

    async def _hear(self, pcm: bytes) -> None:
        ulaw = g711.encode(np.frombuffer(pcm, np.int16))
        for start in range(0, len(ulaw) - FRAME_SAMPLES + 1, FRAME_SAMPLES):
            await asyncio.sleep(
                max(0.0, self._connected_s + (self._position_ms + FRAME_MS) / 1_000 - self._loop.time())
            )
            self._room.heard(self._line.with_echo(ulaw[start : start + FRAME_SAMPLES]), self._position_ms)
            self._position_ms += FRAME_MS
            self._ticks.tick()
            for mark in self._line.due():
                self._room.marked(mark)
            if self._word_lag_ms is not None:
                self._tell_partial(self._hearsay.text(self._word_lag_ms))

    def _tell_partial(self, text: str) -> None:
        if text != self._partial:
            self._partial = text
            self._conversation.ears.on_partial(text)


async def play_all(scenes: Sequence[Scene], system: System, judgements: Judgements, run_ms: float) -> list[Played]:
    """Play scenes one after another, each a call of its own."""
    silero, judge = Silero(), HereJudge(judgements, run_ms)
    return [await Stage(scene, system, silero, judge).play() for scene in scenes]
