"""The recogniser and the voice that the guide shows work: taken from the page and asked over real sockets."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from agent.llm.links import Access
from agent.llm.port import Failure
from agent.stt.port import TranscriptionUnavailable
from agent.tts.port import Encoding, Speech, SpeechUnavailable, SpokenWord

LINES_MAX = 100
AUDIO = bytes(range(200))


@pytest.fixture(scope="module")
def shown() -> dict[str, str]:
    """The whole providers on the page, by the name of their class."""
    page = (Path(__file__).parents[2] / "docs/guides/providers.md").read_text()
    found = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    return {re.findall(r"^class (\w+)", text, re.MULTILINE)[0]: text for text in found}


def made(shown: dict[str, str], name: str) -> Any:
    space: dict[str, Any] = {}
    exec(compile(shown[name], "providers.md", "exec"), space)  # noqa: S102 - our own page
    return space[name]


@pytest.fixture
async def server() -> AsyncGenerator[tuple[str, list[bytes]]]:
    """Answers with what is in the list, and puts what it was sent behind it."""
    said = [b"{}"]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        said.append(await reader.readexactly(int(length[1]) if length else 0))
        status = b"200 OK" if b"Bearer good" in head else b"401 Unauthorized"
        writer.write(b"HTTP/1.1 " + status + b"\r\nconnection: close\r\n\r\n" + said[0])
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as started:
        yield f"http://127.0.0.1:{started.sockets[0].getsockname()[1]}", said


def test_they_are_short(shown: dict[str, str]) -> None:
    assert {"AcmeRecognizers", "AcmeVoice"} <= set(shown)
    assert max(len(text.splitlines()) for text in shown.values()) < LINES_MAX


async def test_the_recogniser_hears(shown: dict[str, str], server: tuple[str, list[bytes]]) -> None:
    url, said = server
    said[0] = b'{"text": "yes please"}'
    async with asyncio.TaskGroup() as tasks:
        factory = made(shown, "AcmeRecognizers")(Access("good", url), "m", "en-US", tasks)
        recognizer = await factory.open((), lambda _text: None)
        recognizer.begin()
        recognizer.feed(b"\x11" * 160)
        recognizer.feed(b"\x22" * 160)
        assert (await recognizer.finish()).text == "yes please"
        await recognizer.aclose()
    assert recognizer.feeding.ulaw
    assert said[1] == b"\x11" * 160 + b"\x22" * 160


@pytest.mark.parametrize(
    ("key", "answer", "failure"),
    [
        ("bad", b"{}", Failure.REFUSED_KEY),
        ("good", b'{"tex', Failure.GARBAGE),
        ("good", b"{}", Failure.GARBAGE),
        ("good", b"[]", Failure.GARBAGE),
    ],
)
async def test_their_failures_have_their_kinds(
    shown: dict[str, str], server: tuple[str, list[bytes]], key: str, answer: bytes, failure: Failure
) -> None:
    url, said = server
    said[0] = answer
    async with asyncio.TaskGroup() as tasks:
        recognizer = await made(shown, "AcmeRecognizers")(Access(key, url), "m", "en", tasks).open(
            (), lambda _text: None
        )
        recognizer.begin()
        with pytest.raises(TranscriptionUnavailable) as unheard:
            await recognizer.finish()
        voice = made(shown, "AcmeVoice")(Access(key, url), "v", "en", tasks)
        with pytest.raises(SpeechUnavailable) as unsaid:
            await anext(voice.speak("hello"))
        await voice.aclose()
    assert unheard.value.failure is failure
    assert unsaid.value.failure is failure


async def test_the_voice_speaks(shown: dict[str, str], server: tuple[str, list[bytes]]) -> None:
    url, said = server
    said[0] = json.dumps({"audio": AUDIO.hex(), "words": [["hello", 0, 20]]}).encode()
    async with asyncio.TaskGroup() as tasks:
        voice = made(shown, "AcmeVoice")(Access("good", url), "v", "en", tasks)
        assert await voice.warm()
        async with aclosing(voice.speak("hello")) as pieces:
            assert [piece async for piece in pieces] == [
                Speech(AUDIO, 8_000, (SpokenWord("hello", 0, 20),), Encoding.ULAW)
            ]
        await voice.aclose()
    assert json.loads(said[1]) == {"voice": "v", "language": "en", "format": "ulaw_8000", "text": "hello"}
