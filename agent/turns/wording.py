"""What the words of a turn say about its end: finished, open, a number half dictated, a search for words. Sans-I/O.

The lists are a language's (config/turns); text may come with a recogniser's punctuation and capitals or without.
"""

import functools
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

_SPLIT: Final = re.compile(r"[^\w'’-]+")
_TRAILING: Final = ("...", "…", ",", "-", "—", ":", ";")  # a recogniser that punctuates heard it go on
_ENDS: Final = (".", "?", "!")
_SUFFIX_WORDS_MAX: Final = 5
_DICTATED_MIN: Final = 2  # digits one after another; a single one is an hour or a count


class Words(Enum):
    """In the order of how long they make us wait, shortest first."""

    FINISHED = auto()  # nothing is missing
    NONE = auto()  # nothing was understood yet
    PLAIN = auto()  # may be finished or not
    OPEN = auto()  # no sentence ends like this
    DICTATING = auto()  # in the middle of a number
    HESITATING = auto()  # looking for a word


@dataclass(frozen=True, slots=True)
class WordLists:
    """A language's words; all normal (see `normal`)."""

    backchannels: frozenset[str] = frozenset()
    hesitations: frozenset[str] = frozenset()
    open: frozenset[str] = frozenset()
    finished: frozenset[str] = frozenset()
    digits: frozenset[str] = frozenset()
    number_words: frozenset[str] = frozenset()
    number_digits: int = 10
    phrases: frozenset[str] = field(default=frozenset(), repr=False)  # what a playbook expects to hear, whole


NO_LISTS: Final = WordLists()  # a language of which nothing is known: words say little, and silence decides


@functools.lru_cache(4_096)  # a playbook's phrases are made normal for each of its calls
def normal(text: str) -> str:
    """Return a text in small letters, without punctuation and accents, its words one space apart."""
    plain = unicodedata.normalize("NFKD", text.replace("’", "'"))
    bare = "".join(sign for sign in plain if not unicodedata.combining(sign)).lower()
    return " ".join(word.strip("-'") for word in _SPLIT.split(bare) if word.strip("-'"))


def normals(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(normal(text) for text in texts) - {""}


def read(text: str, lists: WordLists) -> Words:
    """Tell from what was understood so far whether more must come."""
    words = normal(text).split()
    if not words:
        return Words.NONE
    hesitant, finished, open_ = (_ending(words, said) for said in (lists.hesitations, lists.finished, lists.open))
    whole = " ".join(words)
    if finished == len(words) or (whole in lists.backchannels and whole not in lists.hesitations):
        return Words.FINISHED  # "É." and "Bem." alone are answers; at the end of a sentence they are not
    if hesitant and hesitant >= max(finished, open_):
        return Words.HESITATING
    if text.rstrip().endswith(_TRAILING):
        return Words.OPEN
    dictated = _dictated(words, lists)
    if dictated >= lists.number_digits:
        return Words.FINISHED
    if dictated >= _DICTATED_MIN or (dictated and any(word in lists.number_words for word in words)):
        return Words.DICTATING
    if whole in lists.phrases or finished > open_:
        return Words.FINISHED
    if open_:
        return Words.OPEN
    return Words.FINISHED if text.rstrip().endswith(_ENDS) else Words.PLAIN


def _ending(words: list[str], endings: frozenset[str]) -> int:
    """Return how many words the longest of the endings has that these words end with; 0 for none."""
    for count in range(min(len(words), _SUFFIX_WORDS_MAX), 0, -1):
        if " ".join(words[-count:]) in endings:
            return count
    return 0


def _dictated(words: list[str], lists: WordLists) -> int:
    """Return how many digits stand one after another at the end."""
    count = 0
    for word in reversed(words):
        bare = word.replace("-", "")
        if bare.isdigit():
            count += len(bare)
        elif word in lists.digits:
            count += 1
        else:
            break
    return count
