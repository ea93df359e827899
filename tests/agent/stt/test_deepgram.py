"""Deepgram through its SDK against a server that speaks its wire format: words, breaks, refusals."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from agent.llm.links import Access
from agent.llm.port import Failure
from agent.stt.deepgram import DeepgramRecognizer, DeepgramRecognizers
from agent.stt.port import TranscriptionUnavailable, TurnSign
from bench.providers.coded_speech import Vocabulary
from bench.providers.deepgram import Deepgram
from bench.providers.socket_server import SpeechServer
from bench.providers.speech_script import Fault, Hearing, InTurn, Reaction
from media.codec.g711 import ULAW_SILENCE
from media.frame import FRAME_SAMPLES

WORDS = Vocabulary(
    ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliett", "kilo", "lima"]
)
PREROLL = ULAW_SILENCE * FRAME_SAMPLES * 24


@asynccontextmanager
async def opened(
    *reactions: Reaction,
    model: str = "nova-3",
    key: str = "k",
    partials: list[str] | None = None,
    signs: list[TurnSign] | None = None,
) -> AsyncGenerator[tuple[DeepgramRecognizer, SpeechServer]]:
    script = InTurn(reactions or (Hearing(vocabulary=WORDS),))
    async with SpeechServer(Deepgram(), script, frozenset({"k"})) as server, asyncio.TaskGroup() as tasks:
        factory = DeepgramRecognizers(Access(key, server.url), model, "en-US", tasks)
        on_partial = partials.append if partials is not None else lambda _text: None
        on_turn = signs.append if signs is not None else lambda _sign: None
        recognizer = await factory.open((), on_partial, on_turn)
        try:
            yield recognizer, server
        finally:
            await recognizer.aclose()


async def say(recognizer: DeepgramRecognizer, speech: bytes) -> None:
    """Feed frames, letting the socket's task work between them as a call does."""
    for at in range(0, len(speech), FRAME_SAMPLES):
        recognizer.feed(speech[at : at + FRAME_SAMPLES])
        await asyncio.sleep(0)


async def test_each_utterance_has_its_words_and_their_times() -> None:
    partials: list[str] = []
    async with opened(partials=partials) as (recognizer, server):
        for text in ("alpha bravo charlie", "delta", "echo foxtrot"):
            recognizer.begin()
            await say(recognizer, PREROLL + WORDS.say(text))
            heard = await recognizer.finish()
            assert heard.text == text
            assert [word.start_ms for word in heard.words] == [
                480 + 300 * number for number in range(len(text.split()))
            ]
            assert heard.confidence == pytest.approx(0.98)
    assert "alpha bravo" in partials
    assert server.seen[0].query["encoding"] == "mulaw"
    assert server.seen[0].query["sample_rate"] == "8000"
    assert server.seen[0].query["language"] == "en-US"


async def test_what_was_fed_goes_out_as_it_is_and_in_packets() -> None:
    async with opened() as (recognizer, server):
        recognizer.begin()
        speech = PREROLL + WORDS.say("golf hotel") + b"\x11" * 7
        await say(recognizer, speech)
        await recognizer.finish()
        assert bytes(server.seen[0].audio) == speech


async def test_the_end_of_a_word_does_not_wait_for_a_full_packet() -> None:
    async with opened() as (recognizer, server):
        recognizer.begin()
        await say(recognizer, WORDS.word("golf", 140) + ULAW_SILENCE * FRAME_SAMPLES)
        await server.until(lambda: len(server.seen[0].audio) == 8 * FRAME_SAMPLES)


async def test_an_utterance_without_words_is_an_empty_text() -> None:
    async with opened() as (recognizer, _server):
        recognizer.begin()
        await say(recognizer, PREROLL)
        assert (await recognizer.finish()).text == ""


async def test_an_utterance_that_was_dropped_is_not_told_with_the_next_one() -> None:
    async with opened() as (recognizer, _server):
        recognizer.begin()
        await say(recognizer, PREROLL + WORDS.say("alpha bravo"))
        recognizer.begin()
        await say(recognizer, PREROLL + WORDS.say("charlie"))
        assert (await recognizer.finish()).text == "charlie"


async def test_a_final_before_we_ask_is_not_lost_and_not_doubled() -> None:
    signs: list[TurnSign] = []
    async with opened(Hearing(vocabulary=WORDS), signs=signs) as (recognizer, _server):
        recognizer.begin()
        await say(recognizer, WORDS.say("alpha") + PREROLL)
        while TurnSign.PROBABLY_OVER not in signs:  # noqa: ASYNC110 - the server's word comes over a socket
            await asyncio.sleep(0.01)
        await say(recognizer, WORDS.say("bravo"))
        assert (await recognizer.finish()).text == "alpha bravo"
    assert signs[0] is TurnSign.STARTED


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.GARBAGE, Fault.SHAPELESS, Fault.ERROR])
@pytest.mark.parametrize("after_ms", [100, 700, 1_400])
async def test_a_connection_that_breaks_loses_and_doubles_nothing(fault: Fault, after_ms: int) -> None:
    broken = Hearing(vocabulary=WORDS, fault=fault, fault_after_ms=after_ms)
    async with opened(broken, Hearing(vocabulary=WORDS)) as (recognizer, server):
        recognizer.begin()
        await say(recognizer, PREROLL + WORDS.say("alpha bravo charlie delta"))
        heard = await recognizer.finish()
        assert heard.text == "alpha bravo charlie delta"
        assert [word.start_ms for word in heard.words] == [480, 780, 1_080, 1_380]
        assert len(server.seen) == 2


async def test_a_break_after_a_final_sends_only_what_no_final_told() -> None:
    signs: list[TurnSign] = []
    first = Hearing(vocabulary=WORDS, fault=Fault.CUT, fault_after_ms=1_400)
    async with opened(first, Hearing(vocabulary=WORDS), signs=signs) as (recognizer, server):
        recognizer.begin()
        await say(recognizer, WORDS.say("alpha bravo") + PREROLL)
        while TurnSign.PROBABLY_OVER not in signs:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await say(recognizer, WORDS.say("charlie delta"))
        assert (await recognizer.finish()).text == "alpha bravo charlie delta"
        again = [word.text for word in WORDS.understand(bytes(server.seen[1].audio))]
        assert again == ["charlie", "delta"]


async def test_a_break_between_utterances_is_mended_before_the_next() -> None:
    async with opened() as (recognizer, server):
        recognizer.begin()
        await say(recognizer, PREROLL + WORDS.say("alpha"))
        await recognizer.finish()
        recognizer._break()
        await server.until(lambda: len(server.seen) == 2 and server.open_count == 1)
        recognizer.begin()
        await say(recognizer, PREROLL + WORDS.say("bravo"))
        assert (await recognizer.finish()).text == "bravo"


async def test_a_socket_that_is_open_but_dead_fails_in_time_and_is_replaced() -> None:
    dead = Hearing(vocabulary=WORDS, fault=Fault.STALL, fault_after_ms=100)
    async with opened(dead, Hearing(vocabulary=WORDS)) as (recognizer, server):
        recognizer.begin()
        await say(recognizer, PREROLL + WORDS.say("alpha"))
        with pytest.raises(TranscriptionUnavailable) as failed:
            await recognizer.finish()
        assert failed.value.failure is Failure.TIMEOUT
        await server.until(lambda: server.open_count == 1 and len(server.seen) == 2)
        recognizer.begin()
        await say(recognizer, PREROLL + WORDS.say("bravo"))
        assert (await recognizer.finish()).text == "bravo"


async def test_a_refused_key_and_a_full_house_are_told_apart() -> None:
    with pytest.raises(BaseExceptionGroup) as refused:
        async with opened(key="wrong"):
            pass
    assert refused.group_contains(TranscriptionUnavailable, match="refused with 401")


async def test_keep_alives_hold_a_silent_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.stt.deepgram.KEEP_ALIVE_S", 0.05)
    async with opened(Hearing(vocabulary=WORDS, idle_s=1.5)) as (_recognizer, server):
        await server.until(lambda: len(server.seen[0].messages) >= 35)
        assert {json.loads(message)["type"] for message in server.seen[0].messages} == {"KeepAlive"}
        assert len(server.seen) == 1


async def test_closing_tells_the_vendor() -> None:
    async with opened() as (recognizer, server):
        await recognizer.aclose()
        await server.until(lambda: server.open_count == 0)
        assert json.loads(server.seen[0].messages[-1]) == {"type": "CloseStream"}


# Flux


async def test_flux_gets_everything_and_ends_a_turn_when_we_do() -> None:
    signs: list[TurnSign] = []
    partials: list[str] = []
    hearing = Hearing(vocabulary=WORDS, turn_s=5.0, likely_s=4.0)
    async with opened(hearing, model="flux-general-en", signs=signs, partials=partials) as (recognizer, server):
        assert recognizer.feeding.continuous
        await say(recognizer, PREROLL + WORDS.say("alpha bravo"))
        recognizer.begin()
        await say(recognizer, WORDS.say("charlie") + ULAW_SILENCE * 1_600)
        heard = await recognizer.finish()
        assert heard.text == "alpha bravo charlie"
        assert server.seen[0].path == "/v2/listen"
        assert json.loads(server.seen[0].messages[0]) == {"type": "ForceEndTurn"}
    assert signs == [TurnSign.STARTED, TurnSign.OVER]
    assert partials[-1] == "alpha bravo charlie"


async def test_a_turn_that_flux_ended_itself_is_known_at_once_and_told_once() -> None:
    signs: list[TurnSign] = []
    hearing = Hearing(vocabulary=WORDS, turn_s=0.1, likely_s=0.03)
    async with opened(hearing, model="flux-general-en", signs=signs) as (recognizer, server):
        for text in ("alpha bravo", "charlie"):
            await say(recognizer, PREROLL)
            recognizer.begin()
            signs.clear()
            await say(recognizer, WORDS.say(text) + PREROLL)
            while TurnSign.OVER not in signs:  # noqa: ASYNC110 - the server's word comes over a socket
                await asyncio.sleep(0.01)
            assert (await recognizer.finish()).text == text
            assert signs == [TurnSign.STARTED, TurnSign.PROBABLY_OVER, TurnSign.OVER]
        assert server.seen[0].messages == []


async def test_flux_after_a_break_gets_the_turn_again() -> None:
    broken = Hearing(vocabulary=WORDS, turn_s=5.0, fault=Fault.CUT, fault_after_ms=2_000)
    async with opened(broken, Hearing(vocabulary=WORDS, turn_s=5.0), model="flux-general-en") as (recognizer, server):
        await say(recognizer, PREROLL * 3)
        recognizer.begin()
        await say(recognizer, WORDS.say("alpha bravo charlie") + ULAW_SILENCE * 1_600)
        assert (await recognizer.finish()).text == "alpha bravo charlie"
        assert len(server.seen) == 2
        assert len(server.seen[1].audio) < len(PREROLL) * 3


async def test_noise_that_flux_does_not_take_for_speech_is_an_empty_text() -> None:
    async with opened(model="flux-general-en") as (recognizer, _server):
        await say(recognizer, PREROLL)
        recognizer.begin()
        await say(recognizer, PREROLL)
        assert (await recognizer.finish()).text == ""
