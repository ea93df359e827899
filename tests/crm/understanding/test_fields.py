"""An agent's fields, and what of a model's answer fits them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.understanding.fields import (
    DEFAULT,
    FIELDS_MAX,
    SUMMARY_CHARS_MAX,
    BadFields,
    BadNotes,
    Field,
    FieldType,
    json_schema,
    read_fields,
    read_notes,
    value_of,
)

ALL = (
    Field("note", FieldType.TEXT),
    Field("amount", FieldType.NUMBER),
    Field("owner", FieldType.BOOLEAN),
    Field("day", FieldType.DATE),
    Field("mail", FieldType.EMAIL),
    Field("wishes", FieldType.LIST),
    Field("size", FieldType.CHOICE, choices=("small", "large")),
)


def test_without_fields_of_its_own_an_agent_has_the_usual_ones() -> None:
    assert read_fields(None) == DEFAULT
    assert read_fields([]) == ()
    assert read_fields([{"name": "size", "type": "choice", "choices": ["a"]}]) == (
        Field("size", FieldType.CHOICE, "", ("a",)),
    )


@pytest.mark.parametrize(
    ("saved", "told"),
    [
        ([{"name": "Bad Name"}], "small letters"),
        ([{"name": "a", "type": "money"}], "type must be one of text, number"),
        ([{"name": "a", "type": "choice"}], "choices are needed"),
        ([{"name": "a", "choices": ["x"]}], "choices are needed"),
        ([{"name": "a"}, {"name": "a"}], "twice"),
        ([{"name": f"a{n}"} for n in range(FIELDS_MAX + 1)], "at most"),
    ],
)
def test_fields_that_cannot_be_used_are_named(saved: list[dict[str, Any]], told: str) -> None:
    with pytest.raises(BadFields, match=told):
        read_fields(saved)


def test_the_schema_asks_for_a_summary_and_for_what_was_said_only() -> None:
    schema = json_schema(ALL)
    assert schema["required"] == ["summary", "fields"]
    fields = schema["properties"]["fields"]
    assert "required" not in fields
    assert fields["properties"]["size"]["enum"] == ["small", "large"]
    assert fields["properties"]["wishes"] == {"description": "wishes", "type": "array", "items": {"type": "string"}}
    assert "YYYY-MM-DD" in fields["properties"]["day"]["description"]


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("note", "  two \x00 words ", "two words"),
        ("note", 3, None),
        ("amount", 2.5, 2.5),
        ("amount", "2.5", None),
        ("amount", True, None),
        ("amount", float("inf"), None),
        ("owner", False, False),
        ("owner", "yes", None),
        ("day", "2026-11-23", "2026-11-23"),
        ("day", "tomorrow", None),
        ("mail", "Ana@Example.com", "ana@example.com"),
        ("mail", "ana at example", None),
        ("mail", "a@b", None),
        ("wishes", ["a ", ""], ["a"]),
        ("wishes", "a", None),
        ("wishes", [1], None),
        ("size", "small", "small"),
        ("size", "medium", None),
    ],
)
def test_a_value_that_does_not_fit_is_left_out(name: str, value: object, kept: object) -> None:
    [one] = [one for one in ALL if one.name == name]
    assert value_of(one, value) == kept
    notes = read_notes({"summary": "x", "fields": {name: value}}, ALL)
    assert notes.values == ({} if kept is None else {name: kept})
    assert notes.left_out == ((name,) if kept is None else ())


@pytest.mark.parametrize("arguments", [{}, {"summary": " "}, {"summary": 3}, {"summary": "x", "fields": "y"}])
def test_notes_without_a_summary_are_none(arguments: dict[str, Any]) -> None:
    with pytest.raises(BadNotes) as raised:
        read_notes(arguments, ALL)
    assert "y" not in str(raised.value).split()


def test_what_was_not_asked_for_is_not_kept() -> None:
    assert read_notes({"summary": "x", "fields": {"password": "p", "note": None}}, ALL).values == {}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


@given(JSON, st.dictionaries(st.sampled_from([one.name for one in ALL]), JSON) | JSON)
def test_any_answer_is_notes_that_fit_or_one_error(summary: Any, fields: Any) -> None:
    try:
        notes = read_notes({"summary": summary, "fields": fields}, ALL)
    except BadNotes:
        return
    assert 0 < len(notes.summary) <= SUMMARY_CHARS_MAX
    by_name = {one.name: one for one in ALL}
    for name, value in notes.values.items():
        assert value_of(by_name[name], value) == value, "what is kept fits, and stays as it is"
        assert "\x00" not in str(value)
