"""ElevenLabs' sockets: stream-input (one text) and multi-stream-input (texts in contexts), as a server.

Written from the vendor's public reference and the message types of its SDK, apart from the product's provider. A bad
key is told by a message and a close with 1008 after the handshake, as the vendor does.
"""

import asyncio
import contextlib
import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from websockets.exceptions import ConnectionClosed

from bench.providers.coded_speech import PAUSE_MS, CodedWord, Vocabulary, spread
from bench.providers.socket_server import Link
from bench.providers.speech_script import Hearing, Saying, Seen
from media.codec import g711
from media.codec.g711 import ULAW_SILENCE
from media.frame import RATE_HZ, SAMPLES_PER_MS

CONTEXTS_MAX: Final = 5
_INACTIVITY_S: Final = 20.0
_LINES_MAX: Final = 64  # texts that wait in a context
_DEFAULT: Final = ""  # the context of who names none


class ElevenLabs:
    """Implements `Dialect`."""

    def key_of(self, header: Callable[[str], str]) -> str:
        return header("xi-api-key")

    def refusal(self, status: int, code: str = "") -> object:
        usual, message = {
            401: ("invalid_api_key", "Invalid API key"),
            404: ("not_found", "Not found."),
            429: ("too_many_concurrent_requests", "Too many concurrent requests."),
        }.get(status, ("internal_error", "Something went wrong."))
        return {"detail": {"status": code or usual, "message": message}}

    def page(self, path: str) -> object | None:
        if path == "/v1/user":
            return {
                "user_id": "bench",
                "workspace_id": "bench",
                "is_new_user": False,
                "can_use_delayed_payment_methods": False,
                "is_onboarding_completed": True,
                "is_onboarding_checklist_completed": True,
                "subscription": {"tier": "creator", "character_count": 0, "character_limit": 100_000},
            }
        return None

    async def converse(self, link: Link, seen: Seen, reaction: Hearing | Saying) -> None:
        assert isinstance(reaction, Saying)
        async with asyncio.TaskGroup() as tasks:
            await _Voice(link, seen, reaction, tasks).serve()


@dataclass(slots=True)
class _Context:
    name: str
    lines: asyncio.Queue[str | None]
    buffered: str = ""
    task: asyncio.Task[None] | None = field(default=None, repr=False)
    saying: bool = False
    flushed: bool = False  # what was given shall be said to its end, whatever comes
    stopped: bool = False


class _Voice:
    def __init__(self, link: Link, seen: Seen, saying: Saying, tasks: asyncio.TaskGroup) -> None:
        self._link = link
        self._seen = seen
        self._saying = saying
        self._tasks = tasks
        self._multi = seen.path.endswith("/multi-stream-input")
        self._auto = seen.query.get("auto_mode") == "true"
        self._format = seen.query.get("output_format", "mp3_44100_128")
        self._idle_s = float(seen.query.get("inactivity_timeout", _INACTIVITY_S))
        self._contexts: dict[str, _Context] = {}
        self._failed = False  # as the script wants it: nothing more is said

    async def serve(self) -> None:
        try:
            while True:
                try:
                    text = await self._link.receive(self._idle_s)
                except TimeoutError:
                    await self._say_error("input_timeout_exceeded", "Have not received a new text input in time.")
                    return
                assert isinstance(text, str)
                self._seen.messages.append(text)
                if not await self._obey(json.loads(text)):
                    return
        except ConnectionClosed:
            pass
        finally:
            for context in self._contexts.values():
                if context.task is not None:
                    self._seen.cancelled += 1
                    context.task.cancel()

    async def _obey(self, message: dict[str, Any]) -> bool:
        """False when the connection is over."""
        if message.get("close_socket"):
            return False
        name = str(message.get("context_id") or _DEFAULT)
        text = message.get("text")
        if text == "" and not self._multi:
            self._end(self._context(name))
            return True
        if self._multi and name == _DEFAULT and not text:
            return True  # keeps the connection alive
        known = name in self._contexts
        if not known and len(self._contexts) >= CONTEXTS_MAX:
            await self._say_error("too_many_contexts", "Maximum simultaneous contexts per connection exceeded.")
            return False
        if message.get("close_context"):
            if known:
                self._end(self._contexts[name])
            return True
        context = self._context(name)
        context.buffered += text or ""
        context.flushed |= bool(message.get("flush"))
        if message.get("flush") or (self._auto and context.buffered.strip()):
            self._flush(context)
        return True

    def _context(self, name: str) -> _Context:
        context = self._contexts.get(name)
        if context is None:
            context = self._contexts[name] = _Context(name, asyncio.Queue(_LINES_MAX))
            context.task = self._tasks.create_task(self._speak(context), name="elevenlabs.context")
        return context

    def _flush(self, context: _Context) -> None:
        text, context.buffered = context.buffered.strip(), ""
        if text:
            self._seen.texts.append(text)
            context.lines.put_nowait(text)

    def _end(self, context: _Context) -> None:
        """Say what was flushed, and no more; what came without a flush is taken back."""
        self._flush(context)
        if context.saying and not context.flushed:
            self._seen.cancelled += 1
            context.stopped = True
        context.lines.put_nowait(None)

    async def _speak(self, context: _Context) -> None:
        with contextlib.suppress(ConnectionClosed, TimeoutError):
            await self._say_lines(context)

    async def _say_lines(self, context: _Context) -> None:
        while (text := await context.lines.get()) is not None:
            context.saying = True
            await asyncio.sleep(self._saying.first_audio_s)
            for audio, alignment in self._pieces(text):
                if context.stopped:
                    break
                if self._failed:
                    return
                if self._saying.fault is not None and self._seen.pieces_sent >= self._saying.fault_after:
                    self._failed = True
                    await self._link.fail(self._saying.fault, _error("internal_error", "Something went wrong."))
                    return
                self._seen.pieces_sent += 1
                await self._link.send(self._message(context, audio, alignment))
                await asyncio.sleep(self._saying.gap_s)
            context.saying = False
        self._contexts.pop(context.name, None)
        final: dict[str, Any] = {"isFinal": True, "audio": None}
        await self._link.send(final | ({"contextId": context.name} if self._multi else {}))
        if not self._multi:
            await self._link.close()

    def _pieces(self, text: str) -> list[tuple[bytes, dict[str, Any]]]:
        """Return the pieces of a text: their sound, and the times of the characters that begin in each."""
        saying = self._saying
        step = saying.word_ms + PAUSE_MS
        timed = (
            list(spread(text, saying.length_ms))
            if saying.length_ms
            else [
                CodedWord(word, number * step, number * step + saying.word_ms)
                for number, word in enumerate(text.split())
            ]
        )
        length_ms = saying.length_ms or len(timed) * step
        size = length_ms * SAMPLES_PER_MS
        sound = saying.sound or self._coded(timed, length_ms)
        sound = (sound * (1 + size // max(1, len(sound))))[:size]
        chars = _characters(timed, length_ms)
        pieces = []
        for start_ms in range(0, length_ms, saying.piece_ms):
            end_ms = min(length_ms, start_ms + saying.piece_ms)
            piece = sound[start_ms * SAMPLES_PER_MS : end_ms * SAMPLES_PER_MS]
            pieces.append((piece, _alignment([one for one in chars if start_ms <= one[1] < end_ms], start_ms)))
        return pieces

    def _coded(self, timed: list[CodedWord], length_ms: int) -> bytes:
        vocabulary = self._saying.vocabulary or Vocabulary(word.text for word in timed)
        sound = bytearray(ULAW_SILENCE * (length_ms * SAMPLES_PER_MS))
        for word in timed:
            spoken = vocabulary.word(word.text, word.end_ms - word.start_ms)
            sound[word.start_ms * SAMPLES_PER_MS : word.start_ms * SAMPLES_PER_MS + len(spoken)] = spoken
        return bytes(sound)

    def _message(self, context: _Context, ulaw: bytes, alignment: dict[str, Any]) -> dict[str, Any]:
        raw = ulaw if self._format == "ulaw_8000" else _as_pcm(ulaw, self._format)
        message: dict[str, Any] = {"audio": b64encode(raw).decode()}
        if self._multi:
            message["contextId"] = context.name
        told = alignment if self._saying.aligned and alignment["chars"] else None
        return message | {"alignment": told, "normalizedAlignment": told}

    async def _say_error(self, code: str, text: str) -> None:
        await self._link.send(_error(code, text))
        await self._link.close(1008, text)


def _characters(timed: list[CodedWord], length_ms: int) -> list[tuple[str, int, int]]:
    """Return each character of the text, when it begins and how long it takes; the blank behind a word is its pause."""
    found: list[tuple[str, int, int]] = []
    for number, word in enumerate(timed):
        step = (word.end_ms - word.start_ms) / len(word.text)
        marks = [word.start_ms + round(index * step) for index in range(len(word.text) + 1)]
        found += [(char, marks[at], marks[at + 1] - marks[at]) for at, char in enumerate(word.text)]
        next_ms = timed[number + 1].start_ms if number + 1 < len(timed) else length_ms
        if number + 1 < len(timed) or next_ms > word.end_ms:
            found.append((" ", word.end_ms, next_ms - word.end_ms))
    return found


def _alignment(chars: list[tuple[str, int, int]], start_ms: int) -> dict[str, Any]:
    """Return the characters of a piece as the vendor tells them: their times count from the piece's own start."""
    return {
        "chars": [char for char, _, _ in chars],
        "charStartTimesMs": [at_ms - start_ms for _, at_ms, _ in chars],
        "charDurationsMs": [length_ms for _, _, length_ms in chars],
    }


def _error(code: str, text: str) -> dict[str, Any]:
    return {"message": text, "error": code, "code": 1008}


def _as_pcm(ulaw: bytes, output_format: str) -> bytes:
    """Return int16 samples at the rate that a format such as `pcm_16000` names."""
    rate_hz = int(output_format.removeprefix("pcm_"))
    return g711.decode(ulaw).repeat(rate_hz // RATE_HZ).astype("<i2").tobytes()
