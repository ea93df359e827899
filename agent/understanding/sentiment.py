"""How an utterance sounds, from hostile to delighted, by the words in it. Sans-I/O.

Entries of the lexicon are laid along the words, the longest first. Each counts by its strength: turned by a negation
before it, more or less by the words around it, and what stands behind a "but" for more than what stands before.
The confidence falls where there is little to go by and where the words disagree.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final

from agent.understanding.lexicon import Lexicon
from agent.understanding.spelling import Word, read_words
from events.understanding import Mood

CONFIDENCE_MIN: Final = 0.6  # S38: below it an utterance counts as neutral
SCORE_MIN: Final = 0.25  # of either sign; nearer to nothing it is neutral

# Chosen on the tuning halves of tests/data/understanding.
_NEGATION_REACH: Final = 3  # words; "not a very good idea"
_NEGATED: Final = -0.6  # "not good" is less bad than "bad" is
_NOT_BAD: Final = -0.3  # and "not angry" is hardly friendly
_STRONGER: Final = 1.35
_WEAKER: Final = 0.6
_BEFORE_CONTRAST: Final = 0.4
_SPREAD: Final = 6.0  # how soon strengths that add up come near to one
_SURE_AT: Final = 1.1  # strengths that sum up to this are worth a confidence of one half
_LONG_WORDS: Final = 15  # of a speech, for each entry in it: thinner than that it tells less
_THIN: Final = 60.0
_MODIFIER_WORDS_MAX: Final = 3


@dataclass(frozen=True, slots=True)
class Sentiment:
    score: float  # -1 hostile to 1 delighted
    confidence: float  # 0 to 1

    @property
    def mood(self) -> Mood:
        if self.confidence < CONFIDENCE_MIN or abs(self.score) < SCORE_MIN:
            return Mood.NEUTRAL
        return Mood.POSITIVE if self.score > 0 else Mood.NEGATIVE


NOTHING: Final = Sentiment(0.0, 0.0)


@dataclass(slots=True)
class _Found:
    first: int
    last: int
    strength: float


def judge(text: str, lexicon: Lexicon) -> Sentiment:
    """Return how a text sounds; nothing, with no confidence, when no entry is in it."""
    words, _spoken = read_words(text)
    found = _entries(words, lexicon)
    for entry in found:
        entry.strength = _around(entry, words, lexicon)
    turn = max((place for place, word in enumerate(words) if word.text in lexicon.contrasts), default=-1)
    if any(entry.first > turn for entry in found):
        for entry in found:
            if entry.last < turn:
                entry.strength *= _BEFORE_CONTRAST
    total = sum(entry.strength for entry in found)
    weight = sum(abs(entry.strength) for entry in found)
    if not weight:
        return NOTHING
    thin = max(0, len(words) - _LONG_WORDS * len(found)) / _THIN
    confidence = weight / (weight + _SURE_AT) * abs(total) / weight / (1 + thin)
    return Sentiment(round(total / sqrt(total * total + _SPREAD), 3), round(min(1.0, confidence), 3))


def _entries(words: Sequence[Word], lexicon: Lexicon) -> list[_Found]:
    """Return what of the lexicon is in the words, without overlaps, the longest at each place."""
    found: list[_Found] = []
    at = 0
    while at < len(words):
        for count in lexicon.lengths.get(words[at].text, ()):
            strength = lexicon.valence.get(" ".join(word.text for word in words[at : at + count]))
            if strength is not None and at + count <= len(words):
                if strength:
                    found.append(_Found(at, at + count - 1, float(strength)))
                at += count
                break
        else:
            at += 1
    return found


def _around(entry: _Found, words: Sequence[Word], lexicon: Lexicon) -> float:
    """Return what the entry counts between its neighbours."""
    strength = entry.strength
    before = _clause_before(entry.first, words)
    for count in range(1, _MODIFIER_WORDS_MAX + 1):
        told = " ".join(word.text for word in before[-count:]) if len(before) >= count else ""
        if told in lexicon.stronger:
            strength *= _STRONGER
        elif told in lexicon.weaker:
            strength *= _WEAKER
        behind = " ".join(word.text for word in words[entry.last + 1 : entry.last + 1 + count])
        if behind in lexicon.stronger_after:
            strength *= _STRONGER
            break
    near = bool(before) and before[-1].text in lexicon.near_negations
    if near or _is_negated(before, lexicon):
        return strength * (_NEGATED if strength > 0 else _NOT_BAD)
    return strength


def _is_negated(before: Sequence[Word], lexicon: Lexicon) -> bool:
    reach = [word.text for word in before[-_NEGATION_REACH - 1 :]]
    # Counted in whole entries: "do not" is one, and two of them cancel out as little as in speech.
    if any(text in lexicon.negations for text in reach[-_NEGATION_REACH:]):
        return True
    return any(" ".join(reach[at : at + 2]) in lexicon.negations for at in range(len(reach) - 1))


def _clause_before(place: int, words: Sequence[Word]) -> Sequence[Word]:
    """Return the words before a place that belong to its clause, where the recogniser has marked clauses."""
    first = place
    while first > 0 and not words[first - 1].ends_clause:
        first -= 1
    return words[first:place]
