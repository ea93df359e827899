"""The provider servers themselves: what a plain socket sees of them, without any SDK between."""

import asyncio
import json
import re
from typing import Final

import pytest

from bench.providers.anthropic_messages import AnthropicMessages
from bench.providers.chat_dialect import Dialect
from bench.providers.chat_script import Answer, Call, Fault, InTurn, Refusal
from bench.providers.chat_server import HOST, ChatServer
from bench.providers.gemini_generate import GeminiGenerate
from bench.providers.openai_chat import OpenAIChat

PATHS: Final[dict[type[Dialect], tuple[str, str, str]]] = {
    OpenAIChat: ("/v1/chat/completions", "authorization: Bearer k", '{"messages": [{}]}'),
    AnthropicMessages: ("/v1/messages", "x-api-key: k", '{"max_tokens": 5}'),
    GeminiGenerate: ("/v1beta/models/m:streamGenerateContent?alt=sse", "x-goog-api-key: k", '{"contents": [{}]}'),
}


async def post(server: ChatServer, dialect: type[Dialect], key: bool = True) -> str:
    path, header, body = PATHS[dialect]
    port = int(server.base_url.split(":")[2].split("/")[0])
    reader, writer = await asyncio.open_connection(HOST, port)
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\n{header if key else 'x: y'}\r\ncontent-length: {len(body)}\r\n\r\n"
    writer.write((head + body).encode())
    try:
        async with asyncio.timeout(10):
            raw = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", raw)
            raw += await (reader.readexactly(int(length[1])) if length else reader.readuntil(b"\r\n0\r\n\r\n"))
    finally:
        writer.close()
    return raw.decode("utf-8", "replace")


def events(raw: str) -> list[dict[str, object]]:
    lines = raw.replace("\r\n", "\n").split("\n")
    return [json.loads(line[6:]) for line in lines if line.startswith("data: {")]


@pytest.fixture(params=PATHS, ids=lambda dialect: dialect.__name__)
def dialect(request: pytest.FixtureRequest) -> type[Dialect]:
    found: type[Dialect] = request.param
    return found


async def test_an_answer_is_events_in_a_chunked_body_with_an_end(dialect: type[Dialect]) -> None:
    answer = Answer(("Hi", " you"), calls=(Call("end_call", {"outcome": "done"}),))
    async with ChatServer(dialect(), InTurn((answer,))) as server:
        raw = await post(server, dialect)
    assert raw.startswith("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream")
    assert raw.endswith("0\r\n\r\n")
    shown = json.dumps(events(raw))
    assert '"Hi"' in shown
    assert '" you"' in shown
    assert "end_call" in shown
    assert server.seen[0].whole
    assert server.seen[0].pieces_sent == 2


async def test_without_a_key_there_is_an_error_of_the_vendor_s(dialect: type[Dialect]) -> None:
    async with ChatServer(dialect(), InTurn((Answer(("Hi",)),))) as server:
        raw = await post(server, dialect, key=False)
    assert raw.startswith("HTTP/1.1 400" if dialect is GeminiGenerate else "HTTP/1.1 401")
    assert '"error"' in raw
    assert server.seen[0].pieces_sent == 0


async def test_refusals_carry_the_seconds_to_wait(dialect: type[Dialect]) -> None:
    async with ChatServer(dialect(), InTurn((Refusal(429, retry_after_s=7),))) as server:
        raw = await post(server, dialect)
    assert raw.startswith("HTTP/1.1 429 Too Many Requests")
    assert "retry-after: 7" in raw


async def test_faults_stop_after_so_many_pieces(dialect: type[Dialect]) -> None:
    for fault in (Fault.TRUNCATED, Fault.GARBAGE, Fault.ERROR_EVENT):
        async with ChatServer(dialect(), InTurn((Answer(("one", "two"), fault=fault, fault_after=1),))) as server:
            raw = await post(server, dialect)
        assert '"one"' in raw
        assert '"two"' not in raw
        assert not server.seen[0].whole


async def test_a_cut_is_a_reset(dialect: type[Dialect]) -> None:
    async with ChatServer(dialect(), InTurn((Answer(("one", "two"), fault=Fault.CUT, fault_after=1),))) as server:
        with pytest.raises(ConnectionResetError):
            await post(server, dialect)


async def test_leaving_ends_what_stalls(dialect: type[Dialect]) -> None:
    """A client that closed its side is noticed in the middle of a wait."""
    answer = Answer(("one", "two"), fault=Fault.STALL, fault_after=1)
    async with ChatServer(dialect(), InTurn((answer,))) as server:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await post(server, dialect)
        await server.until(left=1)
    assert not server.seen[0].whole


def test_reactions_come_in_turn_and_the_last_stays() -> None:
    first, last = Answer(("a",)), Refusal(500)
    script = InTurn((first, last))
    seen = None
    assert [script(seen) for _ in range(3)] == [first, last, last]  # type: ignore[arg-type]  # it is not looked at
