"""The prospect of the failover bench at the carrier's end of a stream: speaks, hears the agent out, keeps its sound.

All moments are seconds of the bench's own clock, given by the caller; nothing is taken from the server. Sans-I/O.
"""

from collections.abc import Callable, Sequence
from typing import Final

from bench.carrier_stream import CarrierStream, parse
from bench.earpiece import Earpiece
from bench.failover.line_sound import LineSound, longest_wait_s
from bench.providers.coded_speech import CodedWord
from bench.providers.speech_script import Understands
from bench.utterance import SILENCE, Utterance
from media.frame import FRAME_MS

PATIENCE_S: Final = 8.0  # without the end of an answer: the call is lost
REACTION_S: Final = 0.6
_LAST_WORD_WITHIN_S: Final = 4.0
_FRAME_S: Final = FRAME_MS / 1000


class Prospect:
    def __init__(
        self,
        number: int,
        utterance: Utterance,
        last_words: Sequence[str],
        known: Understands,
        send: Callable[[bytes], None],
        now: float,
    ) -> None:
        """`last_words`: the word that ends each answer; after it they speak again. `send` takes a text message."""
        self._stream = CarrierStream(number, send)
        self._earpiece = Earpiece()
        self._sound = LineSound(now)
        self._utterance = utterance
        self._last_words = list(last_words)
        self._known = known
        self._place: int | None = None  # in what is being said
        self._said: list[tuple[float, float]] = []  # from when to when, of each utterance
        self._speak_at = now + REACTION_S
        self._looked_bytes = 0
        self._lively_at = now  # somebody spoke

    def start(self) -> None:
        """Open the stream as the carrier does."""
        self._stream.start()

    def stop(self) -> None:
        """Hang up."""
        self._stream.stop()

    def tick(self, now: float) -> None:
        """Send the next frame; comes each 20 ms."""
        for name in self._earpiece.due(now):
            self._stream.echo(name)
        self._look(now)
        if self._place is None and now >= self._speak_at:
            self._place, self._speak_at = 0, float("inf")
        payload = SILENCE
        if self._place is not None:
            payload = self._utterance.frames[self._place]
            self._spoke(self._place, now)
        self._stream.audio(payload)

    def received(self, text: bytes, now: float) -> None:
        """Take a message of the server. Raises msgspec.DecodeError for what no server should send."""
        message = parse(text)
        if message.event == "media" and message.media is not None:
            starts = max(now, self._earpiece.free_at)
            self._earpiece.play(message.media.payload, now)
            self._sound.play(message.media.payload, starts)
        elif message.event == "mark" and message.mark is not None:
            self._earpiece.mark(message.mark.name, now)
        elif message.event == "clear":
            for name in self._earpiece.clear(now):
                self._stream.echo(name)
            self._sound.clear(now)

    # What there was of it

    @property
    def utterances(self) -> int:
        return len(self._said)

    def lost_patience(self, now: float) -> bool:
        return now - max(self._lively_at, self._earpiece.free_at) > PATIENCE_S

    def heard(self) -> list[CodedWord]:
        """Return all words that were played."""
        return self._sound.words(self._known)

    def longest_wait_s(self) -> float:
        """Return the longest time in which nobody was heard until the agent was, behind the prospect's first words."""
        return longest_wait_s(self._said, self._sound.spans())

    def _spoke(self, place: int, now: float) -> None:
        self._lively_at = now
        if place == self._utterance.first_voiced:
            self._said.append((now, now))
        elif place > self._utterance.first_voiced:
            self._said[-1] = (self._said[-1][0], now + _FRAME_S)
        self._place = place + 1 if place + 1 < len(self._utterance.frames) else None

    def _look(self, now: float) -> None:
        """An answer whose last word has been played is answered."""
        if not self._last_words or now < self._earpiece.free_at or self._sound.played_bytes == self._looked_bytes:
            return
        self._looked_bytes = self._sound.played_bytes
        words = self._sound.words(self._known, _LAST_WORD_WITHIN_S)
        if self._last_words[0] in {word.text for word in words}:
            self._last_words.pop(0)
            if self._last_words:
                self._speak_at = now + REACTION_S
