"""The provider that the guide shows works: it is taken from the page and asked over a real socket."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from agent.llm.links import Access, open_links
from agent.llm.port import Failure, Finish, FinishReason, Message, ModelUnavailable, Request, Role, Text, Usage

LINES_MAX = 100
LINES = (b'{"text": "Hello "}\n', b'{"text": "you."}\n{"tokens": [9, 2]}\n')


@pytest.fixture(scope="module")
def shown() -> str:
    page = (Path(__file__).parents[3] / "docs/guides/providers.md").read_text()
    found = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def acme(shown: str) -> Any:
    space: dict[str, Any] = {}
    exec(compile(shown, "providers.md", "exec"), space)  # noqa: S102 - our own page
    return space["AcmeModel"]


@pytest.fixture
async def server() -> AsyncGenerator[tuple[str, list[bytes]]]:
    """An answer in lines for whoever asks; what it sends can be changed."""
    lines = list(LINES)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        await reader.readexactly(int(length[1]) if length else 0)
        status = b"200 OK" if b"Bearer good" in head else b"401 Unauthorized"
        writer.write(b"HTTP/1.1 " + status + b"\r\nconnection: close\r\n\r\n" + b"".join(lines))
        await writer.drain()
        writer.close()

    started = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with started:
        yield f"http://127.0.0.1:{started.sockets[0].getsockname()[1]}", lines


async def ask(acme: Any, url: str, key: str = "good") -> list[Any]:
    async with open_links() as links, asyncio.timeout(10):
        model = acme(Access(key, url), "m", links)
        async with aclosing(model.reply(Request((Message(Role.USER, "hi"),)))) as deltas:
            return [delta async for delta in deltas]


def test_it_is_short(shown: str) -> None:
    assert len(shown.splitlines()) < LINES_MAX


async def test_it_answers(acme: Any, server: tuple[str, list[bytes]]) -> None:
    deltas = await ask(acme, server[0])
    assert deltas == [Text("Hello "), Text("you."), Usage(9, 2), Finish(FinishReason.STOP)]


@pytest.mark.parametrize(
    ("key", "sent", "failure"),
    [
        ("bad", [], Failure.REFUSED_KEY),
        ("good", [b'{"text": "Hel'], Failure.GARBAGE),
        ("good", [json.dumps({"text": "Hello"}).encode()], Failure.CUT),
    ],
)
async def test_its_failures_have_their_kinds(
    acme: Any, server: tuple[str, list[bytes]], key: str, sent: list[bytes], failure: Failure
) -> None:
    server[1][:] = sent
    with pytest.raises(ModelUnavailable) as caught:
        await ask(acme, server[0], key)
    assert caught.value.failure is failure
