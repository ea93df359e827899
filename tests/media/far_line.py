"""A carrier for play-out tests: a frame of 20 ms at a time, a way there and a way back, marks, clear."""

from dataclasses import dataclass, field

from media.far_buffer import Packet

FRAME = 160


@dataclass
class FarLine:
    """Millisecond by millisecond. What it plays is kept with its time; silence fills what is missing."""

    there_ms: int = 0
    back_ms: int = 0
    phase_ms: int = 0  # where its frames begin
    heard: bytearray = field(default_factory=bytearray)  # since time 0, without the phase
    echoes: list[tuple[int, str]] = field(default_factory=list)  # (arrives here, name)
    gaps: int = 0  # frames that were short while more was to come
    cleared_at: list[int] = field(default_factory=list)
    _coming: list[tuple[int, Packet | None]] = field(default_factory=list)
    _buffer: bytearray = field(default_factory=bytearray)
    _marks: list[tuple[int, str]] = field(default_factory=list)
    _played: int = 0

    def send(self, packet: Packet, now_ms: int) -> None:
        self._coming.append((now_ms + self.there_ms, packet))

    def clear(self, now_ms: int) -> None:
        self._coming.append((now_ms + self.there_ms, None))

    @property
    def buffered_ms(self) -> int:
        return len(self._buffer) // 8

    def step(self, now_ms: int) -> None:
        """Live through one millisecond."""
        while self._coming and self._coming[0][0] <= now_ms:
            packet = self._coming.pop(0)[1]
            if packet is None:
                self._buffer.clear()
                self.echoes += [(now_ms + self.back_ms, name) for _, name in self._marks]
                self._marks.clear()
                self.cleared_at.append(now_ms)
                continue
            self._buffer += packet.ulaw
            if packet.mark is not None:
                self._marks.append((self._played + len(self._buffer), packet.mark))
        if (now_ms - self.phase_ms) % 20:
            return
        # What was handed over a frame ago has been heard by now.
        while self._marks and self._marks[0][0] <= self._played:
            self.echoes.append((now_ms + self.back_ms, self._marks.pop(0)[1]))
        frame = bytes(self._buffer[:FRAME])
        del self._buffer[:FRAME]
        self._played += len(frame)
        self.heard += frame.ljust(FRAME, b"\xff")

    def arrived(self, now_ms: int) -> list[tuple[int, str]]:
        """Take the echoes that are here, each with the time at which it arrived."""
        here = [echo for echo in self.echoes if echo[0] <= now_ms]
        self.echoes = [(at_ms, name) for at_ms, name in self.echoes if at_ms > now_ms]
        return here
