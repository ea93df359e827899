"""One call's recogniser over the Whisper process; what every recogniser does is in test_contract.py."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from agent.llm.port import Failure
from agent.stt import whisper
from agent.stt.port import TranscriptionUnavailable
from agent.stt.whisper import UTTERANCE_BYTES_MAX, WhisperRecognizer, WhisperRecognizers
from agent.stt.whisper_process import Patience, WhisperProcess
from tests.agent.stt import made_whisper
from tests.agent.stt.engines import PREROLL, feed
from tests.agent.stt.made_whisper import tone


@pytest.fixture(name="process")
async def _process(tmp_path: Path) -> AsyncGenerator[WhisperProcess, None]:
    async with WhisperProcess.start(made_whisper.make(tmp_path / "model"), Patience(20.0, 20.0)) as process:
        yield process


async def test_a_language_that_the_model_does_not_know_is_told_before_the_dial(process: WhisperProcess) -> None:
    with pytest.raises(TranscriptionUnavailable, match="knows en, not pt") as refused:
        await WhisperRecognizers(process, "pt-BR").open((), print)
    assert refused.value.failure is Failure.REFUSED_REQUEST


async def test_finishing_what_was_not_begun_is_told(process: WhisperProcess) -> None:
    recognizer = await WhisperRecognizers(process, "en-GB").open((), print)
    await feed(recognizer, PREROLL)
    with pytest.raises(TranscriptionUnavailable, match="no utterance"):
        await recognizer.finish()


async def test_a_monologue_is_heard_up_to_its_bound(process: WhisperProcess) -> None:
    recognizer = WhisperRecognizer(process, "en", print)
    recognizer.begin()
    await feed(recognizer, tone("yes i do"))
    recognizer.feed(bytes(UTTERANCE_BYTES_MAX))
    assert recognizer.dropped_bytes == UTTERANCE_BYTES_MAX
    assert (await recognizer.finish()).text == "yes i do"


async def test_a_guess_that_comes_behind_the_end_is_not_told(
    process: WhisperProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whisper, "GUESS_EVERY_BYTES", 1_000)
    told: list[str] = []
    recognizer = WhisperRecognizer(process, "en", told.append)
    recognizer.begin()
    recognizer.feed(bytes(2_000))
    recognizer._guessed(1, "yes")
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(recognizer.finish())
        await asyncio.sleep(0)
        recognizer._guessed(1, "late")
        recognizer.begin()
        recognizer._guessed(1, "of another utterance")
    assert told == ["yes"]


async def test_the_worker_going_away_is_told_by_the_next_open(process: WhisperProcess) -> None:
    process._child.kill("test")
    with pytest.raises(TranscriptionUnavailable, match="away"):
        await WhisperRecognizers(process, "en-US").open((), print)
