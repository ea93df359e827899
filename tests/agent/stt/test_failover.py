"""A second recogniser takes over in mid-call and gets the utterance that the first one lost (P3)."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from agent.llm.breaker import FAILURES_MAX, Breaker, State
from agent.llm.port import Failure
from agent.speech_process import SpeechProcess
from agent.stt.embedded import EmbeddedRecognizers
from agent.stt.failover import FailoverRecognizer, FailoverRecognizers, Route
from agent.stt.port import TranscriptionUnavailable
from bench.providers.socket_server import SpeechServer
from bench.providers.speech_script import Fault, Hearing, Reaction, Refusal
from tests.agent.stt.engines import PHRASES, WORDS, coded, deepgram, utter

GOOD = Hearing(vocabulary=WORDS, turn_s=2.0)


class Pair:
    """Two recognisers behind breakers, and their servers."""

    def __init__(self) -> None:
        self.stack = AsyncExitStack()
        self.breakers = (Breaker(), Breaker())
        self.servers: list[SpeechServer] = []
        self.partials: list[str] = []

    async def open(
        self,
        first: tuple[Reaction, ...],
        second: tuple[Reaction, ...] = (GOOD,),
        models: tuple[str, str] = ("nova-3",) * 2,
    ) -> FailoverRecognizer:
        routes = []
        for number, reactions in enumerate((first, second)):
            factory, server = await self.stack.enter_async_context(deepgram(*reactions, model=models[number]))
            self.servers.append(server)
            routes.append(Route(f"route{number}", factory, self.breakers[number]))
        factories = FailoverRecognizers(routes, asyncio.get_running_loop().time)
        recognizer = await factories.open(PHRASES, self.partials.append)
        self.stack.push_async_callback(recognizer.aclose)
        return recognizer

    async def __aenter__(self) -> "Pair":
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.stack.aclose()


@pytest.mark.parametrize("fault", list(Fault))
@pytest.mark.parametrize("models", [("nova-3", "nova-3"), ("nova-3", "flux-general-en"), ("flux-general-en", "nova-3")])
async def test_whatever_befalls_the_first_the_second_hears_the_whole_utterance(
    fault: Fault, models: tuple[str, str]
) -> None:
    async with Pair() as pair:
        broken = Hearing(vocabulary=WORDS, turn_s=2.0, fault=fault, fault_after_ms=900)
        recognizer = await pair.open((broken,), models=models)
        for text in ("alpha bravo charlie delta", "echo foxtrot"):
            await utter(recognizer, coded(text))
            heard = await recognizer.finish()
            assert heard.text == text
            assert heard.words[0].start_ms == pytest.approx(480, abs=20)
        assert recognizer.switches == 1
        again = [word.text for word in WORDS.understand(bytes(pair.servers[1].seen[0].audio))]
        assert again == ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot"]


async def test_a_first_one_that_refuses_is_not_in_the_call_s_way() -> None:
    async with Pair() as pair:
        recognizer = await pair.open((Refusal(401),))
        await utter(recognizer, coded("alpha"))
        assert (await recognizer.finish()).text == "alpha"
        assert pair.breakers[0].state is State.OPEN
        assert recognizer.switches == 0


async def test_one_that_rests_is_not_asked() -> None:
    async with Pair() as pair:
        for _ in range(FAILURES_MAX):
            pair.breakers[0].failed(Failure.UNAVAILABLE, asyncio.get_running_loop().time())
        recognizer = await pair.open((GOOD,))
        await utter(recognizer, coded("alpha"))
        assert (await recognizer.finish()).text == "alpha"
        assert pair.servers[0].seen == []


async def test_with_both_gone_the_call_is_told_and_goes_on_with_who_comes_back() -> None:
    broken = Hearing(vocabulary=WORDS, fault=Fault.CUT, fault_after_ms=300)
    async with Pair() as pair:
        recognizer = await pair.open((broken,), (Refusal(500), Refusal(500), GOOD))
        await utter(recognizer, coded("alpha bravo"))
        with pytest.raises(TranscriptionUnavailable):
            await recognizer.finish()
        await utter(recognizer, coded("charlie"))
        assert (await recognizer.finish()).text == "charlie"


async def test_an_engine_that_wants_linear_samples_takes_over_from_one_that_wants_the_line_s() -> None:
    async with SpeechProcess(PHRASES) as process, deepgram(Hearing(vocabulary=WORDS, fault=Fault.CUT)) as (first, _):
        routes = (Route("first", first, Breaker()), Route("embedded", EmbeddedRecognizers(process), Breaker()))
        recognizer = await FailoverRecognizers(routes, asyncio.get_running_loop().time).open(
            PHRASES, lambda _text: None
        )
        await utter(recognizer, coded("alpha"))
        heard = await recognizer.finish()  # tones are no words to it, but they are understood as audio
        assert not recognizer.feeding.ulaw
        assert heard.text == ""
        await recognizer.aclose()
