"""Days and times in what a caller said, as said: "tomorrow at ten", "on monday morning". Sans-I/O.

It finds them and tells whether the day and the time are both there; it computes no date, because the voice node
has neither the prospect's calendar nor a need for it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from agent.llm import wording
from agent.llm.playbook import Times
from agent.llm.when_words import WhenWords, when_words

_GLUE_MAX: Final = 3  # words between two parts of one expression: "tomorrow | at half past | two"


@dataclass(frozen=True, slots=True)
class When:
    text: str
    day: str  # the part of the text that names the day, empty without one
    time: str
    first: int  # its words in the utterance, `last` not included
    last: int
    is_span: bool = False  # "in an hour" wants neither day nor time beside it
    bare_hour: bool = False  # nothing but "ten": a time only where one was asked for
    at: str = "at"  # what its hour wants before it where it stands behind a day

    @property
    def has_day(self) -> bool:
        return bool(self.day)

    @property
    def has_time(self) -> bool:
        return bool(self.time)

    @property
    def is_complete(self) -> bool:
        return self.is_span or (self.has_day and self.has_time)


@dataclass(frozen=True, slots=True)
class _Mark:
    first: int
    last: int
    words: tuple[str, ...]  # as they are written
    day: bool
    time: bool
    hour: bool = False


class TimeFinder:
    """Finds the first expression of a day or a time in an utterance, by the words of a playbook."""

    def __init__(self, times: Times, language: str = "en") -> None:
        self._words = when_words(language)
        kinds: list[tuple[str, bool, bool, bool]] = []
        for words, day, time, hour in (
            (times.days, True, False, False),
            (times.weeks, True, False, False),
            (times.parts, False, True, False),
            (times.points, False, True, False),
            (times.halves, False, True, False),
            (times.hours, False, True, True),
            (times.minutes, False, False, False),
        ):
            kinds += [(phrase, day, time, hour) for phrase in words]
        # "In an hour" is a time; "later" and "in two days" leave the hour open.
        kinds += [(span, True, not self._words.units.isdisjoint(span.split()), False) for span in times.spans]
        # The longest first: "the day after tomorrow" is not "tomorrow".
        kinds.sort(key=lambda kind: -len(kind[0].split()))
        self._kinds = [
            (wording.split_words(phrase), tuple(phrase.split()), day, time, hour) for phrase, day, time, hour in kinds
        ]
        self._hours = frozenset(word for hour in times.hours for word in wording.split_words(hour))

    def find(self, words: tuple[str, ...]) -> When | None:
        """Return the best expression in the words (as `wording.split_words` gives them), None without one."""
        best: When | None = None
        for group in _grouped(self._marks(words), words, self._words.glue):
            found = self._expression(group, words)
            if found is not None and (best is None or _rank(found) > _rank(best)):
                best = found
        return best

    def _marks(self, words: tuple[str, ...]) -> list[_Mark]:
        marks: list[_Mark] = []
        at = 0
        while at < len(words):
            mark = self._mark_at(words, at)
            if mark is not None:
                marks.append(mark)
                at = mark.last
            else:
                at += 1
        return marks

    def _mark_at(self, words: tuple[str, ...], at: int) -> _Mark | None:
        small = self._words
        for phrase, written, day, time, hour in self._kinds:
            # "in two" has lost its "hours": no clock says it.
            if words[at : at + len(phrase)] == phrase and not (hour and at and words[at - 1] == small.span_before):
                return _Mark(at, at + len(phrase), written, day, time, hour)
        misheard = small.misheard.get(words[at])
        at_end_or_named = at + 1 == len(words) or words[at + 1] not in self._hours
        if misheard in self._hours and at and words[at - 1] in small.before_hour and at_end_or_named:
            assert misheard is not None
            return _Mark(at, at + 1, (misheard,), False, True, True)
        return None

    def _expression(self, group: list[_Mark], words: tuple[str, ...]) -> When | None:
        if not any(mark.day or mark.time for mark in group):
            return None
        small = self._words
        first, last = group[0].first, group[-1].last
        while first and words[first - 1] in small.leading | small.articles:
            first -= 1
        # "the morning" is "morning", and in "how about monday" the "about" is the question's.
        while first < group[0].first and (
            words[first] in small.articles or (first and words[first - 1] in small.questions)
        ):
            first += 1
        if last < len(words) and words[last] in small.clock:
            last += 1
        parts = _parts(group, words, first, last, small)
        time = [word for part, of_day in parts if not of_day for word in part]
        return When(
            text=_written((word for part, _ in parts for word in part), small),
            day=_written((word for part, of_day in parts if of_day for word in part), small),
            time=_written(time, small),
            first=first,
            last=last,
            is_span=any(mark.day and mark.time for mark in group),
            bare_hour=len(group) == 1 and group[0].hour and (first, last) == (group[0].first, group[0].last),
            at=small.at_other.get(time[0], small.at) if time else small.at,
        )


def join(one: When | None, other: When) -> When:
    """Return both answers as one: "tomorrow", then "at ten". A newer whole expression stands alone."""
    if one is None or other.is_complete:
        return other
    day = other.day or one.day
    clock = other.time or one.time
    if other.bare_hour:
        clock = f"{other.at} {clock}"
    elif one.bare_hour and not other.time:
        clock = f"{one.at} {clock}"
    return When(f"{day} {clock}".strip(), day, clock, other.first, other.last)


def _parts(
    group: list[_Mark], words: tuple[str, ...], first: int, last: int, small: WhenWords
) -> list[tuple[list[str], bool]]:
    """Return each mark's words with those that lead to it, and whether they name the day."""
    parts: list[tuple[list[str], bool]] = []
    at = first
    of_day = False
    for mark in group:
        # "in an hour" names both, and is a time; minutes belong to what they follow.
        of_day = (mark.day and not mark.time) or (of_day and not mark.time)
        if parts and words[at] in small.clock:
            parts[-1][0].append(words[at])
            at += 1
        parts.append(([*words[at : mark.first], *mark.words], of_day))
        at = mark.last
    parts[-1][0].extend(words[at:last])
    return parts


def _written(words: Iterable[str], small: WhenWords) -> str:
    return " ".join(word.capitalize() if word in small.capital else small.written.get(word, word) for word in words)


def _grouped(marks: list[_Mark], words: tuple[str, ...], glue: frozenset[str]) -> list[list[_Mark]]:
    groups: list[list[_Mark]] = []
    for mark in marks:
        if groups:
            between = words[groups[-1][-1].last : mark.first]
            if len(between) <= _GLUE_MAX and all(word in glue for word in between):
                groups[-1].append(mark)
                continue
        groups.append([mark])
    return groups


def _rank(found: When) -> tuple[int, int]:
    return (found.has_day + found.has_time + (not found.bare_hour), found.last - found.first)
