"""Sentences by voices that fail: whatever breaks where, the room gets each word once and in order (P3)."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from agent.llm.breaker import Breaker
from agent.reply import Reply, Waterfall
from agent.saying import BEGINNING_MAX_S, Saying, SpeakingFailed
from agent.speech_process import SpeechProcess
from agent.tts.embedded import EmbeddedVoice
from agent.tts.failover import CallVoices, Route
from agent.tts.port import Encoding, Speech
from bench.providers import speech_script
from bench.providers.speech_script import Fault, Refusal
from bench.sim.loop import SimLoop
from media.dtmf import tones
from media.frame import SAMPLES_PER_MS
from tests.agent.tts.voices import SENTENCE, WORDS, elevenlabs

QUICK = speech_script.Saying(vocabulary=WORDS, word_ms=160, piece_ms=130)
SLOW = speech_script.Saying(vocabulary=WORDS, word_ms=300, piece_ms=170)


class Room:
    """Implements `Mouth`: keeps what it is given; `sent_share` of it counts as sent at once."""

    def __init__(self, sent_share: float = 0.0) -> None:
        self.now = 0
        self.unsent_ms = 0
        self.paused = False
        self.heard_ms = 0
        self.audio = bytearray()
        self.ends_ms: list[int] = []
        self.taken_back_ms = 0
        self._share = sent_share

    @property
    def reply_ms(self) -> int:
        return len(self.audio) // SAMPLES_PER_MS

    def begin_reply(self) -> None:
        self.audio.clear()

    def append(self, ulaw: bytes, word_ends_ms: Sequence[int] = (), *, leveled: bool = True) -> None:
        assert leveled or not word_ends_ms, "words are the voice's"
        self.audio += ulaw
        self.ends_ms += word_ends_ms

    def take_back(self, to_ms: int) -> None:
        end = max(int(len(self.audio) * self._share), to_ms * SAMPLES_PER_MS)
        self.taken_back_ms += (len(self.audio) - end) // SAMPLES_PER_MS
        del self.audio[end:]

    def complete_reply(self) -> None: ...

    @property
    def heard(self) -> list[str]:
        return [word.text for word in WORDS.understand(bytes(self.audio))]


async def say(room: Room, *voices: tuple[speech_script.Reaction, ...], embedded: bool = False) -> Reply:
    reply = Reply(1, Waterfall())
    async with AsyncExitStack() as stack:
        routes = []
        for number, reactions in enumerate(voices):
            voice, _server = await stack.enter_async_context(elevenlabs(*reactions))
            routes.append(Route(f"voice{number}", voice, Breaker()))
        if embedded:
            process = await stack.enter_async_context(SpeechProcess())
            routes.append(Route("embedded", EmbeddedVoice(process), Breaker()))
        saying = Saying(reply, CallVoices(routes, asyncio.get_running_loop().time), room, lambda: None)
        await saying.say("one two three")
        await saying.say(SENTENCE)
    return reply


def broken(fault: Fault, after: int, how: speech_script.Saying = SLOW) -> speech_script.Saying:
    return speech_script.Saying(
        vocabulary=WORDS, word_ms=how.word_ms, piece_ms=how.piece_ms, fault=fault, fault_after=after
    )


@pytest.mark.parametrize("after", range(0, 24, 3))
@pytest.mark.parametrize("fault", [Fault.CUT, Fault.GARBAGE, Fault.ERROR])
async def test_another_voice_goes_on_with_the_word_that_was_not_said(fault: Fault, after: int) -> None:
    room = Room()
    reply = await say(room, (broken(fault, after),), (QUICK,))
    assert room.heard == ["one", "two", "three", *SENTENCE.split()]
    assert reply.heard_text(60_000) == f"one two three {SENTENCE}"
    assert reply.sentences == ["one two three", SENTENCE]
    # The words lie where their sound is.
    found = WORDS.understand(bytes(room.audio))
    assert [word.start_ms for word in reply.words] == pytest.approx([word.start_ms for word in found], abs=2)


@pytest.mark.parametrize("after", [4, 9, 14])
async def test_what_was_sent_already_stays_and_no_word_is_left_out(after: int) -> None:
    room = Room(sent_share=1.0)
    reply = await say(room, (broken(Fault.CUT, after),), (QUICK,))
    said = ["one", "two", "three", *SENTENCE.split()]
    assert room.taken_back_ms == 0
    heard = [word for number, word in enumerate(room.heard) if number == 0 or room.heard[number - 1] != word]
    assert heard == said  # but for the one that was cut, which is said anew
    assert len(room.heard) <= len(said) + 1
    assert reply.heard_text(60_000).split() == said


async def test_the_same_voice_goes_on_by_itself_when_there_is_no_other() -> None:
    room = Room()
    await say(room, (broken(Fault.CUT, 7), SLOW))
    assert room.heard == ["one", "two", "three", *SENTENCE.split()]


async def test_a_stall_counts_as_a_failure() -> None:
    room = Room()
    await say(room, (broken(Fault.STALL, 7),), (QUICK,))
    assert room.heard == ["one", "two", "three", *SENTENCE.split()]


async def test_a_refusing_first_voice_is_replaced_before_a_word() -> None:
    room = Room()
    reply = await say(room, (Refusal(401),), (QUICK,))
    assert room.heard == ["one", "two", "three", *SENTENCE.split()]
    assert reply.heard_text(60_000) == f"one two three {SENTENCE}"


async def test_the_embedded_voice_ends_what_a_vendor_began() -> None:
    room = Room()
    reply = await say(room, (broken(Fault.CUT, 12),), embedded=True)
    assert reply.heard_text(60_000) == f"one two three {SENTENCE}"
    assert room.heard[:3] == ["one", "two", "three"]


async def test_with_all_voices_gone_the_answer_fails_and_keeps_what_was_said() -> None:
    room = Room()
    with pytest.raises(BaseExceptionGroup) as failed:
        await say(room, (broken(Fault.CUT, 5), Refusal(500)), (Refusal(500),))
    assert failed.group_contains(SpeakingFailed)
    assert room.heard == ["one", "two"]


async def test_keys_open_an_answer_and_follow_words_after_a_pause() -> None:
    room, opened = Room(), []
    reply = Reply(1, Waterfall())
    saying = Saying(reply, CallVoices([], asyncio.get_running_loop().time), room, lambda: opened.append(True))
    saying.press("1")
    assert (reply.opened, opened, bytes(room.audio)) == (True, [True], tones("1"))
    saying.press("2#")
    assert opened == [True]
    assert bytes(room.audio).startswith(tones("1"))
    assert bytes(room.audio).endswith(tones("2#"))
    assert reply.sentences == []


@dataclass
class Spoken:
    """Implements `Voice`: says everything at once."""

    async def speak(self, text: str) -> AsyncGenerator[Speech, None]:
        yield Speech(bytes([0x20]) * 800, 8_000, encoding=Encoding.ULAW)


async def began_after(begins: list[bool]) -> tuple[float, float]:
    """Return when two sentences began, in s, while the caller is asked about as in `begins`, the last for ever."""
    loop, opened, room = asyncio.get_running_loop(), list[float](), Room()
    answers = iter(begins)

    def caller_begins() -> bool:
        return next(answers, begins[-1])

    started = loop.time()
    saying = Saying(Reply(1, Waterfall()), Spoken(), room, lambda: opened.append(loop.time() - started), caller_begins)
    await saying.say("One.")
    first = opened[0]
    await saying.say("Two.")
    assert len(opened) == 1
    return first, loop.time() - started - first


@pytest.mark.parametrize(
    ("begins", "waits_s"), [([False], 0.0), ([True, True, False], 0.02), ([True], BEGINNING_MAX_S)]
)
def test_the_first_sound_waits_until_it_is_known_whether_the_caller_goes_on(begins: list[bool], waits_s: float) -> None:
    """And only the first, and not for long: what never becomes a voice does not silence the agent."""
    with asyncio.Runner(loop_factory=SimLoop) as runner:
        first_s, rest_s = runner.run(began_after(begins))
    assert first_s == pytest.approx(waits_s)
    assert rest_s == pytest.approx(0.0)
