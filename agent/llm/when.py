"""Days and times in what a caller said, as said: "tomorrow at ten", "on monday morning". Sans-I/O.

It finds them and tells whether the day and the time are both there; it computes no date, because the voice node
has neither the prospect's calendar nor a need for it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from agent.llm.playbook import Times

# What a recogniser writes for an hour after "at" or "past", where no other word can stand.
_MISHEARD_HOURS: Final[Mapping[str, str]] = {
    "then": "ten",
    "for": "four",
    "to": "two",
    "too": "two",
    "ate": "eight",
    "won": "one",
}
_BEFORE_HOUR: Final = frozenset({"at", "past", "around", "about", "by"})
_GLUE: Final = frozenset(
    {
        "at",
        "on",
        "in",
        "the",
        "of",
        "past",
        "half",
        "quarter",
        "to",
        "around",
        "about",
        "next",
        "this",
        "by",
        "maybe",
        "after",
        "o'clock",
        "or",
    }
)
_TRAILING: Final = _GLUE - {"o'clock"}
_LEADING: Final = frozenset({"at", "on", "in", "half", "quarter", "around", "about", "next", "this", "by", "after"})
_WEEKDAYS: Final = frozenset({"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"})
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
    words: tuple[str, ...]
    day: bool
    time: bool
    hour: bool = False


class TimeFinder:
    """Finds the first expression of a day or a time in an utterance, by the words of a playbook."""

    def __init__(self, times: Times) -> None:
        self._kinds: list[tuple[tuple[str, ...], bool, bool, bool]] = []
        for words, day, time, hour in (
            (times.days, True, False, False),
            (times.weeks, True, False, False),
            (times.parts, False, True, False),
            (times.points, False, True, False),
            (times.halves, False, True, False),
            (times.hours, False, True, True),
            (times.minutes, False, False, False),
        ):
            self._kinds += [(tuple(phrase.split()), day, time, hour) for phrase in words]
        # "In an hour" is a time; "later" and "in two days" leave the hour open.
        self._kinds += [(tuple(span.split()), True, _names_clock(span), False) for span in times.spans]
        # The longest first: "the day after tomorrow" is not "tomorrow".
        self._kinds.sort(key=lambda kind: -len(kind[0]))
        self._hours = frozenset(times.hours)

    def find(self, words: tuple[str, ...]) -> When | None:
        """Return the best expression in the words (as `wording.split_words` gives them), None without one."""
        best: When | None = None
        for group in _grouped(self._marks(words), words):
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
        for phrase, day, time, hour in self._kinds:
            # "in two" has lost its "hours": no clock says it.
            if words[at : at + len(phrase)] == phrase and not (hour and at and words[at - 1] == "in"):
                return _Mark(at, at + len(phrase), phrase, day, time, hour)
        misheard = _MISHEARD_HOURS.get(words[at])
        at_end_or_named = at + 1 == len(words) or words[at + 1] not in self._hours
        if misheard in self._hours and at and words[at - 1] in _BEFORE_HOUR and at_end_or_named:
            assert misheard is not None
            return _Mark(at, at + 1, (misheard,), False, True, True)
        return None

    def _expression(self, group: list[_Mark], words: tuple[str, ...]) -> When | None:
        if not any(mark.day or mark.time for mark in group):
            return None
        first, last = group[0].first, group[-1].last
        while first and words[first - 1] in _LEADING | {"the"}:
            first -= 1
        # "the morning" is "morning", and in "how about monday" the "about" is the question's.
        while first < group[0].first and (words[first] == "the" or (first and words[first - 1] in ("how", "what"))):
            first += 1
        if last < len(words) and words[last] == "o'clock":
            last += 1
        parts = _parts(group, words, first, last)
        return When(
            text=_written(word for part, _ in parts for word in part),
            day=_written(word for part, of_day in parts if of_day for word in part),
            time=_written(word for part, of_day in parts if not of_day for word in part),
            first=first,
            last=last,
            is_span=any(mark.day and mark.time for mark in group),
            bare_hour=len(group) == 1 and group[0].hour and (first, last) == (group[0].first, group[0].last),
        )


def join(one: When | None, other: When) -> When:
    """Return both answers as one: "tomorrow", then "at ten". A newer whole expression stands alone."""
    if one is None or other.is_complete:
        return other
    day = other.day or one.day
    clock = other.time or one.time
    if other.bare_hour or (one.bare_hour and not other.time):
        clock = f"at {clock}"
    return When(f"{day} {clock}".strip(), day, clock, other.first, other.last)


def _parts(group: list[_Mark], words: tuple[str, ...], first: int, last: int) -> list[tuple[list[str], bool]]:
    """Return each mark's words with those that lead to it, and whether they name the day."""
    parts: list[tuple[list[str], bool]] = []
    at = first
    of_day = False
    for mark in group:
        # "in an hour" names both, and is a time; minutes belong to what they follow.
        of_day = (mark.day and not mark.time) or (of_day and not mark.time)
        if parts and words[at] == "o'clock":
            parts[-1][0].append(words[at])
            at += 1
        parts.append(([*words[at : mark.first], *mark.words], of_day))
        at = mark.last
    parts[-1][0].extend(words[at:last])
    return parts


def _written(words: Iterable[str]) -> str:
    return " ".join(word.capitalize() if word in _WEEKDAYS else word for word in words)


def _names_clock(span: str) -> bool:
    return any(word in ("hour", "hours", "minute", "minutes") for word in span.split())


def _grouped(marks: list[_Mark], words: tuple[str, ...]) -> list[list[_Mark]]:
    groups: list[list[_Mark]] = []
    for mark in marks:
        if groups:
            between = words[groups[-1][-1].last : mark.first]
            if len(between) <= _GLUE_MAX and all(word in _GLUE for word in between):
                groups[-1].append(mark)
                continue
        groups.append([mark])
    return groups


def _rank(found: When) -> tuple[int, int]:
    return (found.has_day + found.has_time + (not found.bare_hour), found.last - found.first)
