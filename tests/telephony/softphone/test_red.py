"""Packets that bring the one before them too: each piece once, whatever is lost, and garbage refused."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.softphone.red import BadRed, Block, Gaps, read


def write(blocks: list[Block]) -> bytes:
    *older, own = blocks
    headers = b"".join(
        bytes([0x80 | one.payload_type]) + (one.offset << 10 | len(one.data)).to_bytes(3, "big") for one in older
    )
    return headers + bytes([own.payload_type]) + b"".join(one.data for one in blocks)


OLDER = st.builds(Block, st.integers(0, 127), st.integers(0, 0x3FFF), st.binary(max_size=50))
OWN = st.builds(Block, st.integers(0, 127), st.just(0), st.binary(max_size=50))


@given(st.lists(OLDER, max_size=4), OWN)
def test_what_was_written_is_read(older: list[Block], own: Block) -> None:
    assert read(write([*older, own])) == [*older, own]


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(payload: bytes) -> None:
    with contextlib.suppress(BadRed):
        read(payload)


def test_what_is_cut_off_is_refused() -> None:
    whole = write([Block(111, 960, b"older"), Block(111, 0, b"")])
    for length in range(len(whole)):
        with pytest.raises(BadRed):
            read(whole[:length])
    with pytest.raises(BadRed):
        read(b"\xff" * 100)


def test_each_piece_is_wanted_once() -> None:
    gaps = Gaps()
    assert [gaps.wants(place * 960) for place in (0, 1, 3, 2, 2, 3)] == [True, True, True, True, False, False]
    assert gaps.wants(-960)
    assert not gaps.wants(0xFFFFFFFF - 959)
