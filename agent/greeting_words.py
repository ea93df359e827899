"""What answers a telephone, by its words: a voicemail, a call screener, a menu, or a person. Sans-I/O.

The phrases are written in config/answerers, a file a language; a machine may speak another language than the agent, so
all are looked for. A telephone recogniser mishears a word in five, so most of a phrase's words, in order and close
together, are enough.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from agent.turns.wording import normal

_SHARE_MIN: Final = 0.75  # of a phrase's words that must be heard
_BETWEEN_MAX: Final = 2  # other words inside it
_SHORT_WORDS: Final = 2  # phrases up to this long must be there whole
_PERSON_WORDS_MAX: Final = 8  # a person who answers says little; machines say "hello" too

Phrase = tuple[str, ...]


class Speaks(StrEnum):
    """What the words are like."""

    SCREENING = "screening"  # wants to know who calls, and why
    VOICEMAIL = "voicemail"
    MENU = "menu"
    HOLD = "hold"  # a screener that asks to wait
    PERSON = "person"


# The order decides where an utterance is like several: who wants a name "after the tone" screens, and who offers a key
# before the message takes messages all the same.
ORDER: Final = (Speaks.SCREENING, Speaks.VOICEMAIL, Speaks.MENU, Speaks.HOLD, Speaks.PERSON)


@dataclass(frozen=True, slots=True)
class GreetingWords:
    """All languages' phrases; words are normal (agent/turns/wording.py)."""

    phrases: Mapping[Speaks, Sequence[Phrase]] = field(default_factory=dict)
    press: frozenset[str] = frozenset()  # words before a key
    keys: Mapping[str, str] = field(default_factory=dict)  # what a key is called, and the key
    reach: frozenset[str] = frozenset()  # words for a way to a person

    def kind_of(self, text: str) -> Speaks | None:
        """Return what the text is like; None when nothing in it tells."""
        words = tuple(normal(text).split())
        for kind in ORDER:
            if kind is Speaks.PERSON and len(words) > _PERSON_WORDS_MAX:
                continue
            if any(contains(phrase, words) for phrase in self.phrases.get(kind, ())):
                return kind
            if kind is Speaks.MENU and self._presses(words):
                return kind
        return None

    def key_to_a_person(self, text: str) -> str:
        """Return the key that a menu offers for somebody to talk to; empty when it offers none.

        A menu names what a key is for before it ("to speak to sales, press two") or behind it ("press two for sales"):
        one that ends with a key names before it.
        """
        words = normal(text).split()
        places = self._presses(words)
        if not places:
            return ""
        named_before = places[-1] + 2 >= len(words)
        for number, at in enumerate(places):
            start = (places[number - 1] + 2 if number else 0) if named_before else at + 2
            end = at if named_before else (places[number + 1] if number + 1 < len(places) else len(words))
            if self.reach & set(words[start:end]):
                return self.keys[words[at + 1]]
        return ""

    def _presses(self, words: Sequence[str]) -> list[int]:
        """Return where a word such as "press" stands before a key, or was lost before the key that ends a menu."""
        found = [at for at, word in enumerate(words[:-1]) if word in self.press and words[at + 1] in self.keys]
        if found and words[-1] in self.keys and found[-1] < len(words) - 2:
            found.append(len(words) - 2)
        return found


NO_GREETINGS: Final = GreetingWords()


def merged(several: Iterable[GreetingWords]) -> GreetingWords:
    """Return the words of several languages as one."""
    phrases: dict[Speaks, list[Phrase]] = {kind: [] for kind in ORDER}
    press: set[str] = set()
    reach: set[str] = set()
    keys: dict[str, str] = {}
    for words in several:
        for kind in ORDER:
            phrases[kind] += words.phrases.get(kind, ())
        press |= words.press
        reach |= words.reach
        keys |= words.keys
    return GreetingWords(phrases, frozenset(press), keys, frozenset(reach))


def contains(phrase: Phrase, words: Sequence[str]) -> bool:
    """Return whether enough of the phrase's words are there, in order, with little between them."""
    if len(phrase) <= _SHORT_WORDS:
        return any(tuple(words[at : at + len(phrase)]) == phrase for at in range(len(words) - len(phrase) + 1))
    needed = math.ceil(len(phrase) * _SHARE_MIN)
    return any(_heard_from(phrase, words[start:]) >= needed for start in range(len(words)))


def _heard_from(phrase: Phrase, words: Sequence[str]) -> int:
    """Return how many of the phrase's words follow one another from the first of `words` on."""
    if words[0] not in phrase:
        return 0
    place = phrase.index(words[0]) + 1
    heard, skipped = 1, 0
    for word in words[1:]:
        if word in phrase[place:]:
            place = phrase.index(word, place) + 1
            heard, skipped = heard + 1, 0
        else:
            skipped += 1
            if skipped > _BETWEEN_MAX:
                break
    return heard
