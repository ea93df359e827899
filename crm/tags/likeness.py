"""Which names of tags are one name, and which may be meant as one. Sans-I/O."""

import unicodedata
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Final, TypeVar

# In a shorter word one letter makes another word: "cat", "car".
SHORTEST: Final = 5

T = TypeVar("T")


def key_of(name: str) -> str:
    """Return what two tags of an organisation must not share: the name without its case and its blanks' number."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def plain(name: str) -> str:
    """Return the name's letters and digits, without accents."""
    return "".join(letter for letter in unicodedata.normalize("NFKD", name).casefold() if letter.isalnum())


def similar(tags: Sequence[tuple[T, str]]) -> Iterator[tuple[T, T]]:
    """Yield the pairs whose names differ by accents, blanks and signs only, or by one letter of a longer word."""
    known = [(tag, plain(name)) for tag, name in tags]
    for (one, first), (other, second) in combinations(known, 2):
        # Names without any letter, such as "!" and "?", are not alike.
        if first and second and (first == second or (len(first) >= SHORTEST and one_apart(first, second))):
            yield one, other


def one_apart(one: str, other: str) -> bool:
    """Whether one letter put in, left out or exchanged makes the one of the other; false where they are equal."""
    if len(one) > len(other):
        one, other = other, one
    if len(other) - len(one) > 1 or one == other:
        return False
    begin = 0
    while begin < len(one) and one[begin] == other[begin]:
        begin += 1
    skipped = begin if len(other) > len(one) else begin + 1
    return one[skipped:] == other[begin + 1 :]
