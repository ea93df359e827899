"""The files of config/understanding, and what is said of a bad one."""

import pytest

from agent.understanding.lexicon_files import FOLDER, BadLexicon, lexicon_for, parse
from events.understanding import ObjectionKind

GOOD = """
language: xx
negations: [not]
near_negations: ["no"]
stronger: [very]
weaker: [a bit]
stronger_after: [indeed]
contrasts: [but]
valence: {"3": [great, very fine], "-2": [bad]}
objections: {price: [too expensive]}
"""


@pytest.mark.parametrize("language", ["en-US", "pt-BR", "PT"])
def test_our_languages_have_hundreds_of_entries_and_patterns_for_each_objection(language: str) -> None:
    lexicon = lexicon_for(language)
    assert lexicon.language == language[:2].lower()
    assert len(lexicon.valence) > 600
    assert {kind for kind, _pattern in lexicon.objections} == set(ObjectionKind)


def test_every_file_is_the_language_of_its_name() -> None:
    for path in FOLDER.glob("*.yaml"):
        assert parse(path.read_text("utf-8"), path.name).language == path.stem


def test_an_unknown_language_has_an_empty_lexicon() -> None:
    assert lexicon_for("fi-FI").is_empty


def test_a_good_file_is_read() -> None:
    lexicon = parse(GOOD, "xx.yaml")
    assert lexicon.valence == {"great": 3, "very fine": 3, "bad": -2}
    assert lexicon.lengths == {"great": (1,), "very": (2,), "bad": (1,)}
    assert lexicon.near_negations == {"no"}


@pytest.mark.parametrize(
    ("was", "becomes", "told"),
    [
        ('"3"', '"5"', "from -4 to 4"),
        ('"3"', '"much"', "from -4 to 4"),
        ("[bad]", "[great]", "two strengths"),
        ("[bad]", '["..."]', "no letter"),
        ("[too expensive]", '["*"]', "no word"),
        ('["no"]', "[no]", "need quotes"),
        ("price:", "prize:", "prize"),
        ("negations:", "negation:", "negation"),
        ("language: xx", "language: [", "not YAML at line"),
    ],
)
def test_a_bad_file_is_named_with_the_place(was: str, becomes: str, told: str) -> None:
    with pytest.raises(BadLexicon, match=r"^xx\.yaml: ") as raised:
        parse(GOOD.replace(was, becomes, 1), "xx.yaml")
    assert told in str(raised.value)
