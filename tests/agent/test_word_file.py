"""Word files: read in their form, or refused with file, place and remedy."""

import msgspec
import pytest

from agent.word_file import parse_words


class Form(msgspec.Struct, forbid_unknown_fields=True):
    words: list[str]


class Bad(Exception):
    pass


def test_a_file_is_read() -> None:
    assert parse_words("words: [a, b]", "x.yaml", Form, Bad).words == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [("words: [", "line 1"), ("words: [no]", "quotes"), ("words: []\nmore: 1", "more"), ("", "Form|object")],
)
def test_a_fault_names_file_and_remedy(text: str, fault: str) -> None:
    with pytest.raises(Bad, match=fault) as caught:
        parse_words(text, "x.yaml", Form, Bad)
    assert str(caught.value).startswith("x.yaml: ")
