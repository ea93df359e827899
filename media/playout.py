"""What the agent says on its way to the carrier: a bounded lead ahead of real time, and what was heard. Sans-I/O.

A reply is appended as it is made and leaves in packets, so early that a stall of the loop of 150 ms is not heard:
when a packet leaves, at least 170 ms are still buffered at the carrier (media/far_buffer.py knows). Marks are sent
only where they tell something: behind the first packet of a stretch, at words' ends, at the reply's end, and at
least each 400 ms. Between them the clock tells what was heard.

Times are local milliseconds given by the caller; audio is µ-law, 8 samples a millisecond.
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

from media.fade import faded_in, fading_out
from media.far_buffer import FarBuffer, Packet, Span
from media.frame import FRAME_MS, FRAME_SAMPLES, SAMPLES_PER_MS

STALL_MS: Final = 150  # what the loop may stand still without being heard
LEAD_MS: Final = STALL_MS + 2 * FRAME_MS  # one tick passes before a shortage is seen, one is in reserve
PACKETS_MS: Final = (20, 60, 100)  # the first is short, so that its mark proves the start early
PACKET_MIN_MS: Final = 40
HUNGRY_MS: Final = 60  # with less at the carrier, what there is leaves, however short
MARK_EVERY_MS: Final = 400
MARK_APART_MS: Final = 280  # words' ends closer than this to the last mark get none
# A carrier that loses a mark must not hold the call: what should have been played counts as played after this.
MARK_PATIENCE_MS: Final = 1_000


class Playout:
    """One call's outgoing speech: a reply at a time, appended as it is made, paused, resumed or dropped."""

    def __init__(self) -> None:
        self._far = FarBuffer()
        self._audio = bytearray()  # the whole reply
        self._word_ends: list[int] = []  # samples, rising
        self._sent = 0  # samples handed to the carrier, counted from the reply's start
        self._marked = 0  # up to where marks were sent
        self._step = 0  # of PACKETS_MS
        self._complete = True  # nothing more will be appended
        self._paused = False
        self._heard = 0  # samples, the most that was known
        self._cut: list[Span] = []  # played before a pause, not given out yet
        self._starved = False  # all that was made had been sent when we last looked
        self.underruns = 0  # fell silent in mid-reply though there was more to send: we were late; read by metrics

    # The reply

    def begin(self) -> None:
        """Start a new reply; what is left of the former one must have been dropped or played."""
        self._audio = bytearray()
        self._word_ends = []
        self._heard = 0
        self._complete = False
        self._start_from(0)

    def append(self, ulaw: bytes, word_ends_ms: Sequence[int] = (), *, behind_ms: int | None = None) -> None:
        """Add speech, and where words end, in ms since the reply's first sample, rising.

        `behind_ms`: what lies behind this place and was not sent is forgotten first.
        """
        if behind_ms is not None:
            end = max(self._sent, behind_ms * SAMPLES_PER_MS)
            del self._audio[end:]
            self._word_ends = [word_end for word_end in self._word_ends if word_end <= end]
        self._audio += ulaw
        self._word_ends += [end_ms * SAMPLES_PER_MS for end_ms in word_ends_ms]

    def complete(self) -> None:
        """Nothing more comes for this reply."""
        self._complete = True

    @property
    def duration_ms(self) -> int:
        """Length of the reply as far as it has been made."""
        return len(self._audio) // SAMPLES_PER_MS

    @property
    def paused(self) -> bool:
        return self._paused

    @property
    def unsent_ms(self) -> int:
        return (len(self._audio) - self._sent) // SAMPLES_PER_MS

    @property
    def far(self) -> FarBuffer:
        """The carrier's end, for what it counts."""
        return self._far

    # The line

    def due(self, now_ms: float) -> Sequence[Packet]:
        """Return the packets that the carrier should get now to be LEAD_MS ahead."""
        if self._paused:
            return ()
        packets: list[Packet] = []
        dry = self._far.dry
        while self._sent < len(self._audio):
            ahead_ms = self._far.ahead_ms(now_ms)
            if ahead_ms >= LEAD_MS:
                break
            if not ahead_ms:
                self._step = 0
            packet = self._next_packet(ahead_ms, now_ms)
            if packet is None:
                break
            packets.append(packet)
        if not self._starved:
            self.underruns += self._far.dry - dry
        self._starved = self._sent == len(self._audio)
        if self._complete and self._sent == len(self._audio) and self._marked < self._sent:
            # The reply's end was not known when its last packet left.
            self._marked = self._sent
            packets.append(self._far.send(b"", self._sent, now_ms, marked=True))
        return packets

    def marked(self, mark: str, at_ms: float) -> float | None:
        """Take an echo that arrived at `at_ms`; None for a stale mark.

        Returns when the reply's first sample was played if it has been playing without a gap.
        """
        proof = self._far.marked(mark, at_ms)
        return None if proof is None else proof[1] - proof[0] / SAMPLES_PER_MS

    def heard_ms(self, now_ms: float) -> int:
        """Return how much of the reply has been played: by marks, and between them by the clock."""
        if not self._paused:
            self._heard = max(self._heard, self._far.position(now_ms))
        return self._heard // SAMPLES_PER_MS

    def played(self, now_ms: float) -> list[Span]:
        """Take what was played since the last call: sound as it was sent, and when it was heard."""
        spans, self._cut = self._cut, []
        spans += self._far.played(now_ms)
        return spans

    def played_out(self, now_ms: float) -> bool:
        """True when the whole reply was made, sent and played."""
        if not self._complete or self._paused or self._sent < len(self._audio):
            return False
        return not self._far.unproven or self._far.overdue_ms(now_ms) > MARK_PATIENCE_MS

    # Mixed with others, a frame at a time

    @property
    def frame(self) -> bytes:
        """The next 20 ms of the reply, to be sent by `send_mixed`: less at its end, nothing while paused."""
        return b"" if self._paused else bytes(self._audio[self._sent : self._sent + FRAME_SAMPLES])

    def send_mixed(self, ulaw: bytes, own: int, now_ms: float) -> Packet:
        """Note that sound is sent now which holds the reply's next `own` samples, and perhaps other voices."""
        end = self._sent + own
        last = self._complete and end == len(self._audio) and own > 0
        marks = last or end - self._marked >= MARK_EVERY_MS * SAMPLES_PER_MS
        packet = self._far.send(ulaw, self._sent, now_ms, marked=marks, carries=own)
        self._sent = end
        if marks:
            self._marked = end
        return packet

    def pause(self, now_ms: float, *, clears: bool = True, fades: bool = True) -> bytes:
        """Stop at once: send `clear`, then what this returns, the voice's fading end (empty if it was silent).

        Remembers what will have been heard when the clear arrives. Without a clear, all that was sent is heard.
        """
        self._paused = True
        if not clears:
            self._heard = max(self._heard, self._sent)
            return b""
        position, spans = self._far.cut(now_ms)
        self._cut += spans
        self._heard = max(self._heard, position)
        fade = fading_out(bytes(self._audio[position : self._sent])) if fades else b""
        if fade:
            self._cut.append(self._far.append_sound(fade))
        return fade

    def resume(self, from_ms: int) -> None:
        """Go on with the reply from `from_ms`, the start of the word that was cut, say."""
        self._start_from(min(len(self._audio), max(0, from_ms) * SAMPLES_PER_MS))

    def drop(self) -> None:
        """Forget the rest of the reply: what was not heard never will be."""
        del self._audio[self._heard if self._paused else self._sent :]
        self._sent = self._marked = min(self._sent, len(self._audio))
        self._complete = True
        self._paused = False

    def _start_from(self, offset: int) -> None:
        self._far.begin(offset)
        self._sent = self._marked = offset
        self._step = 0
        self._paused = False

    def _next_packet(self, ahead_ms: float, now_ms: float) -> Packet | None:
        """Return the packet that should leave now; None to wait for more of the reply."""
        left = len(self._audio) - self._sent
        size = min(PACKETS_MS[self._step] * SAMPLES_PER_MS, left)
        last = self._complete and size == left
        if size < PACKET_MIN_MS * SAMPLES_PER_MS and self._step and not last and ahead_ms >= HUNGRY_MS:
            return None
        opens = self._step == 0
        size, at_word_end = self._to_word_end(size) if not opens else (size, False)
        ulaw = bytes(self._audio[self._sent : self._sent + size])
        if opens and not ahead_ms:
            ulaw = faded_in(ulaw)
        end = self._sent + size
        last = self._complete and end == len(self._audio)
        marks = opens or last or at_word_end or end - self._marked >= MARK_EVERY_MS * SAMPLES_PER_MS
        packet = self._far.send(ulaw, self._sent, now_ms, marked=marks)
        self._sent = end
        if marks:
            self._marked = end
        self._step = min(self._step + 1, len(PACKETS_MS) - 1)
        return packet

    def _to_word_end(self, size: int) -> tuple[int, bool]:
        """Shorten a packet to the last word's end in it that is worth a mark, if there is one."""
        index = bisect_right(self._word_ends, self._sent + size) - 1
        if index < 0:
            return size, False
        end = self._word_ends[index]
        far_enough = end >= self._marked + MARK_APART_MS * SAMPLES_PER_MS
        if far_enough and end >= self._sent + PACKET_MIN_MS * SAMPLES_PER_MS:
            return end - self._sent, True
        return size, False
