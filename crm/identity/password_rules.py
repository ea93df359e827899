"""Which passwords are taken (NIST SP 800-63B §5.1.1.2): long enough, not to be guessed, nobody's first try. Sans-I/O.

No rule asks for kinds of signs, and none for a new password after some time. How hard one is to guess is estimated by
the cheapest way to put it together from words, names, rows of keys, years, repeats and single signs.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from math import log2
from typing import Final

from crm.identity.common_words import ROWS, WORDS

CHARS_MIN: Final = 12
CHARS_MAX: Final = 200
# An online guesser, slowed down by the back-off of signing in, does not come near; see lockout.
BITS_MIN: Final = 40.0
# What is estimated; who wants more than this much is let in anyway.
JUDGED_CHARS_MAX: Final = 80
ABOUT_CHARS_MIN: Final = 4
_WORD_CHARS: Final = (3, max(map(len, WORDS)))
_ROW_CHARS_MIN: Final = 4
_UNLEET: Final = str.maketrans("0134578@$!", "oieastbasi")
_AROUND: Final = "0123456789 !@#$%&*._-?+"
_YEAR: Final = re.compile(r"(?:19|20)[0-9]{2}")
_PARTS: Final = re.compile(r"[^\W_]+")
_BOTH_WAYS: Final = ROWS + tuple(row[::-1] for row in ROWS)
_ABOUT_BITS: Final = 1.0
_YEAR_BITS: Final = 7.0
_ROW_BITS: Final = 5.0
_STRENGTH_BITS: Final = (20.0, BITS_MIN, 60.0, 80.0)


class Rule(StrEnum):
    """Codes are a contract with clients."""

    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    TOO_EASY = "too_easy_to_guess"
    COMMON = "common"
    PERSONAL = "personal"


TEXTS: Final = {
    Rule.TOO_SHORT: f"Take {CHARS_MIN} characters or more; a few words will do",
    Rule.TOO_LONG: f"Take {CHARS_MAX} characters or fewer",
    Rule.TOO_EASY: "Make it harder to guess: another word or two, not years, rows of keys or repeats",
    Rule.COMMON: "Guessers try this one first, with or without digits in it",
    Rule.PERSONAL: "Leave out your name, address and organisation",
}


@dataclass(frozen=True, slots=True)
class Judgement:
    unmet: tuple[Rule, ...]
    bits: float  # about so many yes-or-no guesses
    strength: int  # 0 to 4, for a meter; 2 and more are taken


def judge(password: str, about: Iterable[str] = ()) -> Judgement:
    """Return what is wrong with a password, all of it.

    Args:
        about: what others know of the person: name, mail address, organisation.
    """
    known = frozenset(part.lower() for text in about for part in _PARTS.findall(text) if len(part) >= ABOUT_CHARS_MIN)
    plain = password.lower()
    bits = estimate(password, known)
    unmet = []
    if len(password) < CHARS_MIN:
        unmet.append(Rule.TOO_SHORT)
    if len(password) > CHARS_MAX:
        unmet.append(Rule.TOO_LONG)
    if bits < BITS_MIN:
        unmet.append(Rule.TOO_EASY)
    if _is_common(plain):
        unmet.append(Rule.COMMON)
    if any(part in plain or part in plain.translate(_UNLEET) for part in known):
        unmet.append(Rule.PERSONAL)
    return Judgement(tuple(unmet), round(bits, 1), sum(bits >= enough for enough in _STRENGTH_BITS))


def estimate(password: str, known: frozenset[str] = frozenset()) -> float:
    """Return the bits of the cheapest way to put the password together."""
    judged = password[:JUDGED_CHARS_MAX]
    plain = judged.lower()
    read = plain.translate(_UNLEET)
    cheapest = [0.0] + [float("inf")] * len(judged)
    for start in range(len(judged)):
        so_far = cheapest[start]
        _take(cheapest, start + 1, so_far + _sign_bits(judged[start]))
        for end, bits in _chunks(judged, plain, read, start, known):
            _take(cheapest, end, so_far + bits)
        for width in range(1, start + 1):
            # What stands before it once more, as often as it does.
            unit, end, times = plain[start - width : start], start + width, 1
            while plain[end - width : end] == unit:
                _take(cheapest, end, so_far + log2(times + 1))
                end, times = end + width, times + 1
    return cheapest[-1]


def _take(cheapest: list[float], end: int, bits: float) -> None:
    cheapest[end] = min(cheapest[end], bits)


def _chunks(judged: str, plain: str, read: str, start: int, known: frozenset[str]) -> Iterable[tuple[int, float]]:
    """Yield where each thing that guessers know ends, and its bits."""
    shortest, longest = _WORD_CHARS
    for end in range(start + shortest, min(start + max(longest, *map(len, known), 0), len(judged)) + 1):
        capital = 0.0 if judged[start:end].islower() else 1.0
        for text, extra in ((plain[start:end], 0.0), (read[start:end], 1.0)):
            if text in known:
                yield end, _ABOUT_BITS + capital + extra
            elif text in WORDS:
                yield end, log2(len(WORDS)) + capital + extra
    if _YEAR.match(plain, start):
        yield start + 4, _YEAR_BITS
    for row in _BOTH_WAYS:
        end = start + _ROW_CHARS_MIN
        while end <= len(plain) and plain[start:end] in row:
            yield end, _ROW_BITS + log2(end - start)
            end += 1


def _sign_bits(sign: str) -> float:
    if sign.isdigit():
        return log2(10)
    if not sign.isascii():
        return 7.0
    return log2(26) + sign.isupper() if sign.isalpha() else log2(33)


def _is_common(plain: str) -> bool:
    """Whether nothing but one listed word or row, once or twice, is left without the digits and signs around it."""
    bare, read = plain.strip(_AROUND), plain.translate(_UNLEET).strip(_AROUND)
    for core in (bare, read, bare.translate(_UNLEET)):
        half = core[: len(core) // 2]
        if core in WORDS or (half in WORDS and core == half * 2):
            return True
        if core and len(core) >= _ROW_CHARS_MIN and any(core in row for row in _BOTH_WAYS):
            return True
    return len(set(plain)) == 1 or _steps(plain) in ({1}, {-1})


def _steps(text: str) -> set[int]:
    return {ord(after) - ord(before) for before, after in pairwise(text)}
