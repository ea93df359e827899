"""Which objections an utterance holds, with the words in which they were made. Sans-I/O.

What people of the organisation have corrected goes first: an utterance that says nearly the same as one of their
examples is what they said that was. The language's patterns see to the rest. Of two that overlap the longer one wins.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agent.understanding.lexicon import Lexicon
from agent.understanding.spelling import Word, fold, quote, read_words
from events.understanding import NO_OBJECTION, CorrectedObjection, ObjectionKind

EXAMPLES_MAX: Final = 200  # the newest ones; bounds the work of an utterance
EXAMPLE_WORDS_MAX: Final = 20
OBJECTIONS_MAX: Final = 3  # of one utterance
# Of an example's words, those that must be in the utterance, in their order.
_SAME_SHARE: Final = 0.75
_STRETCH: Final = 1.6  # and within so many times its length


@dataclass(frozen=True, slots=True)
class Objection:
    kind: ObjectionKind
    quote: str  # as it was said


@dataclass(frozen=True, slots=True)
class _Span:
    first: int
    last: int
    kind: str
    by_example: bool

    def overlaps(self, other: "_Span") -> bool:
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True, slots=True)
class Example:
    words: tuple[str, ...]
    kind: str


def read_examples(corrected: Sequence[CorrectedObjection]) -> tuple[Example, ...]:
    """Return an organisation's examples, newest first, as they are compared; those without words or kind are left."""
    known = {*ObjectionKind, NO_OBJECTION}
    made = (Example(tuple(fold(one.quote).split()[:EXAMPLE_WORDS_MAX]), one.kind) for one in corrected[:EXAMPLES_MAX])
    return tuple(example for example in made if example.words and example.kind in known)


def find_objections(text: str, lexicon: Lexicon, examples: Sequence[Example] = ()) -> tuple[Objection, ...]:
    """Return the objections of an utterance in the order in which they were made, each kind once."""
    words, spoken = read_words(text)
    if not words:
        return ()
    spans = [*_by_examples(words, examples), *_by_patterns(words, lexicon)]
    # A longer one is more telling; "other" only where nothing better is known.
    spans.sort(key=lambda span: (not span.by_example, span.kind == ObjectionKind.OTHER, span.first - span.last))
    taken: list[_Span] = []
    for span in spans:
        if not any(span.overlaps(other) for other in taken):
            taken.append(span)
    found: dict[ObjectionKind, Objection] = {}
    for span in sorted(taken, key=lambda span: span.first):
        if span.kind != NO_OBJECTION:
            kind = ObjectionKind(span.kind)
            found.setdefault(kind, Objection(kind, quote(spoken, words[span.first], words[span.last])))
    return tuple(found.values())[:OBJECTIONS_MAX]


def _by_patterns(words: Sequence[Word], lexicon: Lexicon) -> list[_Span]:
    text = "".join(f"{word.text} " for word in words)
    starts = {}
    at = 0
    for place, word in enumerate(words):
        starts[at] = place
        at += len(word.text) + 1
    spans = []
    for kind, pattern in lexicon.objections:
        for match in pattern.finditer(text):
            first = starts[match.start()]
            spans.append(_Span(first, first + match[0].count(" ") - 1, kind.value, by_example=False))
    return spans


def _by_examples(words: Sequence[Word], examples: Sequence[Example]) -> list[_Span]:
    spans = []
    texts = [word.text for word in words]
    heard = frozenset(texts)
    for example in examples:
        # Most examples share too few words with it to be looked at closer.
        if sum(word in heard for word in example.words) < _SAME_SHARE * len(example.words):
            continue
        span = _same(texts, example)
        if span is not None:
            spans.append(span)
    return spans


def _same(texts: Sequence[str], example: Example) -> _Span | None:
    """Return where the utterance says nearly what the example says."""
    room = int(len(example.words) * _STRETCH) + 1
    need = _SAME_SHARE * len(example.words)
    for first, text in enumerate(texts):
        if text not in example.words:
            continue
        window = texts[first : first + room]
        heard, last = _in_order(window, example.words)
        if heard >= need and (heard > 1 or len(example.words) == 1):
            return _Span(first, first + last, example.kind, by_example=True)
    return None


def _in_order(window: Sequence[str], wanted: Sequence[str]) -> tuple[int, int]:
    """Return how many of the wanted words the window has in their order, and the place of the last of them."""
    heard, last, after = 0, 0, 0
    for place, text in enumerate(window):
        if text in wanted[after:]:
            after = wanted.index(text, after) + 1
            heard, last = heard + 1, place
    return heard, last
