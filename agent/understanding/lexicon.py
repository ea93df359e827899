"""What a language's words say about moods and objections: the types, and what is made of them once. Sans-I/O."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from agent.understanding.spelling import fold
from events.understanding import ObjectionKind

GAP_WORDS_MAX: Final = 3  # that a star stands for
_GAP: Final = rf"(?:\S+ ){{0,{GAP_WORDS_MAX}}}"


@dataclass(frozen=True, slots=True)
class Lexicon:
    """One language's lists; all words folded (see `spelling`)."""

    language: str = ""
    valence: Mapping[str, int] = field(default_factory=dict, repr=False)  # entry to -4…4
    lengths: Mapping[str, tuple[int, ...]] = field(default_factory=dict, repr=False)  # by an entry's first word
    negations: frozenset[str] = frozenset()
    near_negations: frozenset[str] = frozenset()
    stronger: frozenset[str] = frozenset()
    weaker: frozenset[str] = frozenset()
    stronger_after: frozenset[str] = frozenset()
    contrasts: frozenset[str] = frozenset()
    objections: tuple[tuple[ObjectionKind, re.Pattern[str]], ...] = field(default=(), repr=False)

    @property
    def is_empty(self) -> bool:
        return not self.valence and not self.objections


def lengths_of(entries: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """Return by its first word how many words entries have, the longest first."""
    found: dict[str, set[int]] = {}
    for entry in entries:
        words = entry.split()
        found.setdefault(words[0], set()).add(len(words))
    return {word: tuple(sorted(counts, reverse=True)) for word, counts in found.items()}


NO_LEXICON: Final = Lexicon()  # a language of which nothing is known: nothing is said of what was said


class BadPattern(ValueError):
    """A pattern of an objection cannot be read; the message shows it."""


def compile_pattern(text: str) -> str:
    """Return the regular expression of a pattern, for folded words one space apart with a space at the end.

    Words stand for themselves; `a|b` for either, `*` for up to three words, `word+` for any ending.

    Raises:
        BadPattern: nothing but stars, or an empty alternative.
    """
    made: list[str] = []
    for part in text.split():
        if part == "*":
            made.append(_GAP)
            continue
        choices = [_choice(choice, text) for choice in part.split("|")]
        made.append(f"(?:{'|'.join(choices)}) ")
    while made and made[-1] == _GAP:
        made.pop()  # what may follow or not says nothing
    while made and made[0] == _GAP:
        made.pop(0)
    if not made:
        raise BadPattern(f"{text!r} has no word in it")
    return "".join(made)


def _choice(choice: str, whole: str) -> str:
    stem = fold(choice.removesuffix("+"))
    if not stem:
        raise BadPattern(f"{whole!r} has an empty alternative")
    ending = r"\S*" if choice.endswith("+") else ""
    return re.escape(stem).replace(r"\ ", " ") + ending


def compile_kind(patterns: Iterable[str]) -> re.Pattern[str]:
    """Return one expression for all patterns of a kind, the longest first. Raises BadPattern."""
    made = sorted({compile_pattern(text) for text in patterns}, key=lambda text: -len(text))
    return re.compile(rf"(?<!\S)(?:{'|'.join(made)})")
