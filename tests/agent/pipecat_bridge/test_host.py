"""Services that misbehave, and those that work otherwise than the vendors' at hand; none harms other calls."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from agent.llm.port import Failure
from agent.pipecat_bridge import host
from agent.pipecat_bridge.ear import PipecatRecognizers
from agent.pipecat_bridge.host import Host
from agent.pipecat_bridge.mouth import PipecatVoice
from agent.pipecat_bridge.parts import StartFrame, STTService
from agent.pipecat_bridge.services import BridgedService
from agent.stt.port import Transcript, TranscriptionUnavailable
from agent.tts.port import Speech, SpeechUnavailable

HERE = "tests.agent.pipecat_bridge.made_services"


@asynccontextmanager
async def ears(service: str, **arguments: object) -> AsyncGenerator[PipecatRecognizers]:
    async with asyncio.TaskGroup() as tasks:
        yield PipecatRecognizers(BridgedService(service, arguments, name="ear"), "en-US", tasks)


async def refused(service: str, **arguments: object) -> TranscriptionUnavailable:
    async with ears(service, **arguments) as factory:
        with pytest.raises(TranscriptionUnavailable) as failed:
            await factory.open((), print)
        return failed.value


async def heard(factory: PipecatRecognizers, length_ms: int = 1_000) -> Transcript:
    recognizer = await factory.open((), print)
    try:
        recognizer.begin()
        for _ in range(length_ms // 20):
            recognizer.feed(bytes(320))
        return await recognizer.finish()
    finally:
        await recognizer.aclose()


@pytest.mark.parametrize(
    ("service", "said"),
    [
        ("nowhere.at.All", "nowhere.at cannot be imported"),
        (f"{HERE}.Nobody", "Nobody of .* is not a pipecat STTService"),
        (f"{HERE}.Requests", "Requests of .* is not a pipecat STTService"),
        ("os.system", "system of os is not a pipecat STTService"),
    ],
)
async def test_what_is_no_service_is_named_with_the_setting(service: str, said: str) -> None:
    error = await refused(service)
    assert error.failure is Failure.REFUSED_REQUEST
    with pytest.raises(TranscriptionUnavailable, match=f"SALESOS_PIPECAT_SERVICES: ear: {said}"):
        raise error


async def test_arguments_and_settings_that_it_does_not_take_are_named() -> None:
    assert "arguments: " in str(await refused(f"{HERE}.Segments", colour="red"))
    deepgram = BridgedService(
        "pipecat.services.deepgram.stt.DeepgramSTTService", {"api_key": "k"}, {"colour": "red"}, name="ear"
    )
    async with asyncio.TaskGroup() as tasks:
        with pytest.raises(TranscriptionUnavailable, match=r"settings: .*colour"):
            await PipecatRecognizers(deepgram, "en-US", tasks).open((), print)


async def test_a_service_that_does_not_start_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "START_TIMEOUT_S", 0.2)
    assert (await refused(f"{HERE}.NeverStarts")).failure is Failure.TIMEOUT


async def test_a_service_that_raises_at_its_start_is_told() -> None:
    assert "RuntimeError" in str(await refused(f"{HERE}.SetupRaises"))


async def test_a_service_that_raises_fails_its_call_and_no_other(capfd: pytest.CaptureFixture[str]) -> None:
    async with ears(f"{HERE}.Raises") as factory, ears(f"{HERE}.Segments") as other:
        with pytest.raises(TranscriptionUnavailable):
            await heard(factory)
        assert int((await heard(other)).text.split()[0]) == pytest.approx(1_000, abs=2)
    seen = capfd.readouterr()
    assert "what was said" not in seen.out + seen.err


async def test_a_service_that_does_not_end_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "STOP_TIMEOUT_S", 0.1)
    async with asyncio.timeout(5), ears(f"{HERE}.Stubborn") as factory:
        recognizer = await factory.open((), print)
        await recognizer.aclose()


@pytest.mark.parametrize("rate_hz", [8_000, 16_000])
async def test_one_that_takes_segments_gets_whole_utterances_at_its_rate(rate_hz: int) -> None:
    async with ears(f"{HERE}.Segments", rate_hz=rate_hz) as factory:
        recognizer = await factory.open((), print)
        assert not recognizer.feeding.continuous
        recognizer.begin()
        recognizer.feed(bytes(16_000))
        recognizer.begin()  # drops what was fed
        for _ in range(50):
            recognizer.feed(bytes(320))
        said = await recognizer.finish()
        assert int(said.text.split()[0]) == pytest.approx(1_000, abs=2)
        assert [word.text for word in said.words] == said.text.split()
        with pytest.raises(TranscriptionUnavailable, match="no utterance was begun"):
            await recognizer.finish()
        await recognizer.aclose()


async def test_a_guess_that_nobody_confirms_is_no_answer() -> None:
    async with ears(f"{HERE}.Guesses") as factory:
        with pytest.raises(TranscriptionUnavailable, match="no words in time") as late:
            await heard(factory)
    assert late.value.failure is Failure.TIMEOUT


async def test_what_a_service_does_not_take_is_bounded_and_the_oldest_goes() -> None:
    waiting = Host(BridgedService(f"{HERE}.NeverStarts"), STTService, "en-US", lambda *_: None, lambda *_: None)
    for _ in range(host.UNSENT_MAX + 7):
        waiting.send(StartFrame())
    assert (len(waiting._unsent), waiting.dropped) == (host.UNSENT_MAX, 7)


async def voice_says(text: str, **arguments: object) -> list[Speech]:
    async with asyncio.TaskGroup() as tasks:
        voice = PipecatVoice(BridgedService(f"{HERE}.Requests", arguments, name="mouth"), "en-US", tasks)
        try:
            return [piece async for piece in voice.speak(text)]
        finally:
            await voice.aclose()


async def test_a_voice_of_another_rate_that_tells_no_times_is_spread_by_letters() -> None:
    pieces = await voice_says("one three")
    assert {piece.rate_hz for piece in pieces} == {16_000}
    words = [word for piece in pieces for word in piece.words]
    assert [(word.text, word.start_ms, word.end_ms) for word in words] == [("one", 0, 360), ("three", 360, 900)]


async def test_a_voice_without_a_sound_is_told() -> None:
    with pytest.raises(ExceptionGroup) as group:
        await voice_says("one", silent=True)
    (error,) = group.value.exceptions
    assert isinstance(error, SpeechUnavailable)


async def test_nothing_is_said_for_nothing() -> None:
    assert await voice_says("  ") == []
