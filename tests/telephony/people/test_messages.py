"""A page's messages: read as they were sent, anything else refused with a remedy, ours with their name."""

import contextlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.people.messages import ID_MAX, MESSAGE_BYTES_MAX, BadMessage, Connect, Mute, Over, read, read_body, write

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 60), 1 << 60) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NEARLY = st.fixed_dictionaries({"do": JSON, "id": JSON}, optional={"on": JSON, "sdp": JSON, "ticket": JSON})


@given(st.binary(max_size=200) | (JSON | NEARLY).map(msgspec.msgpack.encode))
def test_any_bytes_are_a_message_or_refused(raw: bytes) -> None:
    with contextlib.suppress(BadMessage):
        read(raw)
        read_body(raw, Mute)


@given(st.text(max_size=40), st.integers(0, ID_MAX), st.booleans())
def test_what_a_page_sends_is_read(do: str, number: int, on: bool) -> None:
    raw = msgspec.msgpack.encode({"do": do, "id": number, "on": on, "added_later": [1]})
    asked = read(raw)
    assert (asked.do, asked.id) == (do, number)
    assert read_body(raw, Mute) == Mute(on)


@pytest.mark.parametrize(
    "message",
    [{}, {"do": "mute"}, {"do": 1, "id": 1}, {"do": "mute", "id": -1}, {"do": "x", "id": ID_MAX + 1}, [], "x"],
)
def test_what_is_no_message_is_told_what_is(message: Any) -> None:
    with pytest.raises(BadMessage, match=r"do|id|object"):
        read(msgspec.msgpack.encode(message))


def test_what_is_too_long_is_not_looked_at() -> None:
    with pytest.raises(BadMessage, match="longer"):
        read(bytes(MESSAGE_BYTES_MAX + 1))
    with pytest.raises(BadMessage, match="sdp"):
        read_body(msgspec.msgpack.encode({"do": "connect", "id": 1}), Connect)


def test_what_a_page_gets_says_what_it_is() -> None:
    got = msgspec.msgpack.decode(write(Over("call_over", "The call is over.")))
    assert got == {"say": "over", "code": "call_over", "sentence": "The call is over."}
    assert json.dumps(got), "nothing in it that a page cannot hold"
