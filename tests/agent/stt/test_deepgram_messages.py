"""Whatever Deepgram's socket says, parse() has a message, None, or one error."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.stt.deepgram_messages import MESSAGE_CHARS_MAX, BadDeepgramMessage, Results, TurnInfo, parse

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NEARLY = st.fixed_dictionaries(
    {"type": st.sampled_from(["Results", "TurnInfo", "Error", "SpeechStarted", "Metadata"])},
    optional={"start": JSON, "duration": JSON, "channel": JSON, "words": JSON, "event": JSON},
)


@given(st.text(max_size=40) | JSON.map(json.dumps) | NEARLY.map(json.dumps) | st.binary(max_size=40))
def test_any_text_yields_a_message_or_one_error(text: str | bytes) -> None:
    with contextlib.suppress(BadDeepgramMessage):
        parse(text)


def test_kinds_that_we_do_not_use_are_none() -> None:
    assert parse('{"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": 2.1}') is None
    assert parse('{"type": "NewKind"}') is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"type": 5}', '{"type": "Results"}', '{"start": 1.0}'])
def test_what_is_not_of_the_interface_is_an_error(text: str) -> None:
    with pytest.raises(BadDeepgramMessage):
        parse(text)


def test_a_message_of_any_length_is_not_read() -> None:
    with pytest.raises(BadDeepgramMessage, match="too long"):
        parse(" " * (MESSAGE_CHARS_MAX + 1))


def test_results_and_turns_are_read_with_what_the_vendor_adds() -> None:
    results = parse(
        '{"type":"Results","start":1.5,"duration":0.5,"is_final":true,"new":1,"channel":{"alternatives":'
        '[{"transcript":"hi","confidence":1,"words":[{"word":"hi","start":1.5,"end":1.7,"confidence":0.5}]}]}}'
    )
    assert isinstance(results, Results)
    assert results.channel.alternatives[0].words[0].text == "hi"
    turn = parse(
        '{"type":"TurnInfo","event":"Update","turn_index":0,"transcript":"hi","audio_window_end":2,'
        '"words":[{"word":"hi","confidence":0.5}]}'
    )
    assert isinstance(turn, TurnInfo)
    assert turn.words[0].start is None
