"""The speech process and its child: restarts, stalls, floods, all with real processes."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import pytest

from agent import speech_process
from agent.speech_process import SpeechProcess
from agent.stt.embedded import EmbeddedRecognizers
from agent.stt.port import TranscriptionUnavailable
from agent.tts.embedded import EmbeddedVoice
from agent.tts.port import Speech, SpeechUnavailable
from tests.agent.stt.lines import spoken

PHRASES = ("yes i do", "tomorrow at ten", "take me off your list", "hello")
SENTENCE = "Hello, this is Alex, and this call is recorded."

# Peers that misbehave: they speak the wire's first word and then go wrong.
READY = (
    "import sys,time;from agent import speech_wire as w, worker_frames as f;"
    "o=sys.stdout.buffer;o.write(f.encode(w.Ready()));o.flush();"
)
STALLED = READY + "time.sleep(600)"
DIES = READY + "sys.stdin.buffer.read(4)"
GARBAGE = READY + "sys.stdin.buffer.read(4);o.write(b'\\xff'*64);o.flush();time.sleep(600)"


def child(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


@pytest.fixture(name="process")
async def _process() -> AsyncGenerator[SpeechProcess, None]:
    async with SpeechProcess(PHRASES) as process:
        yield process


async def say(process: SpeechProcess, text: str = SENTENCE) -> list[Speech]:
    async with aclosing(EmbeddedVoice(process).speak(text)) as pieces:
        return [piece async for piece in pieces]


async def until_alive(process: SpeechProcess) -> None:
    async with asyncio.timeout(15):
        while not process.alive:  # noqa: ASYNC110 - it tells nobody but metrics
            await asyncio.sleep(0.01)


def ignore(_partial: str) -> None:
    pass


async def test_a_sentence_comes_in_pieces_with_each_word_once(process: SpeechProcess) -> None:
    pieces = await say(process)

    assert len(pieces) > 5
    assert {piece.rate_hz for piece in pieces} == {8_000}
    assert " ".join(word.text for piece in pieces for word in piece.words) == SENTENCE
    at_ms = 0.0
    for piece in pieces:
        at_ms += len(piece.audio) / 16
        assert all(word.start_ms <= at_ms for word in piece.words)


async def test_many_calls_speak_and_listen_at_once(process: SpeechProcess, tmp_path: Path) -> None:
    line = spoken("Tomorrow at ten.", "klatt6", tmp_path)
    recognizers = EmbeddedRecognizers(process)
    heard: list[str] = []
    said: list[int] = []

    async def listen() -> None:
        recognizer = await recognizers.open(PHRASES, ignore)
        recognizer.begin()
        for at in range(0, len(line), 320):
            recognizer.feed(line[at : at + 320])
            await asyncio.sleep(0)
        heard.append((await recognizer.finish()).text)
        await recognizer.aclose()

    async def speak() -> None:
        said.append(sum(len(piece.audio) for piece in await say(process)))

    async with asyncio.TaskGroup() as tasks:
        for _ in range(5):
            tasks.create_task(listen())
            tasks.create_task(speak())

    assert heard == ["tomorrow at ten"] * 5
    assert max(said) - min(said) < 1_000
    assert process.restarts == 0


async def test_partial_transcripts_arrive_while_listening(process: SpeechProcess, tmp_path: Path) -> None:
    partials: list[str] = []
    recognizer = await EmbeddedRecognizers(process).open(PHRASES, partials.append)
    recognizer.begin()
    recognizer.feed(spoken("Take me off your list.", "klatt6", tmp_path))
    transcript = await recognizer.finish()

    assert transcript.text == "take me off your list"
    assert transcript.words[0].start_ms >= 100
    assert partials


async def test_an_utterance_begun_anew_drops_the_old_one(process: SpeechProcess, tmp_path: Path) -> None:
    recognizer = await EmbeddedRecognizers(process).open(PHRASES, ignore)
    recognizer.begin()
    recognizer.feed(spoken("Take me off your list.", "klatt6", tmp_path))
    recognizer.begin()
    recognizer.feed(spoken("Tomorrow at ten.", "klatt6", tmp_path))
    assert (await recognizer.finish()).text == "tomorrow at ten"
    with pytest.raises(TranscriptionUnavailable):
        await recognizer.finish()


async def test_an_utterance_has_a_bound(process: SpeechProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.stt.embedded.UTTERANCE_BYTES_MAX", 3_200)
    recognizer = await EmbeddedRecognizers(process).open(PHRASES, ignore)
    recognizer.begin()
    for _ in range(12):
        recognizer.feed(bytes(320))
    assert recognizer.dropped_bytes == 640
    assert (await recognizer.finish()).text == ""


async def test_closing_the_generator_takes_the_request_back(process: SpeechProcess) -> None:
    async with aclosing(EmbeddedVoice(process).speak(SENTENCE)) as pieces:
        await anext(pieces)
    assert await say(process)
    assert process.restarts == 0


async def test_what_cannot_be_done_is_said_and_harms_nobody_else(process: SpeechProcess) -> None:
    with pytest.raises(SpeechUnavailable, match="unknown voice"):
        async with aclosing(EmbeddedVoice(process, "xx-nobody").speak("Hello.")) as pieces:
            await anext(pieces)
    with pytest.raises(TranscriptionUnavailable):
        await EmbeddedRecognizers(process).open(("xyzzyq",), ignore)
    assert await say(process)


async def test_a_killed_child_fails_what_is_in_flight_and_comes_back(process: SpeechProcess, tmp_path: Path) -> None:
    recognizer = await EmbeddedRecognizers(process).open(PHRASES, ignore)
    recognizer.begin()
    recognizer.feed(spoken("Tomorrow at ten.", "klatt6", tmp_path))
    first = process.pid
    assert first is not None
    os.kill(first, signal.SIGSTOP)  # so that the answers cannot overtake the end
    speaking = EmbeddedVoice(process).speak(SENTENCE)
    async with aclosing(speaking), asyncio.TaskGroup() as tasks:
        piece = tasks.create_task(_failure(anext(speaking)))
        transcript = tasks.create_task(_failure(recognizer.finish()))
        await asyncio.sleep(0)
        os.kill(first, signal.SIGKILL)
    assert piece.result() is SpeechUnavailable
    assert transcript.result() is TranscriptionUnavailable

    await until_alive(process)
    assert process.restarts == 1
    assert process.pid != first
    recognizer.begin()
    recognizer.feed(spoken("Tomorrow at ten.", "klatt6", tmp_path))
    assert (await recognizer.finish()).text == "tomorrow at ten"
    assert await say(process)


async def _failure(work: object) -> type[Exception] | None:
    assert hasattr(work, "__await__")
    try:
        await work
    except (SpeechUnavailable, TranscriptionUnavailable) as error:
        return type(error)
    return None


async def test_leaving_ends_the_child() -> None:
    async with SpeechProcess() as process:
        pid = process.pid
        assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not process.alive
    with pytest.raises(SpeechUnavailable):
        await say(process)


async def test_a_stopped_child_is_killed_when_leaving(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech_process, "STOP_TIMEOUT_S", 0.2)
    async with SpeechProcess(command=child(STALLED)) as process:
        pid = process.pid
        assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_stalled_child_is_killed_and_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech_process, "ANSWER_TIMEOUT_S", 0.1)
    monkeypatch.setattr(speech_process, "PREPARE_TIMEOUT_S", 0.1)
    async with SpeechProcess(command=child(STALLED)) as process:
        first = process.pid
        with pytest.raises(SpeechUnavailable, match="does not answer"):
            await say(process)
        assert not process.alive
        await until_alive(process)
        assert process.pid != first
        with pytest.raises(TranscriptionUnavailable, match="does not answer"):
            await process.prepare(PHRASES)
        await until_alive(process)
        utterance = process.begin("m", "", ignore)
        assert utterance is not None
        with pytest.raises(TranscriptionUnavailable, match="does not answer"):
            await process.finish(utterance)
        await until_alive(process)
        assert process.restarts == 3


async def test_a_child_that_takes_nothing_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech_process, "UNSENT_BYTES_MAX", 10_000)
    async with SpeechProcess(command=child(STALLED)) as process:
        utterance = process.begin("m", "", ignore)
        assert utterance is not None
        for _ in range(100):
            process.feed(utterance, bytes(32_000))
            if not process.alive:
                break
        assert not process.alive
        assert process.begin("m", "", ignore) is None


@pytest.mark.parametrize("code", [DIES, GARBAGE])
async def test_a_child_that_dies_or_babbles_is_replaced(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech_process, "STOP_TIMEOUT_S", 0.2)
    async with SpeechProcess(command=child(code)) as process:
        with pytest.raises(SpeechUnavailable, match="went away"):
            await say(process)
        with pytest.raises(SpeechUnavailable, match="away"):
            await say(process)
        await until_alive(process)
        assert process.restarts == 1


async def test_a_child_that_never_starts_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech_process, "START_TIMEOUT_S", 0.5)
    with pytest.raises(SpeechUnavailable, match="does not start"):
        async with SpeechProcess(command=("/nonexistent/python",)):
            pass
    with pytest.raises(SpeechUnavailable, match="does not start"):
        async with SpeechProcess(command=child("pass")):
            pass


async def test_our_secrets_do_not_reach_the_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALESOS_SECRET_KEY", "very secret")
    async with SpeechProcess() as process:
        environment = Path(f"/proc/{process.pid}/environ").read_bytes()
    assert b"SALESOS" not in environment
