"""Frames as RFC 6455 has them, read back by the library's own parser."""

from collections.abc import Generator
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import ProtocolError
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from bench.ws_frames import BINARY, PING, TEXT, frame


def read(raw: bytes) -> Frame:
    reader = StreamReader()
    reader.feed_data(raw)
    return _result(Frame.parse(reader.read_exact, mask=True))


def _result(parsing: Generator[None, None, Frame]) -> Frame:
    while True:
        try:
            next(parsing)
        except StopIteration as done:
            return cast(Frame, done.value)


@given(st.sampled_from([TEXT, BINARY]), st.binary(max_size=70_000), st.booleans())
def test_a_frame_is_read_back(opcode: int, payload: bytes, final: bool) -> None:
    found = read(frame(opcode, payload, final=final))
    assert (found.opcode, bytes(found.data), found.fin) == (Opcode(opcode), payload, final)


def test_the_forbidden_can_be_made() -> None:
    assert frame(PING, b"x" * 126)[1] & 0x7F == 126
    assert frame(TEXT, b"", masked=False) == b"\x81\x00"
    assert frame(TEXT, b"", reserved=5, masked=False)[0] == 0xD1
    with pytest.raises(ProtocolError, match="reserved"):
        read(frame(TEXT, b"", reserved=5))
    assert frame(TEXT, b"ab", claimed=2**62, masked=False)[:10] == b"\x81\x7f" + (2**62).to_bytes(8, "big")
