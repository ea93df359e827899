"""What ElevenLabs' multi-context socket says, typed, and words from the times of characters. Sans-I/O.

Decoded by msgspec, base64 included (docs/decisions/0013).
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from agent.llm.port import Failure
from agent.tts.port import SpokenWord

MESSAGE_CHARS_MAX: Final = 4 * 1024 * 1024
_FAILURES: Final = {
    "invalid_api_key": Failure.REFUSED_KEY,
    "quota_exceeded": Failure.REFUSED_KEY,
    "too_many_concurrent_requests": Failure.RATE_LIMITED,
    "rate_limited": Failure.RATE_LIMITED,
    "voice_not_found": Failure.REFUSED_REQUEST,
}


class BadElevenLabsMessage(ValueError):
    """Too long, not JSON, or a field of the wrong type."""


class Alignment(msgspec.Struct, frozen=True, rename="camel"):
    """When each character of a piece is spoken, in ms since the piece's first sample."""

    chars: tuple[str, ...] = ()
    char_start_times_ms: tuple[float, ...] = ()
    char_durations_ms: tuple[float, ...] = ()


class Message(msgspec.Struct, frozen=True, rename="camel"):
    context_id: str | None = None
    audio: bytes | None = None
    alignment: Alignment | None = None
    is_final: bool | None = None
    error: str | None = None

    @property
    def failure(self) -> Failure:
        return _FAILURES.get(self.error or "", Failure.UNAVAILABLE)


_DECODER: Final = msgspec.json.Decoder(Message)


def parse(text: str | bytes) -> Message:
    """Raises BadElevenLabsMessage, with no part of the message, which may hold what was to be said."""
    if len(text) > MESSAGE_CHARS_MAX:
        raise BadElevenLabsMessage("message too long")
    try:
        return _DECODER.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadElevenLabsMessage(type(error).__name__) from None


class Words:
    """Puts characters together to the words of one text; a word may come in several pieces."""

    def __init__(self, text: str) -> None:
        self._left = sum(not char.isspace() for char in text)  # characters whose times have not come
        self._text = ""
        self._start_ms = self._end_ms = 0

    @property
    def covered(self) -> bool:
        """True when the times of all of the text are known: what is still to come is the sound of its end."""
        return self._left <= 0

    def take(self, alignment: Alignment, piece_ms: int) -> Iterator[SpokenWord]:
        """Yield the words that end in a piece, whose first sample lies `piece_ms` into the text's speech."""
        times = zip(alignment.chars, alignment.char_start_times_ms, alignment.char_durations_ms, strict=False)
        for char, start_ms, length_ms in times:
            if char.isspace():
                yield from self.end()
                continue
            if not self._text:
                self._start_ms = piece_ms + round(start_ms)
            self._text += char
            self._end_ms = piece_ms + round(start_ms + length_ms)
            self._left -= len(char)

    def end(self) -> Iterator[SpokenWord]:
        """Yield the word that no blank has ended."""
        if self._text:
            yield SpokenWord(self._text, self._start_ms, self._end_ms)
            self._text = ""
