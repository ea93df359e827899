"""A stock phrase while a sentence is late or breaks off: each word once, remembered in the order of the room."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.llm.breaker import Breaker
from agent.llm.port import Failure
from agent.reply import Reply, Waterfall
from agent.saying import Saying, SpeakingFailed
from agent.tts.failover import FIRST_TIMEOUT_S, CallVoices, Route
from agent.tts.port import Encoding, Speech, SpeechUnavailable, SpokenWord, Voice
from media.frame import RATE_HZ, SAMPLES_PER_MS
from tests.virtual_clock import run_virtual

WORD_MS = 100
SENTENCE = "alpha bravo charlie delta echo"
PHRASE = "one moment please"


@dataclass
class Room:
    """Implements `Mouth`. Each word is a byte value of its own, so what is in the room can be read back."""

    now: int = 0
    unsent_ms: int = 0
    heard_ms: int = 0
    paused: bool = False
    audio: bytearray = field(default_factory=bytearray)

    @property
    def reply_ms(self) -> int:
        return len(self.audio) // SAMPLES_PER_MS

    def begin_reply(self) -> None:
        assert not self.audio, "begun twice"

    def append(self, ulaw: bytes, word_ends_ms: Sequence[int] = (), *, leveled: bool = True) -> None:
        self.audio += ulaw

    def take_back(self, to_ms: int) -> None:
        del self.audio[to_ms * SAMPLES_PER_MS :]

    def complete_reply(self) -> None: ...

    @property
    def words(self) -> list[str]:
        """The words in the room, in order; one that is there twice is named twice."""
        known = (SENTENCE + " " + PHRASE).split()
        found: list[str] = []
        run = 0
        for place, code in enumerate(self.audio):
            run = run + 1 if place and code == self.audio[place - 1] else 1
            if code < len(known) and run == WORD_MS * SAMPLES_PER_MS:
                found.append(known[code])
        return found


def _sound(word: str) -> bytes:
    return bytes([(SENTENCE + " " + PHRASE).split().index(word)]) * (WORD_MS * SAMPLES_PER_MS)


@dataclass
class Slow:
    """A voice: so long to its first sound; `breaks_at`: the word before which it fails, once. Phrases come at once."""

    first_s: float = 0.1
    breaks_at: int = -1
    half: bool = False  # half of the word that it breaks at comes
    phrase_s: float = 0.0
    phrase_breaks_at: int = -1
    asked: list[str] = field(default_factory=list)

    async def speak(self, text: str) -> AsyncGenerator[Speech, None]:
        self.asked.append(text)
        phrase = text == PHRASE
        breaks_at = self.phrase_breaks_at if phrase else self.breaks_at
        await asyncio.sleep(self.phrase_s if phrase else self.first_s)
        for number, word in enumerate(text.split()):
            start_ms = number * WORD_MS
            spoken = (SpokenWord(word, start_ms, start_ms + WORD_MS),)
            if number == breaks_at:
                if self.half:
                    yield Speech(_sound(word)[: WORD_MS * SAMPLES_PER_MS // 2], RATE_HZ, spoken, Encoding.ULAW)
                raise SpeechUnavailable("cut", Failure.CUT)
            yield Speech(_sound(word), RATE_HZ, spoken, Encoding.ULAW)
            await asyncio.sleep(0.01)


def spoken(*voices: Voice, at_s: float = 0.0, phrases: int = 1, sentence: str = SENTENCE) -> tuple[Reply, Room]:
    """Say the sentence, and the phrase meanwhile."""
    reply, room = Reply(1, Waterfall()), Room()

    async def main() -> None:
        routes = [Route(f"voice{number}", voice, Breaker()) for number, voice in enumerate(voices)]
        calls = CallVoices(routes, asyncio.get_running_loop().time)
        saying = Saying(reply, calls, room, lambda: None)

        async def meanwhile() -> None:
            for _ in range(phrases):
                await asyncio.sleep(at_s)
                await saying.meanwhile(PHRASE)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(meanwhile())
            if sentence:
                await saying.say(sentence)

    run_virtual(main())
    return reply, room


def test_a_phrase_comes_before_a_sentence_that_is_late() -> None:
    reply, room = spoken(Slow(first_s=0.5))
    assert room.words == [*PHRASE.split(), *SENTENCE.split()]
    assert reply.sentences == [PHRASE, SENTENCE]
    assert reply.heard_text(60_000) == f"{PHRASE} {SENTENCE}"


def test_a_sentence_that_sounds_first_is_not_interrupted() -> None:
    reply, room = spoken(Slow(first_s=0.05, phrase_s=0.07))
    assert room.words == SENTENCE.split()
    assert reply.sentences == [SENTENCE]


def test_a_mute_voice_is_bridged_and_left_by_the_sentence_alone() -> None:
    mute, second = Slow(first_s=60.0), Slow()
    reply, room = spoken(mute, second, at_s=FIRST_TIMEOUT_S / 2)
    assert room.words == [*PHRASE.split(), *SENTENCE.split()]
    assert (mute.asked, second.asked) == ([SENTENCE, PHRASE], [SENTENCE])
    assert reply.text == f"{PHRASE} {SENTENCE}"


def test_a_phrase_and_a_sentence_that_find_a_voice_mute_change_it_once() -> None:
    mute, second = Slow(first_s=60.0, phrase_s=60.0), Slow()
    reply, room = spoken(mute, second, at_s=0.1)
    assert second.asked[0] == SENTENCE
    assert room.words == SENTENCE.split()
    assert reply.text == SENTENCE


def test_no_phrase_begins_while_the_caller_speaks() -> None:
    reply, room = Reply(1, Waterfall()), Room()
    saying = Saying(reply, Slow(), room, lambda: None, caller_speaks=lambda: True)
    run_virtual(saying.meanwhile(PHRASE))
    assert (room.words, reply.opened, reply.sentences) == ([], False, [])


def test_a_phrase_that_breaks_off_leaves_its_whole_words() -> None:
    reply, room = spoken(Slow(first_s=0.5, phrase_breaks_at=1, half=True))
    assert room.words == ["one", *SENTENCE.split()]
    assert reply.sentences == ["one", SENTENCE]


def test_a_phrase_without_a_whole_word_was_never_said() -> None:
    reply, room = spoken(Slow(first_s=0.5, phrase_breaks_at=0, half=True))
    assert room.words == SENTENCE.split()
    assert reply.sentences == [SENTENCE]


def test_a_phrase_alone_opens_the_answer() -> None:
    reply, room = spoken(Slow(), sentence="")
    assert reply.opened
    assert room.words == PHRASE.split()


def test_with_no_voice_left_the_sentence_says_so_and_the_phrase_does_not() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        spoken(Slow(breaks_at=0, phrase_breaks_at=0))
    assert caught.group_contains(SpeakingFailed)


@given(st.integers(0, 4), st.booleans(), st.sampled_from((0.0, 0.1, 0.105, 0.12, 0.14, 0.3, 0.5, 0.95)))
def test_wherever_a_sentence_breaks_each_word_is_said_once(breaks_at: int, half: bool, at_s: float) -> None:
    """A phrase may stand before it, in the break or nowhere; what is remembered is what is in the room."""
    reply, room = spoken(Slow(breaks_at=breaks_at, half=half), Slow(first_s=0.4), at_s=at_s, phrases=2)
    assert [word for word in room.words if word not in PHRASE.split()] == SENTENCE.split()
    assert reply.heard_text(60_000).split() == room.words
    assert reply.text.split() == room.words


def test_a_phrase_in_the_middle_of_a_sentence_stands_between_its_parts() -> None:
    reply, room = spoken(Slow(breaks_at=2), Slow(first_s=0.4), at_s=0.3)
    assert reply.sentences == ["alpha bravo", PHRASE, "charlie delta echo"]
    assert room.words == ["alpha", "bravo", *PHRASE.split(), "charlie", "delta", "echo"]
