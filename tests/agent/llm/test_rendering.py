"""From messages to turns that any vendor takes."""

from hypothesis import given
from hypothesis import strategies as st

from agent.llm.port import EventName, Message, Request, Role, ToolCall
from agent.llm.rendering import Turn, system_text, turns

MESSAGES = st.lists(st.builds(Message, st.sampled_from(Role), st.text(max_size=20), st.booleans()), max_size=12).map(
    tuple
)


@given(MESSAGES, st.text(max_size=10), st.booleans())
def test_turns_alternate_begin_and_end_with_the_other_side_and_are_never_empty(
    messages: tuple[Message, ...], said: str, called: bool
) -> None:
    calls = (ToolCall("1", "note_fact", {}),) if called else ()
    found = turns(Request(messages, said=said.strip(), called=calls))
    assert [turn.by_agent for turn in found] == [bool(index % 2) for index in range(len(found))]
    assert not found[-1].by_agent
    assert all(turn.text.strip() for turn in found)


@given(MESSAGES)
def test_nothing_that_was_said_is_lost(messages: tuple[Message, ...]) -> None:
    shown = "\n".join(turn.text for turn in turns(Request(messages)))
    for message in messages:
        if message.role in (Role.USER, Role.ASSISTANT) and message.text.strip():
            assert message.text in shown


def test_happenings_and_interruptions_are_shown_as_such() -> None:
    found = turns(
        Request(
            (
                Message(Role.EVENT, EventName.SILENCE),
                Message(Role.ASSISTANT, "Are you", True),
                Message(Role.USER, "yes"),
            )
        )
    )
    assert found[0].text.startswith("[The caller says nothing.")
    assert found[1] == Turn(True, "Are you [interrupted here]")
    assert turns(Request((Message(Role.EVENT, "of a later release"),)))[0].text == "[of a later release]"


def test_variables_are_filled_in_and_unknown_ones_stay() -> None:
    request = Request(
        (Message(Role.SYSTEM, "Be kind to {prospect_name}."),), "You are {agent_name}, {odd}.", {"agent_name": "Al"}
    )
    assert system_text(request) == "You are Al, {odd}.\n\nBe kind to {prospect_name}."


def test_a_second_model_goes_on_behind_what_was_said() -> None:
    found = turns(
        Request((Message(Role.USER, "well?"),), said="I think that", called=(ToolCall("1", "note_fact", {}),))
    )
    assert found[1] == Turn(True, "I think that")
    assert "very next word" in found[2].text
    assert "note_fact" in found[2].text
    assert "note_fact" not in "".join(t.text for t in turns(Request((Message(Role.USER, "x"),), said="y")))
