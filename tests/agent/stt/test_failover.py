"""A second recogniser takes over in mid-call and gets the utterance that the first one lost (P3)."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest

from agent.llm.breaker import FAILURES_MAX, Breaker, State
from agent.llm.port import Failure
from agent.speech_process import SpeechProcess
from agent.stt.embedded import EmbeddedRecognizers
from agent.stt.failover import HEDGE_AFTER_S, FailoverRecognizer, FailoverRecognizers, Route
from agent.stt.port import Feeding, OnPartial, OnTurn, Transcript, TranscriptionUnavailable, no_turns
from bench.providers.socket_server import SpeechServer
from bench.providers.speech_script import Fault, Hearing, Reaction, Refusal
from media.codec import g711
from tests.agent.stt.engines import PHRASES, WORDS, coded, deepgram, utter
from tests.virtual_clock import run_virtual

ULAW = Feeding(ulaw=True)
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


@dataclass
class Slow:
    """Implements `RecognizerFactory` and `Recognizer`: so long from the end to its words."""

    final_s: float
    feeding: Feeding = ULAW
    open_s: float = 0.05
    fed: list[bytes] = field(default_factory=list)
    closed: int = 0

    async def open(self, phrases: tuple[str, ...], on_partial: OnPartial, on_turn: OnTurn = no_turns) -> "Slow":
        await asyncio.sleep(self.open_s)
        return self

    def begin(self) -> None:
        self.fed.clear()

    def feed(self, audio: bytes) -> None:
        self.fed.append(audio)

    async def finish(self) -> Transcript:
        await asyncio.sleep(self.final_s)
        return Transcript(f"{len(self.fed)} frames")

    async def aclose(self) -> None:
        self.closed += 1


FRAME = g711.ULAW_SILENCE * 160


def held(first: Slow, second: Slow, frames_while_waiting: int = 0) -> tuple[FailoverRecognizer, Transcript, float]:
    """Have three frames understood; returns also how long that took. The breakers are the routes'."""

    async def main() -> tuple[FailoverRecognizer, Transcript, float]:
        loop = asyncio.get_running_loop()
        routes = [Route(name, ear, Breaker()) for name, ear in (("first", first), ("second", second))]
        recognizer = await FailoverRecognizers(routes, loop.time).open((), lambda _: None)
        recognizer.begin()
        for _ in range(3):
            recognizer.feed(FRAME)
        began_s = loop.time()
        async with asyncio.TaskGroup() as tasks:
            finishing = tasks.create_task(recognizer.finish())
            for _ in range(frames_while_waiting):
                await asyncio.sleep(0.5)
                recognizer.feed(FRAME)
        return recognizer, finishing.result(), round(loop.time() - began_s, 3)

    return run_virtual(main())


def breakers(recognizer: FailoverRecognizer) -> list[Breaker]:
    return [route.breaker for route in recognizer._routes]


def test_one_that_hangs_is_not_waited_for_to_its_time_out() -> None:
    first, second = Slow(5.0), Slow(0.1)
    recognizer, heard, took_s = held(first, second)
    assert heard.text == "3 frames"
    assert took_s == HEDGE_AFTER_S + second.open_s + second.final_s
    assert recognizer.switches == 1
    assert (first.closed, second.closed) == (1, 0)
    assert [breaker.failures for breaker in breakers(recognizer)] == [1, 0]


def test_a_rival_that_was_not_needed_is_let_go_and_not_blamed() -> None:
    first, second = Slow(0.6), Slow(2.0)
    recognizer, heard, took_s = held(first, second)
    assert (heard.text, took_s) == ("3 frames", 0.6)
    assert recognizer.switches == 0
    assert (first.closed, second.closed) == (0, 1)
    assert [breaker.failures for breaker in breakers(recognizer)] == [0, 0]


def test_one_that_cannot_be_opened_in_time_is_counted_and_the_first_is_waited_for() -> None:
    first, second = Slow(3.0), Slow(0.1, open_s=60.0)
    recognizer, heard, took_s = held(first, second)
    assert (heard.text, took_s) == ("3 frames", 3.0)
    assert [breaker.failures for breaker in breakers(recognizer)] == [0, 1]


def test_a_rival_that_hears_everything_hears_what_comes_while_it_is_waited_for() -> None:
    first, second = Slow(5.0), Slow(1.0, Feeding(ulaw=False, continuous=True))
    _, heard, _ = held(first, second, frames_while_waiting=2)
    assert heard.text == "1 frames"  # three came before `begin`, as its preroll; one of two while it ran
    assert {len(frame) for frame in second.fed} == {2 * len(FRAME)}
