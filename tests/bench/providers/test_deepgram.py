"""Deepgram's server as the vendor's own SDK sees it."""

import asyncio
import contextlib
import warnings
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

with warnings.catch_warnings():
    # The SDK's own transport: theirs to change.
    warnings.simplefilter("ignore", DeprecationWarning)
    import deepgram.listen.v1.client
    import deepgram.listen.v2.client  # noqa: F401 - both load the transport here, quietly
    from deepgram import AsyncDeepgramClient, DeepgramClientEnvironment
    from deepgram.core.api_error import ApiError
    from deepgram.listen.v1.types.listen_v1results import ListenV1Results
    from deepgram.listen.v1.types.listen_v1speech_started import ListenV1SpeechStarted
    from deepgram.listen.v2.types.listen_v2turn_info import ListenV2TurnInfo

from bench.providers.coded_speech import Vocabulary
from bench.providers.deepgram import Deepgram
from bench.providers.socket_server import SpeechServer
from bench.providers.speech_script import Fault, Hearing, InTurn, Refusal, Script
from media.codec.g711 import ULAW_SILENCE

WORDS = Vocabulary(["one", "two", "three", "four"])
SPEECH = WORDS.say("one two three")
SILENCE = ULAW_SILENCE * 800


def client(server: SpeechServer, key: str = "k") -> AsyncDeepgramClient:
    address = server.url
    environment = DeepgramClientEnvironment(base=address, production=address, agent=address, agent_rest=address)
    return AsyncDeepgramClient(api_key=key, environment=environment)


def server_of(*reactions: Hearing | Refusal) -> SpeechServer:
    script: Script = InTurn(reactions)
    return SpeechServer(Deepgram(), script, frozenset({"k"}))


def nova(server: SpeechServer, key: str = "k") -> Any:
    return client(server, key).listen.v1.connect(
        model="nova-3", encoding="mulaw", sample_rate=8_000, interim_results=True
    )


async def test_finalize_brings_the_words_that_arrived_with_their_times() -> None:
    async with server_of(Hearing(vocabulary=WORDS)) as server, nova(server) as socket:
        await socket.send_media(SILENCE)
        await socket.send_media(SPEECH)
        await socket.send_finalize()
        messages = [await socket.recv() for _ in range(3)]
    started, partial, final = messages
    assert isinstance(started, ListenV1SpeechStarted)
    assert started.timestamp == 0.1
    assert isinstance(partial, ListenV1Results)
    assert not partial.is_final
    assert partial.channel.alternatives[0].transcript == "one two"
    assert isinstance(final, ListenV1Results)
    assert final.is_final
    assert final.from_finalize
    assert [(word.word, word.start) for word in final.channel.alternatives[0].words] == [
        ("one", 0.1),
        ("two", 0.4),
        ("three", 0.7),
    ]
    assert server.seen[0].query["encoding"] == "mulaw"
    assert bytes(server.seen[0].audio) == SILENCE + SPEECH


async def test_a_first_guess_has_the_last_word_when_there_was_time_for_it() -> None:
    async with server_of(Hearing(vocabulary=WORDS, partial_s=0.08, final_s=60.0)) as server, nova(server) as socket:
        await socket.send_media(SPEECH)
        messages = [await socket.recv() for _ in range(3)]
    _started, early, whole = messages
    assert isinstance(early, ListenV1Results)
    assert isinstance(whole, ListenV1Results)
    assert (early.is_final, early.channel.alternatives[0].transcript) == (False, "one two")
    assert (whole.is_final, whole.channel.alternatives[0].transcript) == (False, "one two three")


async def test_silence_ends_a_stretch_and_what_follows_is_another() -> None:
    async with server_of(Hearing(texts=("hello there", "goodbye"))) as server, nova(server) as socket:
        finals = []
        for _ in range(2):
            await socket.send_media(SPEECH)
            await socket.send_media(SILENCE)
            while True:
                message = await socket.recv()
                if isinstance(message, ListenV1Results) and message.is_final:
                    finals.append((message.channel.alternatives[0].transcript, message.speech_final))
                    break
        await socket.send_close_stream()
        metadata = await socket.recv()
    assert finals == [("hello there", True), ("goodbye", True)]
    assert metadata.duration == 2.0


@pytest.mark.parametrize(("status", "key"), [(401, "wrong"), (429, "k"), (500, "k")])
async def test_refusals_come_with_their_status(status: int, key: str) -> None:
    async with server_of(Refusal(status)) as server:
        with pytest.raises(ApiError) as refused:
            async with nova(server, key):
                pass
    assert refused.value.status_code == status


async def test_who_sends_nothing_is_closed_and_keep_alives_hold_it() -> None:
    async with server_of(Hearing(idle_s=0.2)) as server, nova(server) as socket:
        for _ in range(4):
            await asyncio.sleep(0.1)
            await socket.send_keep_alive()
        assert server.open_count == 1
        await server.until(lambda: server.open_count == 0)


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.ERROR])
async def test_a_socket_breaks_where_the_script_says(fault: Fault) -> None:
    async with server_of(Hearing(fault=fault, fault_after_ms=200)) as server:
        with contextlib.suppress(ConnectionClosed):  # the SDK's socket may fail to close what is broken
            async with nova(server) as socket:
                await socket.send_media(SILENCE)
                await socket.send_media(SPEECH)
                await server.until(lambda: server.open_count == 0)
    assert len(server.seen[0].audio) == len(SILENCE + SPEECH)


async def test_flux_tells_turns_in_their_order() -> None:
    hearing = Hearing(vocabulary=WORDS, final_s=0.15, turn_s=0.2, likely_s=0.05)
    async with (
        server_of(hearing) as server,
        client(server).listen.v2.connect(
            model="flux-general-en", encoding="mulaw", sample_rate=8_000, eager_eot_threshold=0.4
        ) as socket,
    ):
        assert (await socket.recv()).type == "Connected"
        await socket.send_media(WORDS.say("one two"))
        events: list[ListenV2TurnInfo] = []
        while not events or events[-1].event != "EagerEndOfTurn":
            events.append(await socket.recv())
        await socket.send_media(WORDS.say("three"))
        while events[-1].event != "EndOfTurn":
            events.append(await socket.recv())
        await socket.send_media(WORDS.say("four"))
        await socket.send_force_end_turn()
        while events[-1].event != "EndOfTurn" or events[-1].turn_index != 1:
            events.append(await socket.recv())
    told = [(event.event, event.turn_index) for event in events if event.event != "Update"]
    assert told == [
        ("StartOfTurn", 0),
        ("EagerEndOfTurn", 0),
        ("TurnResumed", 0),
        ("EagerEndOfTurn", 0),
        ("EndOfTurn", 0),
        ("StartOfTurn", 1),
        ("EagerEndOfTurn", 1),
        ("EndOfTurn", 1),
    ]
    ends = [event for event in events if event.event == "EndOfTurn"]
    assert [(end.transcript, end.trigger) for end in ends] == [("one two three", "model"), ("four", "manual")]
    assert [event.sequence_id for event in events] == list(range(1, len(events) + 1))
