"""Reads the word lists of config/turns: one file a language, chosen by an agent's language. Blocking, small."""

from functools import cache
from pathlib import Path
from typing import Final

import msgspec

import config
from agent.turns.wording import NO_LISTS, WordLists, normal, normals
from agent.word_file import parse_words

FOLDER: Final = Path(config.__file__).parent / "turns"


class BadWordLists(Exception):
    """A file of word lists cannot be used; the message names file and field."""


class _File(msgspec.Struct, forbid_unknown_fields=True):
    language: str
    backchannels: list[str]
    hesitations: list[str]
    open: list[str]
    finished: list[str]
    digits: list[str]
    number_words: list[str]
    number_digits: int


def parse(text: str, name: str) -> tuple[str, WordLists]:
    """Return the language of a file and its lists.

    Raises:
        BadWordLists: not YAML, or a field missing, unknown or of the wrong type.
    """
    file = parse_words(text, name, _File, BadWordLists)
    digits = frozenset(normal(digit) for digit in file.digits)
    lists = WordLists(
        backchannels=normals(file.backchannels),
        hesitations=normals(file.hesitations),
        open=normals(file.open),
        finished=normals(file.finished),
        digits=digits,
        number_words=normals(file.number_words),
        number_digits=file.number_digits,
    )
    return file.language, lists


@cache
def _all() -> dict[str, WordLists]:
    """Raises BadWordLists."""
    return dict(parse(path.read_text("utf-8"), path.name) for path in sorted(FOLDER.glob("*.yaml")))


def lists_for(language: str) -> WordLists:
    """Return the lists of a language such as `pt-BR`; empty ones for a language that has none: silence decides there.

    Raises:
        BadWordLists: a file cannot be used.
    """
    return _all().get(language.split("-")[0].lower(), NO_LISTS)
