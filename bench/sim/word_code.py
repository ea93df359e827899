"""Speech that says which word it is: each millisecond of µ-law carries its word's number and its place in it. Sans-I/O.

So the far end of a line knows what was played without believing the sender: whatever the product cuts, fades, repeats
or drops is read off the sound. It is quieter than voices are (below -48 dBFS), so that no leveller touches it; a
millisecond that a fade has changed does not add up and says nothing.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from media.codec.g711 import ULAW_SILENCE
from media.frame import SAMPLES_PER_MS

_DIGITS: Final = 16  # of µ-law's quietest codes, 0xF0 to 0xFF
_BASE: Final = 0xF0
_MARK: Final = 0x70  # as quiet, with the other sign: begins each millisecond
NUMBERS_MAX: Final = _DIGITS**3
_PLACES_MAX: Final = _DIGITS**3  # ms of one word


def _places() -> NDArray[np.uint8]:
    """Each place's millisecond without its word: a row of marks and digits, with the places' part of the sum."""
    places = np.arange(_PLACES_MAX)
    rows = np.zeros((_PLACES_MAX, SAMPLES_PER_MS), np.uint8)
    rows[:, 0] = _MARK
    for column, shift in ((4, 8), (5, 4), (6, 0)):
        digit = places >> shift & 15
        rows[:, column] = _BASE + digit
        rows[:, 7] += digit.astype(np.uint8)
    return rows


_PLACES: Final = _places()


Column = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class CodedMs:
    number: int
    place_ms: int


def encode(number: int, length_ms: int) -> bytes:
    """Return `length_ms` of a word's sound."""
    assert 0 <= number < NUMBERS_MAX, "more words than a call can have"
    assert length_ms < _PLACES_MAX, "a word longer than four seconds"
    word = np.array([number >> 8 & 15, number >> 4 & 15, number & 15], np.uint8)
    sound = _PLACES[:length_ms].copy()
    sound[:, 1:4] = word + _BASE
    sound[:, 7] = (sound[:, 7] + word.sum()) % _DIGITS + _BASE
    return sound.tobytes()


def silence(length_ms: int) -> bytes:
    return ULAW_SILENCE * (length_ms * SAMPLES_PER_MS)


def decode(ulaw: bytes) -> list[tuple[int, CodedMs]]:
    """Return, for each readable millisecond, its place in `ulaw` and what it carries."""
    at, numbers, places = columns(ulaw)
    return [(int(a), CodedMs(int(n), int(p))) for a, n, p in zip(at, numbers, places, strict=True)]


def columns(ulaw: bytes) -> tuple[Column, Column, Column]:
    """Return the same as three columns: places in `ulaw` in ms, words' numbers, places in the words in ms."""
    whole = len(ulaw) // SAMPLES_PER_MS * SAMPLES_PER_MS
    table = np.frombuffer(ulaw[:whole], np.uint8).reshape(-1, SAMPLES_PER_MS).astype(np.int32)
    digits = table[:, 1:] - _BASE
    good = (table[:, 0] == _MARK) & ((digits >= 0) & (digits < _DIGITS)).all(axis=1)
    good &= digits[:, :6].sum(axis=1) % _DIGITS == digits[:, 6]
    at = np.flatnonzero(good)
    digits = digits[at]
    numbers = digits[:, 0] * 256 + digits[:, 1] * 16 + digits[:, 2]
    places = digits[:, 3] * 256 + digits[:, 4] * 16 + digits[:, 5]
    return at, numbers, places
