"""The Whisper worker's life: answers, its queue, and children that misbehave, all with real processes."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from agent.llm.port import Failure
from agent.stt import whisper_process
from agent.stt.port import TranscriptionUnavailable
from agent.stt.whisper_folder import BadModelFolder
from agent.stt.whisper_process import QUEUE_MAX, Patience, WhisperProcess
from media.codec import g711
from tests.agent.stt import made_whisper
from tests.agent.stt.made_whisper import tone

PATIENT = Patience(20.0, 20.0)  # the machine may be busy
# Peers that misbehave: they speak the wire's first word and then go wrong.
READY = (
    "import sys,time;from agent import worker_frames as f;from agent.stt import whisper_wire as w;o=sys.stdout.buffer;"
    "o.write(f.encode(w.Ready(('en',),1.0)));o.flush();"
)
STALLED = READY + "time.sleep(600)"
DIES = READY + "sys.stdin.buffer.read(4)"
GARBAGE = READY + "sys.stdin.buffer.read(4);o.write(b'\\xff'*64);o.flush();time.sleep(600)"
STRANGER = READY + "sys.stdin.buffer.read(4);o.write(f.encode(w.Heard(99,'',(),0.0,1.0)));o.flush();time.sleep(600)"
UNABLE = READY + "sys.stdin.buffer.read(4);o.write(f.encode(w.Failed(1,'no')));o.flush();time.sleep(600)"


def child(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def pcm(ulaw: bytes) -> bytes:
    return g711.decode(ulaw).astype("<i2").tobytes()


UTTERANCE = pcm(tone("yes i do"))


@pytest.fixture(name="folder", scope="module")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_whisper.make(tmp_path_factory.mktemp("model"))


async def until(met: str, process: WhisperProcess) -> None:
    async with asyncio.timeout(20):
        while process.alive is not (met == "alive"):  # noqa: ASYNC110 - it tells nobody but metrics
            await asyncio.sleep(0.01)


async def test_a_folder_without_a_model_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(BadModelFolder, match="is not a folder"):
        async with WhisperProcess.start(tmp_path / "nowhere"):
            pytest.fail("it started")


async def test_a_model_that_does_not_load_is_told_with_the_library_s_reason(tmp_path: Path) -> None:
    folder = made_whisper.make(tmp_path / "model")
    (folder / "model.bin").write_bytes(b"garbage")
    with pytest.raises(BadModelFolder, match=r"SALESOS_WHISPER_MODEL: the model in .* does not load: "):
        async with WhisperProcess.start(folder):
            pytest.fail("it started")


async def test_utterances_that_come_at_once_are_heard_one_after_another(folder: Path) -> None:
    async with WhisperProcess.start(folder, PATIENT) as process, asyncio.TaskGroup() as tasks:
        said = ["yes i do", "tomorrow at ten", "yes i do"]
        calls = [tasks.create_task(process.hear(pcm(tone(text)), "en")) for text in said]
        assert [(await call).text for call in calls] == said
        assert (process.languages, process.heard, process.refused) == (("en",), 3, 0)


async def test_a_guess_tells_what_was_said_so_far_and_is_not_counted_as_heard(folder: Path) -> None:
    async with WhisperProcess.start(folder, PATIENT) as process:
        guessed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        before = process.may_guess
        process.guess(UTTERANCE, "en", guessed.set_result)
        assert (before, process.may_guess) == (True, False)  # somebody's end of an utterance would wait for two
        async with asyncio.timeout(20):
            assert await guessed == "yes i do"
        assert (process.guessed, process.heard) == (1, 0)


async def test_nothing_is_guessed_with_a_model_that_takes_long(folder: Path) -> None:
    async with WhisperProcess.start(folder, Patience(20.0, 0.0)) as process:
        assert not process.may_guess


async def test_a_language_that_the_model_does_not_know_is_its_answer_and_not_its_end(folder: Path) -> None:
    async with WhisperProcess.start(folder, PATIENT) as process:
        with pytest.raises(TranscriptionUnavailable, match="'pt'") as failed:
            await process.hear(UTTERANCE, "pt")
        assert failed.value.failure is Failure.REFUSED_REQUEST
        assert (await process.hear(UTTERANCE, "en")).text == "yes i do"


async def test_a_full_queue_refuses_the_next_at_once(folder: Path) -> None:
    async with WhisperProcess.start(folder, PATIENT, child(STALLED)) as process, asyncio.TaskGroup() as tasks:
        calls = [tasks.create_task(process.hear(b"", "en")) for _ in range(1 + QUEUE_MAX)]
        await asyncio.sleep(0)
        with pytest.raises(TranscriptionUnavailable) as refused:
            await process.hear(b"", "en")
        assert refused.value.failure is Failure.RATE_LIMITED
        assert process.refused == 1
        for call in calls:
            call.cancel()


async def test_who_waits_too_long_is_told_and_a_stalled_child_is_killed_at_the_next_utterance(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whisper_process, "STALLED_S", 0.02)
    async with WhisperProcess.start(folder, Patience(0.05), child(STALLED)) as process:
        before = process.pid
        with pytest.raises(TranscriptionUnavailable, match="too slow") as late:
            await process.hear(UTTERANCE, "en")
        assert late.value.failure is Failure.TIMEOUT
        with pytest.raises(TranscriptionUnavailable, match="away"):
            await process.hear(UTTERANCE, "en")
        async with asyncio.timeout(20):
            while process.pid in (before, None):  # noqa: ASYNC110 - it tells nobody but metrics
                await asyncio.sleep(0.01)
        assert process.restarts == 1


@pytest.mark.parametrize("code", [DIES, GARBAGE, STRANGER])
async def test_a_child_that_dies_or_talks_nonsense_fails_its_requests_and_is_started_again(
    folder: Path, code: str
) -> None:
    async with WhisperProcess.start(folder, PATIENT, child(code)) as process, asyncio.TaskGroup() as tasks:
        calls = [tasks.create_task(_failure(process)) for _ in range(3)]
        assert "went away" in (await calls[0])
        assert "away" in (await calls[2])
        await until("alive", process)
        assert process.restarts == 1


async def _failure(process: WhisperProcess) -> str:
    with pytest.raises(TranscriptionUnavailable) as failed:
        await process.hear(UTTERANCE, "en")
    return str(failed.value)


async def test_a_refusal_of_the_child_s_is_its_answer(folder: Path) -> None:
    async with WhisperProcess.start(folder, PATIENT, child(UNABLE)) as process:
        with pytest.raises(TranscriptionUnavailable, match="whisper: no"):
            await process.hear(UTTERANCE, "en")
        assert process.alive


async def test_a_killed_child_comes_back_and_hears_again(folder: Path) -> None:
    async with WhisperProcess.start(folder, PATIENT) as process:
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        await until("dead", process)
        with pytest.raises(TranscriptionUnavailable, match="away"):
            await process.hear(UTTERANCE, "en")
        await until("alive", process)
        assert (await process.hear(UTTERANCE, "en")).text == "yes i do"


async def test_no_child_is_left_behind(folder: Path) -> None:
    async with WhisperProcess.start(folder, PATIENT) as process:
        pid = process.pid
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
