"""pipecat's ElevenLabs service behind the bridge, and what becomes of its failures; see also tts/test_contract.py."""

import asyncio
from contextlib import aclosing

import pytest

from agent.llm.port import Failure
from agent.pipecat_bridge import mouth
from agent.tts.port import Speech, SpeechUnavailable, Voice
from bench.providers.speech_script import Fault, Refusal, Saying
from tests.agent.tts.voices import SENTENCE, WORDS, pipecat


async def speak(voice: Voice, text: str = SENTENCE) -> list[Speech]:
    async with aclosing(voice.speak(text)) as pieces:
        return [piece async for piece in pieces]


async def test_a_sentence_that_is_taken_back_is_taken_back_at_the_vendor_s() -> None:
    async with pipecat(Saying(vocabulary=WORDS, gap_s=0.05)) as (voice, server):
        async with aclosing(voice.speak(SENTENCE)) as pieces:
            await anext(pieces)
        # The service closes each context behind its text, and this one again because of the interruption.
        async with asyncio.timeout(5):
            while sum("close_context" in message for message in server.seen[0].messages) < 2:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)
        assert await speak(voice, "one two three")
        assert server.seen[0].texts == [SENTENCE, "one two three"]


async def test_a_voice_that_tells_no_times_gets_its_words_by_their_letters() -> None:
    async with pipecat(Saying(vocabulary=WORDS, aligned=False)) as (voice, _server):
        for _ in range(2):
            pieces = await speak(voice, "one two three")
            words = [word for piece in pieces for word in piece.words]
            assert [word.text for word in words] == ["one", "two", "three"]
            assert words[2].end_ms - words[2].start_ms > words[0].end_ms - words[0].start_ms > 100


@pytest.mark.parametrize(
    ("status", "failure"),
    [(401, Failure.REFUSED_KEY), (429, Failure.RATE_LIMITED), (500, Failure.UNAVAILABLE)],
)
async def test_a_refused_connection_is_told(status: int, failure: Failure) -> None:
    async with pipecat(Refusal(status)) as (voice, _server):
        await voice.warm()
        with pytest.raises(SpeechUnavailable) as refused:
            await speak(voice)
    assert refused.value.failure is failure


async def test_a_voice_that_a_key_was_refused_for_is_not_asked_again() -> None:
    async with pipecat(key="wrong-key") as (voice, server):
        for _ in range(3):
            with pytest.raises(SpeechUnavailable) as refused:
                await speak(voice)
            assert "wrong-key" not in str(refused.value)
        assert len(server.seen) <= 1


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("after", [0, 2])
async def test_a_connection_that_goes_wrong_within_a_sentence_is_told_and_the_next_one_is_spoken(
    fault: Fault, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mouth, "FIRST_TIMEOUT_S", 2.0)
    monkeypatch.setattr(mouth, "NEXT_TIMEOUT_S", 0.7)
    async with pipecat(
        Saying(vocabulary=WORDS, gap_s=0.02, fault=fault, fault_after=after), Saying(vocabulary=WORDS)
    ) as (voice, server):
        pieces: list[Speech] = []
        with pytest.raises(SpeechUnavailable) as failed:  # noqa: PT012 - what came before it broke is wanted
            async with aclosing(voice.speak(SENTENCE)) as speech:
                async for piece in speech:
                    pieces.append(piece)  # noqa: PERF401 - the same
        assert failed.value.failure in (Failure.TIMEOUT, Failure.UNAVAILABLE)
        assert sum(bool(piece.audio) for piece in pieces) == after
        assert await speak(voice, "one two")
        assert len(server.seen) >= 2  # the service reconnects by itself, too
