"""What every voice does, whoever makes it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from itertools import pairwise

import pytest

from agent.tts.port import Encoding, Speech, Voice
from tests.agent.tts.voices import SENTENCE, VOICES, length_ms


@pytest.fixture(name="voice", params=VOICES)
async def _voice(request: pytest.FixtureRequest) -> AsyncGenerator[Voice, None]:
    async with VOICES[request.param]() as voice:
        yield voice


async def speak(voice: Voice, text: str = SENTENCE) -> list[Speech]:
    async with aclosing(voice.speak(text)) as pieces:
        return [piece async for piece in pieces]


async def test_a_sentence_is_spoken_with_each_of_its_words_once(voice: Voice) -> None:
    for _ in range(2):
        pieces = await speak(voice)
        assert " ".join(word.text for piece in pieces for word in piece.words) == SENTENCE
        assert length_ms(pieces) > 1_000


async def test_words_follow_each_other_within_the_speech(voice: Voice) -> None:
    pieces = await speak(voice)
    words = [word for piece in pieces for word in piece.words]
    assert all(word.start_ms < word.end_ms for word in words)
    assert all(one.end_ms <= other.start_ms + 1 for one, other in pairwise(words))
    assert words[-1].end_ms <= length_ms(pieces) + 1


async def test_pieces_are_of_one_form(voice: Voice) -> None:
    pieces = await speak(voice)
    assert len({(piece.rate_hz, piece.encoding) for piece in pieces}) == 1
    if pieces[0].encoding is Encoding.ULAW:
        assert pieces[0].rate_hz == 8_000


async def test_speech_that_is_taken_back_leaves_the_next_one_alone(voice: Voice) -> None:
    for _ in range(3):
        async with aclosing(voice.speak(SENTENCE)) as pieces:
            await anext(pieces)
    pieces_after = await speak(voice, "one two three")
    assert [word.text for piece in pieces_after for word in piece.words] == ["one", "two", "three"]


async def test_being_cancelled_within_a_sentence_does_no_harm(voice: Voice) -> None:
    async with asyncio.TaskGroup() as tasks:
        speaking = tasks.create_task(speak(voice))
        await asyncio.sleep(0.005)
        speaking.cancel()
    assert await speak(voice, "one two")
