"""What every recogniser does, whoever makes it."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from agent.stt.port import TranscriptionUnavailable
from tests.agent.stt.engines import ENGINES, PHRASES, PREROLL, Engine, feed, utter


@pytest.fixture(name="engine", params=ENGINES)
async def _engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Engine, None]:
    async with ENGINES[request.param](tmp_path) as engine:
        yield engine


def ignore(_text: str) -> None:
    pass


async def test_utterances_one_after_another_have_their_words_each(engine: Engine) -> None:
    recognizer = await engine.factory.open(PHRASES, ignore)
    heard = []
    for text in ("tomorrow at ten", "yes i do", "tomorrow at ten"):
        await utter(recognizer, engine.speech(text))
        heard.append((await recognizer.finish()).text)
    await recognizer.aclose()
    assert heard == ["tomorrow at ten", "yes i do", "tomorrow at ten"]


async def test_words_are_timed_from_the_utterance_s_first_sample(engine: Engine) -> None:
    recognizer = await engine.factory.open(PHRASES, ignore)
    for _ in range(2):
        speech = engine.speech("tomorrow at ten")
        await utter(recognizer, speech)
        heard = await recognizer.finish()
        assert " ".join(word.text for word in heard.words) == heard.text
        assert heard.words[0].start_ms == pytest.approx(480, abs=300)
        assert all(word.start_ms < word.end_ms <= 480 + len(speech) / 8 for word in heard.words)
        assert 0 < heard.confidence <= 1
    await recognizer.aclose()


async def test_partials_come_before_the_end_is_asked_for(engine: Engine) -> None:
    partials: list[str] = []
    recognizer = await engine.factory.open(PHRASES, partials.append)
    await utter(recognizer, engine.speech("tomorrow at ten") + PREROLL)
    async with asyncio.timeout(5):
        while not partials:  # noqa: ASYNC110 - it comes from outside
            await asyncio.sleep(0.01)
    await recognizer.finish()
    await recognizer.aclose()
    assert all(partials)


async def test_silence_and_a_dropped_utterance_leave_nothing_behind(engine: Engine) -> None:
    recognizer = await engine.factory.open(PHRASES, ignore)
    await utter(recognizer, PREROLL)
    assert (await recognizer.finish()).text == ""
    if not recognizer.feeding.continuous:  # one that hears turns by itself drops none
        await utter(recognizer, engine.speech("yes i do"))
    await utter(recognizer, engine.speech("tomorrow at ten"))
    assert (await recognizer.finish()).text == "tomorrow at ten"
    await recognizer.aclose()


async def test_closing_twice_and_feeding_after_it_do_no_harm(engine: Engine) -> None:
    recognizer = await engine.factory.open(PHRASES, ignore)
    await utter(recognizer, engine.speech("yes i do"))
    await recognizer.aclose()
    await feed(recognizer, PREROLL)
    await recognizer.aclose()


async def test_many_calls_at_once_hear_each_their_own(engine: Engine) -> None:
    async def call(text: str) -> str:
        recognizer = await engine.factory.open(PHRASES, ignore)
        await utter(recognizer, engine.speech(text))
        try:
            return (await recognizer.finish()).text
        except TranscriptionUnavailable as error:
            return str(error)
        finally:
            await recognizer.aclose()

    said = ["tomorrow at ten", "yes i do"] * 4
    async with asyncio.TaskGroup() as tasks:
        calls = [tasks.create_task(call(text)) for text in said]
    assert [one.result() for one in calls] == said
