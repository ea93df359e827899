"""The word lists of config/turns, as somebody edits them."""

import pytest

from agent.turns.word_lists import FOLDER, BadWordLists, lists_for, parse
from agent.turns.wording import normal


def test_the_words_that_must_not_interrupt_do_not() -> None:
    assert {"uh-huh", "okay"} <= lists_for("en-GB").backchannels
    assert {normal("sim"), normal("tá")} <= lists_for("pt").backchannels
    assert not {"no", "stop", "wait"} & lists_for("en").backchannels
    assert not {"nao", "espera", "pare"} & lists_for("pt").backchannels


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not YAML"),
        ("language: xx", "backchannels"),
        (FOLDER.joinpath("en.yaml").read_text("utf-8").replace('"no"', "no"), "str"),
        (FOLDER.joinpath("en.yaml").read_text("utf-8") + "\nfillers: []", "fillers"),
    ],
)
def test_a_bad_file_is_named_with_its_field(text: str, said: str) -> None:
    with pytest.raises(BadWordLists, match=said) as caught:
        parse(text, "xx.yaml")
    assert str(caught.value).startswith("xx.yaml: ")
