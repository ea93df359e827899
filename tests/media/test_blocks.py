"""Blocks are read back as written, and a torn or altered one ends the reading, never before and never after."""

from hypothesis import given
from hypothesis import strategies as st

from media.recording.blocks import HEAD_BYTES, PERSON, Block, Extent, extent, pack, packed_bytes, unpack


@st.composite
def rows(draw: st.DrawFn) -> list[Block]:
    """Blocks in order of time, with gaps."""
    found, reached = [], 0
    for _ in range(draw(st.integers(1, 5))):
        start = reached + draw(st.integers(0, 500))
        samples = draw(st.integers(0, 300))
        voice = st.just(b"") | st.binary(min_size=samples, max_size=samples)
        found.append(Block(start, samples, (draw(voice), draw(voice), draw(voice))))
        reached = start + samples
    return found


@given(rows())
def test_what_was_packed_is_unpacked(blocks: list[Block]) -> None:
    raw = b"".join(map(pack, blocks))
    assert list(unpack(raw)) == blocks
    assert len(raw) == sum(map(packed_bytes, blocks)) == extent(raw).size_bytes
    spoke = any(block.voices[PERSON] for block in blocks)
    assert extent(raw) == Extent(len(raw), blocks[-1].end, 3 if spoke else 2)


@given(rows(), st.data())
def test_a_torn_end_loses_its_own_block_alone(blocks: list[Block], data: st.DataObject) -> None:
    last = pack(blocks[-1])
    torn = data.draw(st.integers(0, len(last) - 1))
    raw = b"".join(map(pack, blocks[:-1])) + last[:torn]
    assert list(unpack(raw)) == blocks[:-1]


@given(rows(), st.data())
def test_an_altered_byte_ends_the_reading_there(blocks: list[Block], data: st.DataObject) -> None:
    raw = bytearray(b"".join(map(pack, blocks)))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= 1 << data.draw(st.integers(0, 7))
    whole, ends = 0, 0
    for block in blocks:
        ends += packed_bytes(block)
        whole += ends <= place
    assert list(unpack(bytes(raw))) == blocks[:whole]


@given(st.binary(max_size=400))
def test_any_bytes_give_blocks_or_nothing(raw: bytes) -> None:
    assert sum(map(packed_bytes, unpack(raw))) <= len(raw)


def test_a_block_that_begins_before_the_last_ones_end_is_not_believed() -> None:
    raw = pack(Block(100, 10, (b"", b"", b""))) + pack(Block(105, 10, (b"", b"", b"")))
    assert [block.start for block in unpack(raw)] == [100]
    assert list(unpack(raw, reached=101)) == []


def test_silence_costs_a_head_only() -> None:
    assert len(pack(Block(0, 4_000, (b"", b"", b"")))) == HEAD_BYTES
