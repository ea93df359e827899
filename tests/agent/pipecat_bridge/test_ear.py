"""pipecat's Deepgram service behind the bridge, and what becomes of its failures; see also stt/test_contract.py."""

import asyncio

import pytest

from agent.llm.port import Failure
from agent.stt.port import TranscriptionUnavailable
from bench.providers.speech_script import Fault, Hearing, Refusal
from tests.agent.stt.engines import WORDS, coded, pipecat, utter


def ignore(_text: str) -> None:
    pass


@pytest.mark.parametrize(
    ("status", "failure"),
    [(401, Failure.REFUSED_KEY), (429, Failure.RATE_LIMITED), (400, Failure.REFUSED_REQUEST)],
)
async def test_a_refused_connection_is_told_before_the_dial(status: int, failure: Failure) -> None:
    async with pipecat(Refusal(status)) as (factory, _server):
        with pytest.raises(TranscriptionUnavailable) as refused:
            await factory.open((), ignore)
    assert refused.value.failure is failure


async def test_a_wrong_key_is_told_without_showing_it() -> None:
    async with pipecat(key="wrong-key") as (factory, _server):
        with pytest.raises(TranscriptionUnavailable) as refused:
            await factory.open((), ignore)
    assert refused.value.failure is Failure.REFUSED_KEY
    assert "wrong-key" not in str(refused.value)


@pytest.mark.parametrize("fault", Fault)
async def test_a_connection_that_goes_wrong_under_the_words_is_told_and_the_next_utterance_is_heard(
    fault: Fault,
) -> None:
    broken = Hearing(vocabulary=WORDS, fault=fault, fault_after_ms=1_000)
    async with pipecat(broken, Hearing(vocabulary=WORDS)) as (factory, server):
        recognizer = await factory.open((), ignore)
        await utter(recognizer, coded("tomorrow at ten"))
        with pytest.raises(TranscriptionUnavailable) as failed:
            async with asyncio.timeout(3):
                await recognizer.finish()
        assert failed.value.failure in (Failure.TIMEOUT, Failure.UNAVAILABLE)
        await utter(recognizer, coded("yes i do"))
        assert (await recognizer.finish()).text == "yes i do"
        assert len(server.seen) == 2
        await recognizer.aclose()


async def test_a_vendor_that_falls_silent_is_told_from_a_caller_who_says_nothing() -> None:
    stalls = Hearing(vocabulary=WORDS, fault=Fault.STALL, fault_after_ms=4_000)
    async with pipecat(stalls) as (factory, _server):
        recognizer = await factory.open((), ignore)
        await utter(recognizer, coded("yes i do"))
        assert (await recognizer.finish()).text == "yes i do"
        for _ in range(2):
            await utter(recognizer, bytes(8_000))
        with pytest.raises(TranscriptionUnavailable) as failed:
            await recognizer.finish()
        assert failed.value.failure is Failure.TIMEOUT
        await recognizer.aclose()


async def test_what_was_said_leaves_no_trace_in_the_log(capfd: pytest.CaptureFixture[str]) -> None:
    async with pipecat() as (factory, _server):
        recognizer = await factory.open((), ignore)
        await utter(recognizer, coded("tomorrow at ten"))
        await recognizer.finish()
        await recognizer.aclose()
    seen = capfd.readouterr()
    assert "tomorrow" not in seen.out + seen.err
    assert "pipecat:" not in seen.err


async def test_no_task_outlives_the_call() -> None:
    async with pipecat() as (factory, _server):
        before = len(asyncio.all_tasks())
        recognizer = await factory.open((), ignore)
        await utter(recognizer, coded("yes i do"))
        await recognizer.finish()
        await recognizer.aclose()
        async with asyncio.timeout(5):
            while len(asyncio.all_tasks()) > before:  # noqa: ASYNC110 - tasks tell nobody
                await asyncio.sleep(0.01)
