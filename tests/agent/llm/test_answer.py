"""What an answer must be before it counts as one."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.llm.answer import ARGUMENTS_CHARS_MAX, Answer
from agent.llm.port import Failure, Finish, FinishReason, ModelUnavailable, Text, ToolCall

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), JSON, max_size=4), st.lists(st.integers(1, 9), max_size=20))
def test_arguments_are_the_same_wherever_they_were_broken(arguments: dict[str, Any], cuts: list[int]) -> None:
    answer, text = Answer("v"), json.dumps(arguments)
    answer.tool_part(0, "id", "note")
    for size in cuts:
        part, text = text[:size], text[size:]
        answer.tool_part(0, arguments=part)
    answer.tool_part(0, arguments=text)
    answer.finish(FinishReason.STOP)
    assert answer.close() == [ToolCall("id", "note", arguments), Finish(FinishReason.STOP)]


@given(st.text() | JSON.map(json.dumps))
def test_any_arguments_are_an_object_or_garbage(text: str) -> None:
    answer = Answer("v")
    answer.tool_part(0, "id", "note", text)
    answer.finish(FinishReason.STOP)
    failure, call = None, None
    try:
        call = answer.close()[0]
    except ModelUnavailable as error:
        failure = error.failure
    assert failure is Failure.GARBAGE or (isinstance(call, ToolCall) and isinstance(call.arguments, dict))


def test_arguments_without_end_and_calls_without_a_name_are_garbage() -> None:
    for name, text in (("note", json.dumps({"a": "x" * ARGUMENTS_CHARS_MAX})), ("", "{}")):
        answer = Answer("v")
        answer.tool_part(0, "id", name, text)
        answer.finish(FinishReason.STOP)
        with pytest.raises(ModelUnavailable) as caught:
            answer.close()
        assert caught.value.failure is Failure.GARBAGE


def test_no_end_is_a_cut_and_no_content_is_empty() -> None:
    for finish, failure in ((None, Failure.CUT), (FinishReason.STOP, Failure.EMPTY)):
        answer = Answer("v")
        if finish is None:
            assert answer.text("half") == Text("half")
        else:
            answer.finish(finish)
        with pytest.raises(ModelUnavailable) as caught:
            answer.close()
        assert caught.value.failure is failure


def test_calls_in_one_piece_get_ids_that_differ() -> None:
    answer = Answer("v")
    answer.whole_call(ToolCall("", "a", {}))
    answer.whole_call(ToolCall("", "b", {}))
    answer.finish(FinishReason.STOP)
    first, second, _ = answer.close()
    assert isinstance(first, ToolCall)
    assert isinstance(second, ToolCall)
    assert first.id != second.id
