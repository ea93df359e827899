"""An object is the recording only when every byte of it is: open or sealed, in whatever pieces it comes."""

from collections.abc import AsyncGenerator
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.ids import new_id
from events.sealed_audio import CallSeal, new_key, sealed_size
from media.recording.read_back import holds, read_whole
from media.recording.store import Bucket

SEAL = CallSeal(new_key(), new_id(), new_id())
PLAIN = bytes(range(251)) * 600  # three chunks when sealed


class InPieces(Bucket):
    """One object, which comes in pieces of a size."""

    def __init__(self, raw: bytes, piece: int) -> None:
        self._raw = raw
        self._piece = piece

    async def read(self, key: str) -> AsyncGenerator[bytes, None]:
        for start in range(0, len(self._raw), self._piece):
            yield self._raw[start : start + self._piece]


def stored(sealed: bool) -> bytes:
    return b"".join(SEAL.seal([PLAIN])) if sealed else PLAIN


async def is_it(raw: bytes, piece: int, sealed: bool) -> bool:
    size = sealed_size(len(PLAIN)) if sealed else len(PLAIN)
    return await holds(InPieces(raw, piece), "a", size, sha256(PLAIN).hexdigest(), SEAL if sealed else None)


@settings(deadline=None, max_examples=50)
@given(st.booleans(), st.integers(1_000, 200_000))
async def test_the_recording_is_known_in_any_pieces(sealed: bool, piece: int) -> None:
    assert await is_it(stored(sealed), piece, sealed)


@settings(deadline=None, max_examples=50)
@given(st.booleans(), st.data())
async def test_anything_else_is_not_it(sealed: bool, data: st.DataObject) -> None:
    raw = bytearray(stored(sealed))
    match data.draw(st.sampled_from(["altered", "cut off", "longer"])):
        case "altered":
            raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1
        case "cut off":
            del raw[data.draw(st.integers(0, len(raw) - 1)) :]
        case _:
            raw += data.draw(st.binary(min_size=1, max_size=100))
    assert not await is_it(bytes(raw), 70_000, sealed)


@pytest.mark.parametrize("piece", [1, 7, 10_000])
async def test_a_small_object_is_read_whole(piece: int) -> None:
    assert await read_whole(InPieces(b"manifest", piece), "a") == b"manifest"
