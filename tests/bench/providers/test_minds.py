"""Minds behind sockets, against the providers' own process."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any

import httpx
import pytest

from agent.llm.port import Message, ModelUnavailable, Request, Role, Text, Usage
from agent.stt.port import TranscriptionUnavailable
from agent.tts.port import SpeechUnavailable
from bench.fakes import ANSWER, HEARD, TONE, TONE_MS
from bench.providers.minds import SocketModel, SocketVoice, open_minds, open_recognizer, words_of
from bench.providers.process import provider_process

NOBODY = "http://127.0.0.1:9"  # discard: nobody listens there


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with provider_process() as url:
        yield url


@pytest.fixture
async def http(url: str) -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        yield client


async def test_what_is_fed_is_heard_and_each_utterance_by_itself(url: str, http: httpx.AsyncClient) -> None:
    recognizer = (await open_minds(url, http)).recognizer
    recognizer.begin()
    for _ in range(50):
        recognizer.feed(bytes(320))
    heard = await recognizer.finish()
    assert heard.text == HEARD
    assert heard.words[-1].end_ms == 1_000
    recognizer.begin()
    assert (await recognizer.finish()).text == ""
    await recognizer.aclose()
    await asyncio.sleep(0.1)
    with pytest.raises(TranscriptionUnavailable):
        await recognizer.finish()


async def test_the_model_streams_its_words_and_what_they_cost(url: str, http: httpx.AsyncClient) -> None:
    minds = await open_minds(url, http)
    async with aclosing(minds.model.reply(Request((Message(Role.USER, "hello"),)))) as reply:
        assert [delta async for delta in reply] == [Text(ANSWER), Usage(1, 12)]
    await minds.recognizer.aclose()


async def test_the_voice_says_each_word_where_it_stands(url: str, http: httpx.AsyncClient) -> None:
    minds = await open_minds(url, http)
    async with aclosing(minds.voice.speak("one two three")) as speaking:
        (speech,) = [piece async for piece in speaking]
    assert speech.audio == TONE
    assert [word.text for word in speech.words] == ["one", "two", "three"]
    assert speech.words[0].start_ms == 0
    assert speech.words[-1].end_ms == TONE_MS
    await minds.recognizer.aclose()


async def test_providers_that_are_away_are_told_as_such() -> None:
    with pytest.raises(TranscriptionUnavailable):
        await open_recognizer(NOBODY)
    async with httpx.AsyncClient(base_url=NOBODY, trust_env=False) as http:
        with pytest.raises(ModelUnavailable):
            await anext(SocketModel(http).reply(Request(())))
        with pytest.raises(SpeechUnavailable):
            await anext(SocketVoice(http).speak("hello"))


def test_blanks_part_words() -> None:
    text = " ab  c "
    times = [index / 10 for index in range(len(text))]
    ends = [time + 0.1 for time in times]
    alignment: dict[str, list[Any]] = {
        "characters": list(text),
        "character_start_times_seconds": times,
        "character_end_times_seconds": ends,
    }
    found = [(word.text, word.start_ms, word.end_ms) for word in words_of(alignment)]
    assert found == [("ab", 100, 300), ("c", 500, 600)]
