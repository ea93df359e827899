"""From names in a plan to a call's recogniser and voice: which need what, and what is left when the process ends."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agent.llm.port import Failure
from agent.pipecat_bridge.services import BridgedService
from agent.speech_process import SpeechProcess
from agent.speech_vendors import OwnKeys, SpeechVendors, UnknownSpeech
from agent.stt.deepgram import DeepgramRecognizer
from agent.stt.failover import FailoverRecognizer
from agent.stt.port import TranscriptionUnavailable
from agent.stt.whisper_process import Patience, WhisperProcess
from agent.tts.port import Speech, SpeechUnavailable, Voice
from bench.providers.deepgram import Deepgram
from bench.providers.elevenlabs import ElevenLabs
from bench.providers.socket_server import SpeechServer
from bench.providers.speech_script import Hearing, InTurn, Refusal, Saying
from tests.agent.stt import made_whisper
from tests.agent.stt.engines import WORDS, coded, utter
from tests.agent.stt.made_whisper import tone

KEYS = {"deepgram": "k", "elevenlabs": "k"}


@asynccontextmanager
async def vendors(keys: dict[str, str] = KEYS) -> AsyncGenerator[tuple[SpeechVendors, SpeechServer, SpeechServer]]:
    async with (
        SpeechServer(Deepgram(), InTurn((Hearing(vocabulary=WORDS),)), frozenset({"k", "own"})) as ears,
        SpeechServer(ElevenLabs(), InTurn((Saying(),)), frozenset({"k", "own"})) as mouths,
    ):
        urls = {"deepgram": ears.url, "elevenlabs": mouths.url}
        # The embedded engines are not asked here, so their processes are not started.
        async with SpeechVendors(SpeechProcess(), SpeechProcess(), keys, urls) as made:
            yield made, ears, mouths


def ignore(_text: str) -> None:
    pass


async def test_names_lead_to_vendors_and_keys_of_an_organisation_go_first() -> None:
    own = OwnKeys({"deepgram": "own", "elevenlabs": "own"})
    async with vendors() as (made, ears, mouths):
        recognizer = await made.open_recognizer(("deepgram:nova-3",), "pt-BR", (), ignore, own=own)
        await utter(recognizer, coded("alpha bravo"))
        assert (await recognizer.finish()).text == "alpha bravo"
        voice = await made.open_voice(("elevenlabs:anna/eleven_turbo_v2_5",), "en-us", "pt-BR", own)
        assert [piece async for piece in voice.speak("um dois")]
        await recognizer.aclose()
        await voice.aclose()
    assert ears.seen[0].key == "own"
    assert ears.seen[0].query["model"] == "nova-3"
    assert ears.seen[0].query["language"] == "pt-BR"
    assert mouths.seen[0].key == "own"
    assert mouths.seen[0].path.split("/")[3] == "anna"
    assert mouths.seen[0].query["model_id"] == "eleven_turbo_v2_5"
    assert mouths.seen[0].query["language_code"] == "pt"


async def test_a_name_may_have_an_address_of_its_own_beside_its_vendor_s() -> None:
    async with vendors() as (_, ears, mouths):
        urls = {"deepgram": "ws://127.0.0.1:9", "deepgram:nova-2": ears.url, "elevenlabs": mouths.url}
        async with SpeechVendors(SpeechProcess(), SpeechProcess(), KEYS, urls) as made:
            recognizer = await made.open_recognizer(("deepgram:nova-2",), "en-US", (), ignore)
            await recognizer.aclose()
            with pytest.raises(TranscriptionUnavailable):
                await made.open_recognizer(("deepgram:nova-3",), "en-US", (), ignore)
    assert [seen.query["model"] for seen in ears.seen] == ["nova-2"]


async def said(voice: Voice) -> list[Speech]:
    return [piece async for piece in voice.speak("one two")]


def told_of(failures: list[tuple[str, Failure]], only: tuple[str, ...] = ()) -> OwnKeys:
    keys = {"deepgram": "stale", "elevenlabs": "stale"}
    return OwnKeys(keys, only, lambda vendor, failure: failures.append((vendor, failure)))


async def test_the_operator_s_keys_stand_in_for_refused_ones_and_somebody_is_told() -> None:
    failures: list[tuple[str, Failure]] = []
    async with vendors() as (made, ears, mouths):
        own = told_of(failures)
        recognizer = await made.open_recognizer(("deepgram:nova-3",), "en-US", (), ignore, own=own)
        await utter(recognizer, coded("alpha bravo"))
        assert (await recognizer.finish()).text == "alpha bravo"
        voice = await made.open_voice(("elevenlabs:anna",), "en-us", "en-US", own)
        with pytest.raises(SpeechUnavailable) as caught:
            await said(voice)
        assert caught.value.elsewhere
        assert await said(voice)
        await recognizer.aclose()
        await voice.aclose()
    assert [seen.key for seen in ears.seen] == ["stale", "k"]
    assert {seen.key for seen in mouths.seen} == {"stale", "k"}
    assert failures == [("deepgram", Failure.REFUSED_KEY), ("elevenlabs", Failure.REFUSED_KEY)]
    assert "stale" not in repr(own)


async def test_a_blocked_key_lets_nothing_of_the_operator_s_stand_in() -> None:
    failures: list[tuple[str, Failure]] = []
    async with vendors() as (made, ears, mouths):
        own = told_of(failures, ("deepgram", "elevenlabs"))
        with pytest.raises(TranscriptionUnavailable) as caught:
            await made.open_recognizer(("deepgram:nova-3",), "en-US", (), ignore, own=own)
        assert caught.value.failure is Failure.REFUSED_KEY
        voice = await made.open_voice(("elevenlabs:anna",), "en-us", "en-US", own)
        for _ in range(2):
            with pytest.raises(SpeechUnavailable) as unsaid:
                await said(voice)
            assert not unsaid.value.elsewhere
        await voice.aclose()
    assert {seen.key for seen in ears.seen + mouths.seen} == {"stale"}
    assert failures[0] == ("deepgram", Failure.REFUSED_KEY)


async def test_a_recogniser_s_outage_is_no_reason_to_ask_with_the_operator_s_key() -> None:
    async with (
        SpeechServer(Deepgram(), InTurn((Refusal(500),))) as ears,
        SpeechVendors(SpeechProcess(), SpeechProcess(), {"deepgram": "k"}, {"deepgram": ears.url}) as made,
    ):
        with pytest.raises(TranscriptionUnavailable):
            await made.open_recognizer(("deepgram:nova-3",), "en-US", (), ignore, own=OwnKeys({"deepgram": "own"}))
    assert {seen.key for seen in ears.seen} == {"own"}


async def test_one_name_with_one_key_is_asked_whatever_it_did() -> None:
    async with vendors() as (made, _, _):
        recognizer = await made.open_recognizer(("deepgram:nova-3",), "en-US", (), ignore)
        assert isinstance(recognizer, DeepgramRecognizer)
        await recognizer.aclose()


async def test_several_names_are_a_first_and_those_that_take_over() -> None:
    async with vendors() as (made, _, _):
        recognizer = await made.open_recognizer(("deepgram:nova-3", "embedded"), "en-US", (), ignore)
        assert isinstance(recognizer, FailoverRecognizer)
        await recognizer.aclose()


@pytest.mark.parametrize("name", ["deepgram", "deepgram:", "acme:x", "", "nova-3"])
async def test_a_name_that_nobody_knows_is_refused_with_those_that_are_known(name: str) -> None:
    async with vendors() as (made, _, _):
        with pytest.raises(UnknownSpeech, match="known: embedded, deepgram:NAME"):
            await made.open_recognizer((name,), "en-US", (), ignore)
        with pytest.raises(UnknownSpeech, match="known: embedded, elevenlabs:NAME"):
            await made.open_voice((name,), "en-us", "en-US")


async def test_a_vendor_without_a_key_is_refused_with_the_setting_that_is_missing() -> None:
    async with vendors({}) as (made, _, _):
        with pytest.raises(UnknownSpeech, match="SALESOS_DEEPGRAM_API_KEY"):
            await made.open_recognizer(("deepgram:nova-3",), "en-US", (), ignore)
        with pytest.raises(UnknownSpeech, match="SALESOS_ELEVENLABS_API_KEY"):
            await made.open_voice(("elevenlabs:anna",), "en-us", "en-US")


async def test_sockets_of_calls_that_nobody_closed_do_not_keep_the_process() -> None:
    async with asyncio.timeout(10):
        async with vendors() as (made, ears, mouths):
            await made.open_recognizer(("deepgram:nova-3",), "en-US", (), ignore)
            voice = await made.open_voice(("elevenlabs:anna",), "en-us", "en-US")
            assert [piece async for piece in voice.speak("one")]
            assert (ears.open_count, mouths.open_count) == (1, 1)


async def test_whisper_is_had_by_its_name_and_hears(tmp_path: Path) -> None:
    folder = made_whisper.make(tmp_path / "model")
    async with (
        WhisperProcess.start(folder, Patience(20.0, 20.0)) as process,
        SpeechVendors(SpeechProcess(), SpeechProcess(), whisper=process) as speech,
    ):
        recognizer = await speech.open_recognizer(["whisper"], "en-US", (), print)
        await utter(recognizer, tone("tomorrow at ten"))
        assert (await recognizer.finish()).text == "tomorrow at ten"
        await recognizer.aclose()


async def test_whisper_without_a_model_names_the_setting() -> None:
    async with SpeechVendors(SpeechProcess(), SpeechProcess()) as speech:
        with pytest.raises(UnknownSpeech, match="'whisper' needs a model: set SALESOS_WHISPER_MODEL"):
            await speech.open_recognizer(["whisper"], "en-US", (), print)


async def test_a_service_that_the_operator_does_not_list_is_refused_whatever_its_path() -> None:
    async with SpeechVendors(SpeechProcess(), SpeechProcess()) as speech:
        with pytest.raises(UnknownSpeech, match=r"'pipecat:os.system'; SALESOS_PIPECAT_SERVICES has: none"):
            await speech.open_recognizer(["pipecat:os.system"], "en-US", (), print)
        with pytest.raises(UnknownSpeech, match="unknown service 'pipecat:mouth'"):
            await speech.open_voice(["pipecat:mouth"], "en-us", "en-US")


async def test_services_of_pipecat_are_had_by_the_operator_s_names() -> None:
    segments = BridgedService("tests.agent.pipecat_bridge.made_services.Segments", name="ear")
    requests = BridgedService("tests.agent.pipecat_bridge.made_services.Requests", name="mouth")
    services = {"ear": segments, "mouth": requests}
    async with SpeechVendors(SpeechProcess(), SpeechProcess(), services=services) as speech:
        recognizer = await speech.open_recognizer(["pipecat:ear"], "en-US", (), print)
        await utter(recognizer, tone("yes i do"))
        assert (await recognizer.finish()).text.endswith(" ms")
        await recognizer.aclose()
        voice = await speech.open_voice(["pipecat:mouth", "embedded"], "en-us", "en-US")
        assert [word.text async for piece in voice.speak("one two") for word in piece.words] == ["one", "two"]
        await voice.aclose()
