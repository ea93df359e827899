"""What a caller meant, from the words that a recogniser made out. Sans-I/O.

A telephone recogniser mishears a word in five, so phrases are compared loosely: each phrase of the playbook is
laid along the utterance, words count by how telling they are, and similar words count in part. Phrases that
overlap compete, the one with the most evidence wins: "right" in "busy right now" is no "yes".
"""

from collections import Counter
from dataclasses import dataclass
from math import log
from typing import Final

from agent.llm import wording
from agent.llm.playbook import Intent, Playbook
from agent.llm.when import TimeFinder, When

# Shares of a phrase's weight that must be heard. Chosen on the phrases of tests/agent/llm/test_by_ear.py.
_SCORE_MIN: Final = 0.7
_OPT_OUT_SCORE_MIN: Final = 0.6  # to miss one is worse than to hear one too many
_SINGLE_WORD_SCORE_MIN: Final = 0.8
_SIMILARITY_MIN: Final = 0.6  # below it, two words have nothing to do with one another
_SKIPPED_WORD_COST: Final = 0.25  # of an average word, for each word of the utterance inside the phrase
# Without it a phrase means its opposite: "call me again" is not "never call me again".
_NEGATIONS: Final = frozenset({"no", "not", "never", "stop", "quit", "nao", "nunca", "nem", "jamais", "pare", "parem"})
_NEGATION_WEIGHT: Final = 2.0
_BACKCHANNEL_WORDS_MAX: Final = 4
_WORDS_MAX: Final = 60  # of an utterance, the last ones: bounds the work for a monologue
_UNDERSTOOD_MAX: Final = 512  # texts remembered; the oldest goes first
# Short exact phrases say less than these shares of a long utterance that nothing else explains.
_COVERAGE_MIN: Final = 0.3
_LEADING_WORDS_MAX: Final = 6  # "yes, this is Sam": a first word that is exact counts in a short utterance


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that was meant."""

    intent: Intent | None  # None: an objection
    objection: str  # its name
    score: float  # 0 to 1, how much of the phrase was heard
    weight: float  # evidence: score by the phrase's telling words
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Understanding:
    """What an utterance meant: nothing at all when `is_empty`."""

    found: tuple[Found, ...]
    when: When | None
    coverage: float  # share of the utterance's words that something explains

    def has(self, *intents: Intent) -> bool:
        return any(item.intent in intents for item in self.found)

    @property
    def objection(self) -> str:
        """The name of the first objection, empty without one."""
        return next((item.objection for item in self.found if item.objection), "")

    @property
    def is_empty(self) -> bool:
        return not self.found and self.when is None


@dataclass(frozen=True, slots=True)
class _Phrase:
    words: tuple[str, ...]
    weights: tuple[float, ...]
    total: float
    intent: Intent | None
    objection: str


class Listener:
    """Understands utterances by one playbook; one may serve many calls of an event loop."""

    def __init__(self, playbook: Playbook) -> None:
        self._understood: dict[str, Understanding] = {}
        self._times = TimeFinder(playbook.times, playbook.language)
        self._backchannels = frozenset(wording.split_words(phrase) for phrase in playbook.backchannels)
        groups: list[tuple[Intent | None, str, list[tuple[str, ...]]]] = [
            (intent, "", [wording.split_words(phrase) for phrase in item.phrases])
            for intent, item in playbook.intents.items()
        ]
        groups += [
            (None, item.name, [wording.split_words(phrase) for phrase in item.phrases]) for item in playbook.objections
        ]
        spread = Counter(word for _, _, texts in groups for word in {word for text in texts for word in text})
        # A word that stands in few intents tells much; one that stands in all of them nearly nothing.
        self._tells = {
            word: (0.2 + log(1 + len(groups) / count)) * (_NEGATION_WEIGHT if word in _NEGATIONS else 1.0)
            for word, count in spread.items()
        }
        self._phrases = tuple(
            self._phrase(words, intent, objection)
            for intent, objection, texts in groups
            for words in dict.fromkeys(texts)
            if words
        )

    def understand(self, text: str) -> Understanding:
        """Return what the text meant; several things when several were said.

        A new text takes some milliseconds, one of the last few hundred none: each answer goes through the whole
        conversation again.
        """
        known = self._understood.get(text)
        if known is None:
            known = self._understand(text)
            if len(self._understood) >= _UNDERSTOOD_MAX:
                del self._understood[next(iter(self._understood))]
            self._understood[text] = known
        return known

    def _understand(self, text: str) -> Understanding:
        words = wording.split_words(text)[-_WORDS_MAX:]
        if not words:
            return Understanding((), None, 0.0)
        nearest = self._nearest(words)
        candidates = [found for phrase in self._phrases if (found := self._match(phrase, words, nearest)) is not None]
        candidates.sort(key=lambda item: (-item.weight, item.first))
        when = self._times.find(words)
        taken: set[int] = set()
        kept: list[Found] = []
        when_at = range(when.first, when.last) if when is not None and not when.bare_hour else range(0)
        for item in candidates:
            span = range(item.first, item.last)
            if not taken.isdisjoint(span) or (when_at and all(index in when_at for index in span)):
                continue
            kept.append(item)
            taken.update(span)
        if when is not None and any(item.first <= when.first and when.last <= item.last for item in kept):
            when = None  # "one" of "one moment", "morning" of "good morning", "later" of "call me later"
        if when is not None:
            taken.update(range(when.first, when.last))
        coverage = len(taken) / len(words)
        if coverage < _COVERAGE_MIN:
            kept = [item for item in kept if _stands_alone(item, len(words))]
        return Understanding(tuple(sorted(kept, key=lambda item: item.first)), when, coverage)

    def is_backchannel(self, text: str) -> bool:
        """Return whether the text is only a sign of listening ("uh-huh", "okay, right"), not a turn."""
        return _is_backchannel(wording.split_words(text), self._backchannels)

    def is_machine_greeting(self, text: str) -> bool:
        """Return whether the text sounds like an answering machine's greeting."""
        return self.understand(text).has(Intent.MACHINE)

    def _phrase(self, words: tuple[str, ...], intent: Intent | None, objection: str) -> _Phrase:
        weights = tuple(self._tells[word] for word in words)
        return _Phrase(words, weights, sum(weights), intent, objection)

    def _nearest(self, words: tuple[str, ...]) -> dict[str, float]:
        """Return for each word of the phrases how alike the utterance's most similar word is."""
        nearest: dict[str, float] = {}
        for word in words:
            for known in self._tells:
                alike = wording.similarity(known, word) if wording.could_be_alike(known, word) else 0.0
                if alike >= _SIMILARITY_MIN and alike > nearest.get(known, 0.0):
                    nearest[known] = alike
        return nearest

    def _match(self, phrase: _Phrase, words: tuple[str, ...], nearest: dict[str, float]) -> Found | None:
        if phrase.intent is Intent.OPT_OUT:
            least = _OPT_OUT_SCORE_MIN
        else:
            least = _SINGLE_WORD_SCORE_MIN if len(phrase.words) == 1 else _SCORE_MIN
        # What could be reached if order did not matter: refuses most phrases before the costly alignment.
        reach = sum(weight * nearest.get(word, 0.0) for word, weight in zip(phrase.words, phrase.weights, strict=True))
        if reach < least * phrase.total:
            return None
        heard, first, last = _align(phrase, words)
        score = heard / phrase.total
        if score < least or last <= first:
            return None
        return Found(phrase.intent, phrase.objection, score, heard, first, last)


def _stands_alone(item: Found, utterance_words: int) -> bool:
    """Return whether this counts although most of the utterance is unexplained."""
    leads = item.first == 0 and item.score >= 1.0 and utterance_words <= _LEADING_WORDS_MAX
    return leads or item.intent is Intent.OPT_OUT or item.last - item.first >= 3


def _align(phrase: _Phrase, words: tuple[str, ...]) -> tuple[float, int, int]:
    """Return the most weight heard of the phrase in any stretch of the words, and that stretch."""
    skip = _SKIPPED_WORD_COST * phrase.total / len(phrase.words)
    # Cell: (weight heard, first word, last word not included) of the best stretch that ends at or before here.
    Cell = tuple[float, int, int]
    above: list[Cell] = [(0.0, at, at) for at in range(len(words) + 1)]
    for wanted, weight in zip(phrase.words, phrase.weights, strict=True):
        here: list[Cell] = [above[0]]
        for at, word in enumerate(words):
            best = above[at + 1]  # the phrase's word was not heard
            if here[at][0] - skip > best[0]:
                best = (here[at][0] - skip, here[at][1], here[at][2])  # a word that is not the phrase's
            alike = wording.similarity(wanted, word)
            if alike >= _SIMILARITY_MIN:
                total, first, last = above[at]
                gained = total + weight * alike
                if gained > best[0]:
                    best = (gained, first if last > first else at, at + 1)
            here.append(best)
        above = here
    return max(above, key=lambda cell: cell[0])


def is_backchannel(text: str, playbook: Playbook) -> bool:
    """Return whether the text is only a sign of listening, by the playbook's list."""
    backchannels = frozenset(wording.split_words(phrase) for phrase in playbook.backchannels)
    return _is_backchannel(wording.split_words(text), backchannels)


def _is_backchannel(words: tuple[str, ...], backchannels: frozenset[tuple[str, ...]]) -> bool:
    if not words or len(words) > _BACKCHANNEL_WORDS_MAX:
        return False
    ends = [0]  # where a backchannel may begin
    for end in range(1, len(words) + 1):
        if any(words[start:end] in backchannels for start in ends):
            ends.append(end)
    return ends[-1] == len(words)
