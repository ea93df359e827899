"""Words: how texts are split, compared and filled in. Sans-I/O; knows contractions, no meanings.

Accents do not count: recognisers leave them out, and people write without them.
"""

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

_WORD: Final = re.compile(r"[a-z']+(?:-[a-z']+)*")
_VARIABLE: Final = re.compile(r"\{(\w+)\}")
_BLANKS: Final = re.compile(r"\s+")
_BEFORE_PUNCTUATION: Final = re.compile(r"\s+([,.?!])")
_DOUBLED_PUNCTUATION: Final = re.compile(r",([.?!,])")
_SENTENCE_END: Final = re.compile(r"(?<=[.?!])\s+")
_SIMILARITY_MEMORY: Final = 8192

# Both sides of a comparison are written out, so that a phrase need not be listed twice.
_WRITTEN_OUT: Final[Mapping[str, tuple[str, ...]]] = {
    "i'm": ("i", "am"),
    "i've": ("i", "have"),
    "i'd": ("i", "would"),
    "i'll": ("i", "will"),
    "we're": ("we", "are"),
    "we've": ("we", "have"),
    "we'll": ("we", "will"),
    "you've": ("you", "have"),
    "you're": ("you", "are"),
    "that's": ("that", "is"),
    "it's": ("it", "is"),
    "who's": ("who", "is"),
    "what's": ("what", "is"),
    "there's": ("there", "is"),
    "let's": ("let", "us"),
    "don't": ("do", "not"),
    "didn't": ("did", "not"),
    "doesn't": ("does", "not"),
    "isn't": ("is", "not"),
    "wouldn't": ("would", "not"),
    "can't": ("can", "not"),
    "cannot": ("can", "not"),
    "e-mail": ("email",),
    "ok": ("okay",),
    "bye-bye": ("bye", "bye"),
    "mm-hmm": ("mm", "hmm"),
    "mhm": ("mm", "hmm"),
    "uh-huh": ("uh", "huh"),
    # Portuguese as it is spoken
    "pra": ("para",),
    "pro": ("para", "o"),
    "ta": ("esta",),
    "ce": ("voce",),
}


def split_words(text: str) -> tuple[str, ...]:
    """Return the words of a text in small letters, without punctuation and accents, contractions written out."""
    words: list[str] = []
    plain = text if text.isascii() else unicodedata.normalize("NFKD", text.replace("’", "'"))
    bare_text = plain if plain.isascii() else "".join(sign for sign in plain if not unicodedata.combining(sign))
    for word in _WORD.findall(bare_text.lower()):
        bare = word.strip("'-")
        if bare:
            words.extend(_WRITTEN_OUT.get(bare, (bare,)))
    return tuple(words)


def split_sentences(text: str) -> tuple[str, ...]:
    """Return the sentences of a text, each with its end mark."""
    return tuple(part for part in _SENTENCE_END.split(text.strip()) if part)


def fill_in(line: str, variables: Mapping[str, str]) -> str:
    """Return the line with its {variables}; one that is not known leaves no hole ("Hello ," becomes "Hello,")."""
    filled = _VARIABLE.sub(lambda match: variables.get(match[1], "").strip(), line)
    tidy = _BEFORE_PUNCTUATION.sub(r"\1", _BLANKS.sub(" ", filled)).strip()
    return _DOUBLED_PUNCTUATION.sub(r"\1", tidy)


def could_be_alike(one: str, other: str) -> bool:
    """Refuse cheaply, by their lengths and letters, two words that `similarity` would find far apart."""
    longest = max(len(one), len(other))
    return 2 * min(len(one), len(other)) >= longest and 3 * len(set(one) & set(other)) >= longest


@lru_cache(maxsize=_SIMILARITY_MEMORY)
def similarity(one: str, other: str) -> float:
    """Return how alike two words are, 0 to 1: one less the edit distance by the longer one's length."""
    if one == other:
        return 1.0
    longest = max(len(one), len(other))
    above = list(range(len(other) + 1))
    for row, left in enumerate(one, 1):
        here = [row]
        for column, right in enumerate(other, 1):
            here.append(min(above[column] + 1, here[-1] + 1, above[column - 1] + (left != right)))
        above = here
    return 1.0 - above[-1] / longest
