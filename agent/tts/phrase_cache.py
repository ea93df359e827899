"""The speech of fixed phrases, kept on disk: said at once, for nothing, and though the voice's vendor is away.

Only phrases that are the operator's own words are kept, never what names a person. The folder has a bound; what was
not said for longest goes first. A file that cannot be read is as good as none.
"""

import asyncio
import contextlib
import hashlib
import os
from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Final, Protocol

import msgspec
import structlog

from agent.tts.port import Encoding, Speech, SpeechUnavailable, SpokenWord, Voice

log = structlog.get_logger()

LIMIT_BYTES: Final = 64 * 1024 * 1024  # some two hours of µ-law
PHRASE_BYTES_MAX: Final = 2 * 1024 * 1024
_SUFFIX: Final = ".speech"


class _Piece(msgspec.Struct, frozen=True, array_like=True):
    audio: bytes
    rate_hz: int
    words: tuple[tuple[str, int, int], ...]
    ulaw: bool


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(tuple[_Piece, ...])


class PhraseCache:
    """A folder of phrases. Its methods block for a file's time: they run in threads."""

    def __init__(self, folder: Path, limit_bytes: int = LIMIT_BYTES) -> None:
        self._folder = folder
        self._limit = limit_bytes

    def load(self, voice: str, text: str) -> tuple[Speech, ...] | None:
        """Return a phrase by a voice, whose name holds all that its sound depends on; None when it is not here."""
        path = self._path(voice, text)
        try:
            pieces = _DECODER.decode(path.read_bytes())
            os.utime(path)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            log.warning("phrases.unreadable", reason=type(error).__name__)
            with contextlib.suppress(OSError):
                path.unlink()
            return None
        return tuple(
            Speech(
                piece.audio,
                piece.rate_hz,
                tuple(SpokenWord(*word) for word in piece.words),
                Encoding.ULAW if piece.ulaw else Encoding.PCM,
            )
            for piece in pieces
        )

    def store(self, voice: str, text: str, speech: Collection[Speech]) -> None:
        """Keep a phrase, and let others go for it."""
        raw = _ENCODER.encode(
            [
                _Piece(
                    piece.audio,
                    piece.rate_hz,
                    tuple((word.text, word.start_ms, word.end_ms) for word in piece.words),
                    piece.encoding is Encoding.ULAW,
                )
                for piece in speech
            ]
        )
        if len(raw) > min(PHRASE_BYTES_MAX, self._limit):
            return
        path = self._path(voice, text)
        # Of its own, so that two calls that keep the same phrase do not write into one file.
        partly = path.with_suffix(f".{os.getpid()}-{os.urandom(4).hex()}")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            partly.write_bytes(raw)
            partly.replace(path)
            self._make_room()
        except OSError as error:
            log.warning("phrases.not_kept", reason=type(error).__name__)
            with contextlib.suppress(OSError):
                partly.unlink()

    def _make_room(self) -> None:
        found = []
        for path in self._folder.iterdir():
            with contextlib.suppress(FileNotFoundError):  # another call makes room too
                seen = path.stat()
                found.append((seen.st_mtime_ns, seen.st_size, path))
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found, key=lambda one: one[0]):
            if total <= self._limit:
                return
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
            total -= size

    def _path(self, voice: str, text: str) -> Path:
        name = hashlib.sha256(msgspec.json.encode([voice, text])).hexdigest()
        return self._folder / f"{name[:40]}{_SUFFIX}"


class Phrases(Protocol):
    """Where the speech of phrases is kept. Both may wait for a disk: call them in a thread."""

    def load(self, voice: str, text: str) -> Sequence[Speech] | None: ...

    def store(self, voice: str, text: str, speech: Sequence[Speech]) -> None: ...


class CachedVoice:
    """Implements `agent.tts.port.Voice`: fixed phrases from the cache, or into it; all else by the voice."""

    def __init__(self, voice: Voice, name: str, phrases: Collection[str], cache: Phrases) -> None:
        """`name`: the vendor's, the voice's and all settings that its sound depends on."""
        self._voice = voice
        self._name = name
        self._phrases = frozenset(phrases)
        self._cache = cache

    async def speak(self, text: str) -> AsyncGenerator[Speech, None]:
        """Raises SpeechUnavailable."""
        fixed = text in self._phrases
        if fixed:
            kept = await asyncio.to_thread(self._cache.load, self._name, text)
            if kept is not None:
                for piece in kept:
                    yield piece
                return
        spoken: list[Speech] = []
        async with aclosing(self._voice.speak(text)) as pieces:
            async for piece in pieces:
                if fixed:
                    spoken.append(piece)
                yield piece
        if fixed:
            # Reached only by speech that came whole: what failed or was taken back is not kept.
            await asyncio.to_thread(self._cache.store, self._name, text, spoken)

    async def have_ready(self, phrases: Collection[str]) -> None:
        """Have phrases in the cache before they are needed; a voice that fails is left at that."""
        with contextlib.suppress(SpeechUnavailable):
            for text in phrases:
                async with aclosing(self.speak(text)) as pieces:
                    async for _ in pieces:
                        pass
