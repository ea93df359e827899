"""What models are offered."""

import pytest

from agent.tools.catalog import noted_kinds, offered
from events.call import FactKind, Outcome
from events.tool import ARGUMENTS, ToolName

NOTABLE = set(FactKind) - {FactKind.BROKEN_OFF}  # that one is ours to note
EVERY = tuple(name.value for name in ToolName)


@pytest.mark.parametrize("language", ["en-US", "pt-BR"])
def test_each_tool_has_words_and_a_schema_that_any_vendor_takes(language: str) -> None:
    found = offered(EVERY, language)
    assert [tool.name for tool in found] == list(EVERY)
    for tool in found:
        assert tool.description
        assert tool.parameters["type"] == "object"
        assert tool.parameters["additionalProperties"] is False
        assert set(tool.parameters["properties"]) == set(ARGUMENTS[ToolName(tool.name)].__struct_fields__)
        for shown in tool.parameters["properties"].values():
            assert shown["type"] == "string"
            assert not {"$ref", "anyOf", "title", "default"} & set(shown)


def test_the_words_are_the_agents_language_and_english_where_it_is_not_known() -> None:
    def words(language: str) -> list[str]:
        return [tool.description for tool in offered(EVERY, language)]

    assert all(one != other for one, other in zip(words("en-US"), words("pt-BR"), strict=True))
    assert words("pt") == words("pt-BR")
    assert words("fr-FR") == words("en-US")


def test_only_what_the_plan_allows_is_offered() -> None:
    assert [tool.name for tool in offered(("end_call", "note_fact", "later"), "en")] == ["note_fact", "end_call"]
    assert offered((), "en") == ()
    note, end = offered(("note_fact", "end_call"), "en")
    assert set(note.parameters["properties"]["kind"]["enum"]) == NOTABLE
    assert set(end.parameters["properties"]["outcome"]["enum"]) <= set(Outcome)


def test_what_has_a_tool_of_its_own_is_not_noted_besides() -> None:
    assert noted_kinds(("note_fact", "book_slot")) == tuple(
        kind for kind in FactKind if kind in NOTABLE - {"meeting_booked"}
    )
    [note] = offered(("note_fact",), "en")
    assert set(note.parameters["properties"]["kind"]["enum"]) == NOTABLE
    assert set(noted_kinds(EVERY)) == {FactKind.OBJECTION, FactKind.NOTE}
