"""Whatever is sealed opens again, in any range; whatever was altered, swapped, cut off or another's does not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.ids import new_id
from events.sealed_audio import (
    CHUNK_BYTES,
    HEAD_BYTES,
    BadKey,
    BadSeal,
    CallSeal,
    MasterKey,
    new_key,
    plain_size,
    sealed_size,
)

SEAL = CallSeal(new_key(), new_id(), new_id())
SIZES = st.integers(0, 3 * CHUNK_BYTES + 5) | st.sampled_from([0, 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES])


def content(size: int) -> bytes:
    return (bytes(range(251)) * (size // 251 + 1))[:size]


def sealed(plain: bytes, seal: CallSeal = SEAL) -> bytes:
    return b"".join(seal.seal([plain]))


@settings(deadline=None)
@given(SIZES, st.integers(1, 70_000))
def test_what_was_sealed_in_pieces_opens_whole(size: int, piece: int) -> None:
    plain = content(size)
    raw = b"".join(SEAL.seal(plain[start : start + piece] for start in range(0, size, piece)))
    assert SEAL.open_all(raw) == plain
    assert (len(raw), plain_size(len(raw))) == (sealed_size(size), size)


@settings(deadline=None)
@given(SIZES, st.data())
def test_any_range_opens_from_the_chunks_that_cover_it(size: int, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, size))
    end = data.draw(st.integers(start, size))
    plain = content(size)
    raw = sealed(plain)
    opener = SEAL.opener(raw[:HEAD_BYTES], len(raw))
    numbers = opener.covering(start, end)
    opened = b"".join(opener.open(number, raw[slice(*opener.place(number))]) for number in numbers)
    skip = start - numbers.start * CHUNK_BYTES
    assert opened[skip : skip + end - start] == plain[start:end]


@settings(deadline=None)
@given(st.integers(0, CHUNK_BYTES * 2 + 200), st.data())
def test_an_altered_byte_is_noticed(size: int, data: st.DataObject) -> None:
    raw = bytearray(sealed(content(size)))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1
    with pytest.raises(BadSeal):
        SEAL.open_all(bytes(raw))


def test_chunks_can_be_neither_swapped_nor_left_out_nor_cut_off() -> None:
    raw = sealed(content(3 * CHUNK_BYTES))
    step = CHUNK_BYTES + 16
    head, one, two, three = raw[:HEAD_BYTES], *(raw[HEAD_BYTES + n * step :][:step] for n in range(3))
    for forged in (head + two + one + three, head + one + three, head + one + two, head + one):
        with pytest.raises(BadSeal):
            SEAL.open_all(forged)


@pytest.mark.parametrize(
    "other",
    [
        CallSeal(new_key(), SEAL.org_id, SEAL.call_id),
        CallSeal(SEAL.key, new_id(), SEAL.call_id),
        CallSeal(SEAL.key, SEAL.org_id, new_id()),
    ],
    ids=["key", "organisation", "call"],
)
def test_an_object_opens_as_its_own_calls_only(other: CallSeal) -> None:
    with pytest.raises(BadSeal, match="does not open"):
        other.open_all(sealed(b"hello"))


@pytest.mark.parametrize("raw", [b"", b"RIFF" * 20, b"SOSAUD01" + bytes(16), b"SOSAUD01" + bytes(31)])
def test_what_is_no_sealed_object_is_refused(raw: bytes) -> None:
    with pytest.raises(BadSeal):
        SEAL.open_all(raw)


def test_two_seals_of_the_same_audio_differ() -> None:
    assert sealed(b"hello") != sealed(b"hello")


def test_an_organisations_key_opens_with_its_master_key_only() -> None:
    master, org_id, key = MasterKey("m" * 32), new_id(), new_key()
    wrapped = master.wrap(key, org_id)
    assert master.unwrap(wrapped, org_id) == key
    assert wrapped != master.wrap(key, org_id)
    for wrong, owner, text in (
        (MasterKey("n" * 32), org_id, wrapped),
        (master, new_id(), wrapped),
        (master, org_id, wrapped[:-4]),
        (master, org_id, "é"),
        (master, org_id, ""),
    ):
        with pytest.raises(BadKey):
            wrong.unwrap(text, owner)


def test_keys_never_show() -> None:
    assert "m" * 32 not in repr(MasterKey("m" * 32))
    assert repr(SEAL.key) not in repr(SEAL)
