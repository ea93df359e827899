"""Reads config/answerers: how machines and people answer, one file a language. Blocking, small."""

from functools import cache
from pathlib import Path
from typing import Annotated, Final

import msgspec

import config
from agent.greeting_words import GreetingWords, Speaks, merged
from agent.turns.wording import normal, normals
from agent.word_file import parse_words

FOLDER: Final = Path(config.__file__).parent / "answerers"

_Phrases = Annotated[list[Annotated[str, msgspec.Meta(min_length=1, max_length=120)]], msgspec.Meta(min_length=1)]
_Key = Annotated[str, msgspec.Meta(pattern="^[0-9*#]$")]


class BadGreetings(Exception):
    """A file cannot be used; the message names file and field."""


class _File(msgspec.Struct, forbid_unknown_fields=True):
    language: str
    screening: _Phrases
    hold: _Phrases
    voicemail: _Phrases
    menu: _Phrases
    person: _Phrases
    press: _Phrases
    keys: dict[str, _Key]
    reach: _Phrases
    likely: _Phrases  # what a recogniser that knows only what it is told should know of all this


def parse(text: str, name: str) -> tuple[str, GreetingWords, tuple[str, ...]]:
    """Return a file's language, its words, and what a recogniser should know of them.

    Raises:
        BadGreetings: not YAML, or a field missing, unknown or of the wrong type.
    """
    file = parse_words(text, name, _File, BadGreetings)
    phrases = {kind: tuple(tuple(normal(phrase).split()) for phrase in getattr(file, kind)) for kind in Speaks}
    keys = {normal(word): key for word, key in file.keys.items()} | {key: key for key in file.keys.values()}
    return file.language, GreetingWords(phrases, normals(file.press), keys, normals(file.reach)), tuple(file.likely)


@cache
def _all() -> dict[str, tuple[GreetingWords, tuple[str, ...]]]:
    """Raises BadGreetings."""
    files = (parse(path.read_text("utf-8"), path.name) for path in sorted(FOLDER.glob("*.yaml")))
    return {language: (words, likely) for language, words, likely in files}


@cache
def greeting_words() -> GreetingWords:
    """Return all languages' words. Raises BadGreetings."""
    return merged(words for words, _likely in _all().values())


def recognizer_phrases(language: str) -> tuple[str, ...]:
    """Return what a recogniser of that language should know; nothing for a language without a file.

    Raises:
        BadGreetings: a file cannot be used.
    """
    return _all().get(language.split("-")[0].lower(), (None, ()))[1]
