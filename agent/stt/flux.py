"""Deepgram's Flux over a call: what to send, and what its turns say of an utterance. Sans-I/O.

It listens for turns itself and so gets all audio, silence too. An utterance that we find to be over before it does is
ended by `ForceEndTurn`; a turn that it ended before we ask is known at once.
"""

from typing import Final

from agent.stt.deepgram_messages import Failed, Message, Results, SpeechStarted, TurnInfo
from agent.stt.nova import PACKET_BYTES, PACKET_BYTES_MAX, Placed
from agent.stt.port import PREROLL_MS, Feeding, OnPartial, OnTurn, Transcript, TurnSign
from agent.stt.replay import Replay
from media.frame import RATE_HZ, SAMPLES_PER_MS

# Of a turn that Flux has not begun yet when we ask for its end: its updates come each 250 ms of audio.
_UNHEARD: Final = 300 * SAMPLES_PER_MS
_SIGNS: Final = {
    "StartOfTurn": TurnSign.STARTED,
    "EagerEndOfTurn": TurnSign.PROBABLY_OVER,
    "TurnResumed": TurnSign.WENT_ON,
    "EndOfTurn": TurnSign.OVER,
}


class Flux:
    """Implements `agent.stt.deepgram.Hearing`."""

    feeding: Final = Feeding(ulaw=True, continuous=True)
    end_message: Final = '{"type":"ForceEndTurn"}'
    keep_alive: Final = ""  # it has none, and needs none: audio never stops

    def __init__(self, on_partial: OnPartial, on_turn: OnTurn) -> None:
        self._on_partial = on_partial
        self._on_turn = on_turn
        self._replay = Replay()
        self._base = 0  # position of this connection's first sample
        self._began = 0  # position of the utterance's first sample
        self._ended = 0  # position where we found it to be over
        self._heard = 0  # position up to which Flux has listened
        self._turns = Placed()  # words of turns that are over
        self._speaking = False  # a turn is under way
        self.ending = False
        self._forced = False  # ForceEndTurn was sent for the turn under way

    def begin(self) -> None:
        self._began = max(0, self._replay.fed - PREROLL_MS * SAMPLES_PER_MS)
        self._turns.forget_before(self._began)
        self.ending = self._forced = False

    def feed(self, ulaw: bytes) -> bool:
        self._replay.push(ulaw)
        return self._replay.unsent >= PACKET_BYTES

    def end(self) -> None:
        self.ending, self._forced = True, False
        self._ended = self._replay.fed

    def let_go(self) -> None:
        self.ending = False

    @property
    def done(self) -> bool:
        """True when no turn is under way and Flux has listened to the utterance's end, but for the silence after it."""
        return self.ending and not self._speaking and self._heard >= self._ended - _UNHEARD

    @property
    def nearly_done(self) -> bool:
        """Never: an update comes each 250 ms, so silence of the vendor means nothing good."""
        return False

    def transcript(self) -> Transcript:
        return self._turns.transcript(self._began)

    # The connection

    def opened(self) -> None:
        self._base = self._replay.rewind()
        self._speaking = self._forced = False

    def packet(self) -> bytes | None:
        if self._replay.unsent >= PACKET_BYTES or (self.ending and self._replay.unsent):
            return self._replay.take(PACKET_BYTES_MAX)
        return None

    def ask_end(self) -> bool:
        # Ignored by Flux while no turn is under way, so it waits for one to begin.
        if self.ending and self._speaking and not self._forced:
            self._forced = True
            return True
        return False

    def take(self, message: Message) -> bool:
        match message:
            case TurnInfo():
                self._turn(message)
            case Failed():
                return False
            case Results() | SpeechStarted():
                pass
        return True

    def _turn(self, turn: TurnInfo) -> None:
        self._heard = self._base + round(turn.audio_window_end * RATE_HZ)
        match turn.event:
            case "EndOfTurn":
                self._turns.add(turn.words, self._base)
                self._speaking = self._forced = False
            case "StartOfTurn" | "TurnResumed":
                self._speaking = True
            case "Update" if turn.transcript:
                self._speaking = True
        if not self._speaking:
            # Silence, or a turn that is over: nothing of it is to be sent again.
            self._replay.confirm(self._heard)
        if turn.transcript:
            before = self._turns.transcript(self._began).text if self._speaking else ""
            self._on_partial(f"{before} {turn.transcript}".strip())
        sign = _SIGNS.get(turn.event)
        if sign is not None:
            self._on_turn(sign)
