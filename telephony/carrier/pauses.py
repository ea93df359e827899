"""Pauses inside what a person says: "My number is |700| five five" is silent for 700 ms after "is". Sans-I/O.

The text between bars is said in one breath; the number between bars is the silence, in ms between audible samples.
"""

from dataclasses import dataclass
from typing import Final

PAUSE_MIN_MS: Final = 100  # shorter ones are a matter of articulation, and the voice makes those itself
PAUSE_MAX_MS: Final = 5_000
_BAR: Final = "|"


@dataclass(frozen=True, slots=True)
class Halting:
    """What is said in pieces: `pauses_ms[n]` lies between the nth piece and the next, so there is one less of them."""

    pieces: tuple[str, ...]
    pauses_ms: tuple[int, ...]

    @property
    def text(self) -> str:
        """All the words, as who writes them down would."""
        return " ".join(self.pieces)


def split(text: str) -> Halting:
    """Return a text's pieces and the pauses between them; without a bar it is one piece.

    Raises:
        ValueError: bars that are no pause, a pause out of bounds, or one without words on both sides. The message says
            what to write instead.
    """
    parts = [part.strip() for part in text.split(_BAR)]
    if len(parts) % 2 == 0:
        raise ValueError("a pause is written |700| (ms between two bars), and one bar is missing")
    pieces, written = parts[::2], parts[1::2]
    if not all(any(sign.isalnum() for sign in piece) for piece in pieces):
        raise ValueError("a pause |700| stands between words: there are none on one side of it; use after_ms for those")
    pauses = []
    for number in written:
        if not (number.isascii() and number.isdigit()) or not PAUSE_MIN_MS <= int(number[:6]) <= PAUSE_MAX_MS:
            raise ValueError(
                f"|{number[:20]}| is no pause: write whole milliseconds from {PAUSE_MIN_MS} to {PAUSE_MAX_MS}, as |700|"
            )
        pauses.append(int(number))
    return Halting(tuple(pieces), tuple(pauses))
