"""Words as the lists have them, and where they stand in what was said. Sans-I/O.

Recognisers differ in capitals, punctuation, accents and apostrophes ("dont", "don't"): none of those count here.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agent.turns.wording import normal

WORDS_MAX: Final = 120  # of an utterance, the last ones: bounds the work for a monologue
_DRAWN_OUT: Final = re.compile(r"(.)\1{2,}")
_CLAUSE_END: Final = re.compile(r"[.!?;:,…]+$")


@dataclass(frozen=True, slots=True)
class Word:
    text: str  # folded
    place: int  # of the word that was said, counted from 0
    ends_clause: bool = False


def fold(text: str) -> str:
    """Return a text as the lists have it: small letters, no accents, apostrophes or letters drawn out."""
    return _DRAWN_OUT.sub(r"\1", normal(text).replace("'", ""))


def read_words(said: str) -> tuple[tuple[Word, ...], tuple[str, ...]]:
    """Return the folded words of an utterance, and the words as they were said."""
    spoken = tuple(said.split()[-WORDS_MAX:])
    words: list[Word] = []
    for place, raw in enumerate(spoken):
        parts = fold(raw).split()
        ends = bool(_CLAUSE_END.search(raw))
        words += [Word(part, place, ends and part is parts[-1]) for part in parts]
    return tuple(words), spoken


def quote(spoken: Sequence[str], first: Word, last: Word) -> str:
    """Return the words from `first` to `last` as they were said, without the marks around them."""
    return " ".join(spoken[first.place : last.place + 1]).strip(" .,;:!?…-\"'")
