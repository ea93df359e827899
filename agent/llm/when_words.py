"""The small words of days and times in each language: what may stand between their parts, and before them. Sans-I/O.

The large ones (tomorrow, ten) are a playbook's. All are in small letters without accents (`wording.split_words`), and
`written` says how those that lose something by that are written.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class WhenWords:
    glue: frozenset[str]  # between two parts of one expression
    leading: frozenset[str]  # before one, and belonging to it
    articles: frozenset[str] = frozenset()  # before one, and left out
    questions: frozenset[str] = frozenset()  # before a leading word that is theirs: "how about monday"
    clock: frozenset[str] = frozenset()  # behind an hour: "o'clock"
    units: frozenset[str] = frozenset()  # that make a span of time a time of day
    span_before: str = ""  # an hour behind it has lost its unit: "in two"
    before_hour: frozenset[str] = frozenset()  # behind these nothing but an hour stands
    misheard: Mapping[str, str] = field(default_factory=dict)  # what a recogniser writes for an hour there
    capital: frozenset[str] = frozenset()  # written with a capital letter
    at: str = ""  # before an hour that was answered alone
    at_other: Mapping[str, str] = field(default_factory=dict)  # before these hours
    written: Mapping[str, str] = field(default_factory=dict)


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


ENGLISH: Final = WhenWords(
    glue=_set("at on in the of past half quarter to around about next this by maybe after o'clock or"),
    leading=_set("at on in half quarter around about next this by after"),
    articles=frozenset({"the"}),
    questions=frozenset({"how", "what"}),
    clock=frozenset({"o'clock"}),
    units=frozenset({"hour", "hours", "minute", "minutes"}),
    span_before="in",
    before_hour=frozenset({"at", "past", "around", "about", "by"}),
    misheard={"then": "ten", "for": "four", "to": "two", "too": "two", "ate": "eight", "won": "one"},
    capital=_set("monday tuesday wednesday thursday friday saturday sunday"),
    at="at",
)
PORTUGUESE: Final = WhenWords(
    glue=_set(
        "a as ao la na no em de da do das dos para pra pelas pela umas por volta proxima proximo nesta neste essa esse "
        "depois ate hora horas ou talvez"
    ),
    leading=_set("as ao pelas pela la por volta das proxima proximo depois ate"),
    articles=frozenset({"a", "o"}),
    clock=frozenset({"hora", "horas"}),
    units=frozenset({"hora", "horas", "minuto", "minutos"}),
    span_before="em",
    at="às",
    at_other={"uma": "à"},
    written={"as": "às", "la": "lá", "proxima": "próxima", "proximo": "próximo", "ate": "até"},
)
_BY_LANGUAGE: Final = {"en": ENGLISH, "pt": PORTUGUESE}


def when_words(language: str) -> WhenWords:
    """Return the words of a language tag such as `pt-BR`; English where there are none."""
    return _BY_LANGUAGE.get(language.lower().partition("-")[0], ENGLISH)
