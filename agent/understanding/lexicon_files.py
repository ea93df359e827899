"""Reads the lists of config/understanding: one file a language, chosen by an agent's language. Blocking, small."""

from functools import cache
from pathlib import Path
from typing import Annotated, Final

import msgspec

import config
from agent.understanding.lexicon import NO_LEXICON, BadPattern, Lexicon, compile_kind, lengths_of
from agent.understanding.spelling import fold
from agent.word_file import parse_words
from events.understanding import ObjectionKind

FOLDER: Final = Path(config.__file__).parent / "understanding"
VALENCE_MAX: Final = 4

_Entry = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
_Pattern = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]


class BadLexicon(Exception):
    """A file of lists cannot be used; the message names file and field."""


class _File(msgspec.Struct, forbid_unknown_fields=True):
    language: str
    negations: list[_Entry]
    near_negations: list[_Entry]
    stronger: list[_Entry]
    weaker: list[_Entry]
    stronger_after: list[_Entry]
    contrasts: list[_Entry]
    valence: dict[str, list[_Entry]]
    objections: dict[ObjectionKind, list[_Pattern]]


def parse(text: str, name: str) -> Lexicon:
    """Return a file's lexicon.

    Raises:
        BadLexicon: not YAML, a field missing, unknown or of the wrong type, an entry twice, a pattern without words.
    """
    file = parse_words(text, name, _File, BadLexicon)
    valence: dict[str, int] = {}
    for strength, entries in file.valence.items():
        number = _strength(strength, name)
        for entry in entries:
            if not (folded := fold(entry)):
                raise BadLexicon(f"{name}: valence: {entry!r} has no letter in it; write a word")
            if valence.setdefault(folded, number) != number:
                raise BadLexicon(f"{name}: valence: {entry!r} stands under two strengths; keep one of them")
    try:
        objections = tuple((kind, compile_kind(patterns)) for kind, patterns in file.objections.items() if patterns)
    except BadPattern as error:
        raise BadLexicon(f"{name}: objections: {error}; write at least one word") from None
    return Lexicon(
        language=file.language,
        valence=valence,
        lengths=lengths_of(valence),
        negations=_folded(file.negations),
        near_negations=_folded(file.near_negations),
        stronger=_folded(file.stronger),
        weaker=_folded(file.weaker),
        stronger_after=_folded(file.stronger_after),
        contrasts=_folded(file.contrasts),
        objections=objections,
    )


def _strength(text: str, name: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = VALENCE_MAX + 1
    if abs(number) > VALENCE_MAX:
        raise BadLexicon(f"{name}: valence: {text!r} must be a whole number from -{VALENCE_MAX} to {VALENCE_MAX}")
    return number


def _folded(entries: list[str]) -> frozenset[str]:
    return frozenset(fold(entry) for entry in entries) - {""}


@cache
def _all() -> dict[str, Lexicon]:
    """Raises BadLexicon."""
    read = (parse(path.read_text("utf-8"), path.name) for path in sorted(FOLDER.glob("*.yaml")))
    return {lexicon.language: lexicon for lexicon in read}


def lexicon_for(language: str) -> Lexicon:
    """Return the lexicon of a language such as `pt-BR`; an empty one for a language that has none.

    Raises:
        BadLexicon: a file cannot be used.
    """
    return _all().get(language.split("-")[0].lower(), NO_LEXICON)
