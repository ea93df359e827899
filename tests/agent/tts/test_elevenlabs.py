"""ElevenLabs over its socket against a server that speaks its wire format: words, taking back, breaks, refusals."""

import asyncio
import json
from contextlib import aclosing

import pytest

from agent.llm.port import Failure
from agent.tts.elevenlabs import ElevenLabsVoice
from agent.tts.port import Encoding, Speech, SpeechUnavailable
from bench.providers.speech_script import Fault, Refusal, Saying
from tests.agent.tts.voices import SENTENCE, WORDS, elevenlabs


async def speak(voice: ElevenLabsVoice, text: str = SENTENCE) -> list[Speech]:
    async with aclosing(voice.speak(text)) as pieces:
        return [piece async for piece in pieces]


def heard(pieces: list[Speech]) -> list[str]:
    return [word.text for word in WORDS.understand(b"".join(piece.audio for piece in pieces))]


async def test_the_line_s_own_bytes_come_with_words_where_they_are() -> None:
    async with elevenlabs(Saying(vocabulary=WORDS, piece_ms=170)) as (voice, server):
        assert await voice.warm()
        for text in (SENTENCE, "one two three"):
            pieces = await speak(voice, text)
            assert {piece.encoding for piece in pieces} == {Encoding.ULAW}
            assert heard(pieces) == text.split()
            words = [word for piece in pieces for word in piece.words]
            assert [(word.text, word.start_ms, word.end_ms) for word in words] == [
                (word, number * 300, number * 300 + 240) for number, word in enumerate(text.split())
            ]
    assert len(server.seen) == 1
    assert server.seen[0].path == "/v1/text-to-speech/voice-1/multi-stream-input"
    assert server.seen[0].query["output_format"] == "ulaw_8000"
    assert server.seen[0].query["language_code"] == "en"
    assert server.seen[0].texts == [SENTENCE, "one two three"]
    assert server.seen[0].cancelled == 0


async def test_taking_speech_back_reaches_the_vendor() -> None:
    async with elevenlabs(Saying(vocabulary=WORDS, gap_s=0.05)) as (voice, server):
        async with aclosing(voice.speak(SENTENCE)) as pieces:
            await anext(pieces)
        await server.until(lambda: server.seen[0].cancelled == 1)
        assert heard(await speak(voice, "one two")) == ["one", "two"]
        assert server.seen[0].pieces_sent < 8


async def test_without_times_the_speech_still_ends() -> None:
    async with elevenlabs(Saying(vocabulary=WORDS, aligned=False)) as (voice, _server):
        assert heard(await speak(voice, "one two three")) == ["one", "two", "three"]


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        (Fault.CUT, Failure.CUT),
        (Fault.GARBAGE, Failure.GARBAGE),
        (Fault.SHAPELESS, Failure.GARBAGE),
        (Fault.ERROR, Failure.UNAVAILABLE),
        (Fault.STALL, Failure.TIMEOUT),
    ],
)
@pytest.mark.parametrize("after", [0, 3])
async def test_a_fault_gives_what_came_before_it_and_then_fails(
    fault: Fault, failure: Failure, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.tts.elevenlabs.FIRST_TIMEOUT_S", 0.5)
    monkeypatch.setattr("agent.tts.elevenlabs.NEXT_TIMEOUT_S", 0.5)
    broken = Saying(vocabulary=WORDS, fault=fault, fault_after=after)
    async with elevenlabs(broken, Saying(vocabulary=WORDS)) as (voice, server):
        got: list[Speech] = []
        async with aclosing(voice.speak(SENTENCE)) as pieces:
            got += [await anext(pieces) for _ in range(after)]
            with pytest.raises(SpeechUnavailable) as failed:
                await anext(pieces)
        assert failed.value.failure is failure
        assert heard(got) == SENTENCE.split()[: len(heard(got))]
        if fault is not Fault.STALL:
            await server.until(lambda: len(server.seen) == 2)
            assert heard(await speak(voice, "one two")) == ["one", "two"]


@pytest.mark.parametrize(
    ("status", "failure"), [(401, Failure.REFUSED_KEY), (429, Failure.RATE_LIMITED), (500, Failure.UNAVAILABLE)]
)
async def test_refusals_are_told_apart(status: int, failure: Failure) -> None:
    async with elevenlabs(Refusal(status)) as (voice, _server):
        assert not await voice.warm()
        with pytest.raises(SpeechUnavailable) as failed:
            await speak(voice)
        assert failed.value.failure is failure


async def test_a_text_of_nothing_that_can_be_said_is_a_failure() -> None:
    async with elevenlabs() as (voice, _server):
        with pytest.raises(SpeechUnavailable):
            await asyncio.wait_for(speak(voice, " "), 5)


async def test_keep_alives_hold_the_socket_and_closing_tells_the_vendor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.tts.elevenlabs.KEEP_ALIVE_S", 0.05)
    async with elevenlabs() as (voice, server):
        assert await voice.warm()
        await server.until(lambda: len(server.seen[0].messages) >= 3)
        await voice.aclose()
        await server.until(lambda: server.open_count == 0)
    assert json.loads(server.seen[0].messages[0]) == {"text": ""}
    assert json.loads(server.seen[0].messages[-1]) == {"close_socket": True}
