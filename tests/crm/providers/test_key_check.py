"""Keys of speech vendors, asked about over real sockets through the vendors' own SDKs."""

import asyncio
import socket
from collections.abc import Callable
from typing import Final

import pytest

from agent.llm.port import Failure, ModelUnavailable
from bench.providers.deepgram import Deepgram
from bench.providers.elevenlabs import ElevenLabs
from bench.providers.socket_server import Dialect, SpeechServer
from bench.providers.speech_script import Hearing, InTurn, Reaction, Refusal
from crm.agents.limits import RECOGNISER_VENDORS, VOICE_VENDORS
from crm.providers import key_check
from crm.providers.key_check import SPEECH, VendorKeyCheck

DIALECTS: Final[dict[str, Callable[[], Dialect]]] = {"deepgram": Deepgram, "elevenlabs": ElevenLabs}
PAGES: Final = {"deepgram": "/v1/projects", "elevenlabs": "/v1/user"}
each_vendor = pytest.mark.parametrize("vendor", sorted(DIALECTS))


def server_of(vendor: str, *reactions: Reaction) -> SpeechServer:
    return SpeechServer(DIALECTS[vendor](), InTurn(reactions or (Hearing(),)), frozenset({"good-key"}))


def check_at(vendor: str, url: str) -> VendorKeyCheck:
    return VendorKeyCheck(speech_base_urls={vendor: url.replace("ws", "http", 1)})


def test_every_vendor_of_speech_that_agents_may_name_has_a_check() -> None:
    assert set(SPEECH) == RECOGNISER_VENDORS | VOICE_VENDORS


@each_vendor
async def test_a_good_key_is_accepted_by_one_request_that_costs_nothing(vendor: str) -> None:
    async with server_of(vendor) as server:
        await check_at(vendor, server.url)(vendor, "good-key")
    assert [(seen.path, seen.key) for seen in server.seen] == [(PAGES[vendor], "good-key")]


@each_vendor
async def test_a_key_that_the_vendor_does_not_know_is_refused(vendor: str) -> None:
    async with server_of(vendor) as server:
        with pytest.raises(ModelUnavailable) as caught:
            await check_at(vendor, server.url)(vendor, "wrong-key")
    assert caught.value.failure is Failure.REFUSED_KEY
    assert "wrong-key" not in str(caught.value)


@pytest.mark.parametrize(
    ("vendor", "refusal"),
    [
        ("deepgram", Refusal(403)),
        ("deepgram", Refusal(429)),
        ("elevenlabs", Refusal(401, code="missing_permissions")),
        ("elevenlabs", Refusal(429)),
    ],
)
async def test_a_key_that_may_not_read_the_account_or_has_to_wait_has_been_recognised(
    vendor: str, refusal: Refusal
) -> None:
    async with server_of(vendor, refusal) as server:
        await check_at(vendor, server.url)(vendor, "good-key")
    assert len(server.seen) == 1


@each_vendor
@pytest.mark.parametrize(
    ("status", "failure"), [(500, Failure.UNAVAILABLE), (503, Failure.UNAVAILABLE), (404, Failure.REFUSED_REQUEST)]
)
async def test_a_vendor_in_trouble_is_asked_once_and_says_nothing_of_the_key(
    vendor: str, status: int, failure: Failure
) -> None:
    async with server_of(vendor, Refusal(status)) as server:
        with pytest.raises(ModelUnavailable) as caught:
            await check_at(vendor, server.url)(vendor, "good-key")
    assert caught.value.failure is failure
    assert len(server.seen) == 1


@each_vendor
async def test_nobody_there_is_told_as_such(vendor: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with pytest.raises(ModelUnavailable) as caught:
        await check_at(vendor, url)(vendor, "good-key")
    assert caught.value.failure is Failure.UNAVAILABLE


@each_vendor
async def test_a_vendor_that_does_not_answer_is_not_waited_for(vendor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_check, "CHECK_TIMEOUT_S", 0.2)
    async with server_of(vendor, Refusal(500, delay_s=20)) as server:
        with pytest.raises(ModelUnavailable) as caught:
            async with asyncio.timeout(10):
                await check_at(vendor, server.url)(vendor, "good-key")
    assert caught.value.failure is Failure.TIMEOUT


@each_vendor
@pytest.mark.parametrize("answer", [b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n<htm>", b"garbage\r\n\r\n", b""])
async def test_what_no_vendor_says_is_no_word_on_the_key(vendor: str, answer: bytes) -> None:
    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(reply, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(ModelUnavailable) as caught:
            await check_at(vendor, url)(vendor, "good-key")
    assert caught.value.failure in {Failure.GARBAGE, Failure.UNAVAILABLE}
