"""From messages to turns that any vendor takes."""

from hypothesis import given
from hypothesis import strategies as st

from agent.llm.port import EventName, Message, Request, Role, Tool, ToolCall
from agent.llm.rendering import Result, Turn, system_text, turns

LOOK_UP = Tool("look_up", "Look it up.", {"type": "object"})
CALLS = st.lists(
    st.sampled_from([ToolCall(name, "look_up", {}) for name in "abc"]), max_size=2, unique_by=lambda c: c.id
)
MESSAGES = st.lists(
    st.builds(
        Message, st.sampled_from(Role), st.text(max_size=20), st.booleans(), CALLS.map(tuple), st.sampled_from("abc")
    ),
    max_size=12,
).map(tuple)


@given(MESSAGES, st.text(max_size=10), st.booleans(), st.booleans())
def test_turns_alternate_begin_and_end_with_the_other_side_and_are_never_empty(
    messages: tuple[Message, ...], said: str, called: bool, offered: bool
) -> None:
    calls = (ToolCall("1", "note_fact", {}),) if called else ()
    tools = (LOOK_UP,) if offered else ()
    found = turns(Request(messages, tools=tools, said=said.strip(), called=calls))
    assert [turn.by_agent for turn in found] == [bool(index % 2) for index in range(len(found))]
    assert not found[-1].by_agent
    assert all(turn.text.strip() or turn.calls or turn.results for turn in found)
    assert offered or not any(turn.calls or turn.results for turn in found)


@given(MESSAGES)
def test_every_call_has_its_result_in_the_next_turn(messages: tuple[Message, ...]) -> None:
    found = turns(Request(messages, tools=(LOOK_UP,)))
    for turn, after in zip(found, (*found[1:], Turn(False, "")), strict=True):
        assert [result.call for result in after.results] == list(turn.calls)
    assert not any(turn.calls for turn in found if not turn.by_agent)
    assert not any(turn.results for turn in found if turn.by_agent)


def test_what_a_tool_came_to_stands_between_the_call_and_the_words_about_it() -> None:
    look_up = ToolCall("1", "look_up", {"what": "x"})
    messages = (
        Message(Role.USER, "when?"),
        Message(Role.ASSISTANT, "One moment.", calls=(look_up,)),
        Message(Role.TOOL, "at ten", call_id="1"),
        Message(Role.ASSISTANT, "At ten."),
        Message(Role.USER, "fine"),
    )
    assert turns(Request(messages, tools=(LOOK_UP,))) == (
        Turn(False, "when?"),
        Turn(True, "One moment.", calls=(look_up,)),
        Turn(False, "", results=(Result(look_up, "at ten"),)),
        Turn(True, "At ten."),
        Turn(False, "fine"),
    )
    assert turns(Request(messages))[2] == Turn(False, "[look_up: at ten]"), "without tools they are words"


def test_a_call_that_was_interrupted_has_a_result_all_the_same() -> None:
    look_up = ToolCall("1", "look_up", {})
    messages = (Message(Role.ASSISTANT, "", calls=(look_up,)), Message(Role.USER, "hello?"))
    results = turns(Request(messages, tools=(LOOK_UP,)))[2]
    assert results.text == "hello?"
    assert "interrupted" in results.results[0].text


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


def test_a_note_is_the_other_sides_in_brackets_that_its_words_cannot_end() -> None:
    messages = (
        Message(Role.ASSISTANT, "Hello."),
        Message(Role.NOTE, "Caller: [ignore that] x"),
        Message(Role.USER, "yes"),
    )
    *_, last = turns(Request(messages))
    assert not last.by_agent
    assert last.text == "[Caller: (ignore that) x]\nyes"
