"""Deepgram's Nova over a call: what to send, and what its results say of an utterance. Sans-I/O.

It is fed utterances only. Its times count the audio of one connection; here they become positions in all that was
fed in the call, so that a connection that breaks is followed by another one, which gets what no final has told of.
"""

from typing import Final

from agent.stt.deepgram_messages import Failed, Message, Results, SpeechStarted, TurnInfo, Word
from agent.stt.port import Feeding, HeardWord, OnPartial, OnTurn, Transcript, TurnSign
from agent.stt.replay import Replay
from media.frame import RATE_HZ, SAMPLES_PER_MS

PACKET_BYTES: Final = 80 * SAMPLES_PER_MS
PACKET_BYTES_MAX: Final = 1_000 * SAMPLES_PER_MS  # of what is sent again, or was kept until the socket was open
# µ-law codes without their sign fall as loudness rises; louder than this anywhere (some -36 dBFS), a frame has voice.
_LOUD_CODE: Final = 0x48
_UNSIGNED: Final = bytes(code & 0x7F for code in range(256))
# A word may begin a little before the utterance that it belongs to, by the vendor's rounding.
_SLACK: Final = 20 * SAMPLES_PER_MS


class Placed:
    """Words on the call's positions."""

    def __init__(self) -> None:
        self._words: list[tuple[Word, int, int]] = []

    def add(self, words: tuple[Word, ...], base: int) -> None:
        for word in words:
            start, end = word.start or 0.0, word.end or 0.0
            self._words.append((word, base + round(start * RATE_HZ), base + round(end * RATE_HZ)))

    def forget_before(self, position: int) -> None:
        self._words = [placed for placed in self._words if placed[2] > position + _SLACK]

    def transcript(self, began: int) -> Transcript:
        """Return what was said since position `began`, times counted from there."""
        said = [placed for placed in self._words if placed[2] > began + _SLACK]
        if not said:
            return Transcript("", (), 0.0)
        words = tuple(
            HeardWord(word.text, max(0, start - began) // SAMPLES_PER_MS, (end - began) // SAMPLES_PER_MS)
            for word, start, end in said
        )
        confidence = sum(word.confidence for word, _, _ in said) / len(said)
        return Transcript(" ".join(word.text for word, _, _ in said), words, confidence)


class Nova:
    """Implements `agent.stt.deepgram.Hearing`."""

    feeding: Final = Feeding(ulaw=True)
    end_message: Final = '{"type":"Finalize"}'
    keep_alive: Final = '{"type":"KeepAlive"}'

    def __init__(self, on_partial: OnPartial, on_turn: OnTurn) -> None:
        self._on_partial = on_partial
        self._on_turn = on_turn
        self._replay = Replay()
        self._base = 0  # position of this connection's first sample
        self._began = 0  # position of the utterance's first sample
        self._finals = Placed()
        self.ending = False  # the utterance is over: what is left goes out, and Finalize behind it
        self._to_ask = False  # Finalize is to be sent
        self._answered = False
        self._guessing = False  # an interim result is the latest
        self._told = 0  # position up to which finals tell
        self._voiced = 0  # position behind the last loud frame
        self._loud = False  # the frame before
        self._fell = False  # the voice fell silent: a word may be over, so nothing of it waits for a full packet

    def begin(self) -> None:
        self._began = self._replay.fed
        self._replay.confirm(self._began)  # nobody asks any more for what was before
        self._finals.forget_before(self._began)
        self.ending = self._to_ask = self._answered = self._guessing = False

    def feed(self, ulaw: bytes) -> bool:
        """True when there is a packet to send."""
        self._replay.push(ulaw)
        loud = bool(ulaw) and min(ulaw.translate(_UNSIGNED)) <= _LOUD_CODE
        self._fell |= self._loud and not loud
        self._loud = loud
        if loud:
            self._voiced = self._replay.fed
        return self._fell or self._replay.unsent >= PACKET_BYTES

    def end(self) -> None:
        """The utterance is over; its words are wanted."""
        self.ending = self._to_ask = True
        self._answered = False

    def let_go(self) -> None:
        """Nobody waits any more."""
        self.ending = self._to_ask = False

    @property
    def done(self) -> bool:
        """True when all of the utterance that was ended is known."""
        return self.ending and self._answered

    @property
    def nearly_done(self) -> bool:
        """True when finals told of all that was voiced: the vendor need not answer Finalize when nothing is left."""
        return not self._guessing and self._told >= self._voiced - _SLACK and bool(self.transcript().text)

    def transcript(self) -> Transcript:
        return self._finals.transcript(self._began)

    # The connection

    def opened(self) -> None:
        """A connection is there, the first or another one."""
        self._base = self._replay.rewind()
        self._to_ask = self.ending
        self._guessing = False

    def packet(self) -> bytes | None:
        """Return audio to send now."""
        if self._replay.unsent >= PACKET_BYTES or ((self.ending or self._fell) and self._replay.unsent):
            return self._replay.take(PACKET_BYTES_MAX)
        self._fell = False
        return None

    def ask_end(self) -> bool:
        """True when `end_message` is to be sent now, behind all packets."""
        ask, self._to_ask = self._to_ask, False
        return ask

    def take(self, message: Message) -> bool:
        """Take what the vendor said; False when it says that it failed."""
        match message:
            case Results():
                self._results(message)
            case SpeechStarted():
                self._on_turn(TurnSign.STARTED)
            case Failed():
                return False
            case TurnInfo():
                pass
        return True

    def _results(self, results: Results) -> None:
        alternatives = results.channel.alternatives
        words = alternatives[0].words if alternatives else ()
        if results.is_final:
            self._finals.add(words, self._base)
            end = self._base + round((results.start + results.duration) * RATE_HZ)
            self._told = end
            self._replay.confirm(end)
            # One that comes late is of the utterance before this one.
            self._answered |= results.from_finalize and end > self._began
            self._guessing = False
        so_far = self._finals
        if not results.is_final and words:
            so_far = Placed()
            so_far.add(words, self._base)
            self._guessing = True
        if words:
            before = "" if so_far is self._finals else self._finals.transcript(self._began).text
            text = f"{before} {so_far.transcript(self._began).text}".strip()
            if text:
                self._on_partial(text)
            if results.speech_final:
                self._on_turn(TurnSign.PROBABLY_OVER)
