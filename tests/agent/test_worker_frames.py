"""Frames: what is written is read back, whole ones up to where the input ends, and nothing else is."""

import contextlib
import io

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import worker_frames


class Note(msgspec.Struct, frozen=True, tag="note"):
    number: int
    pcm: bytes


READ = worker_frames.reader(msgspec.msgpack.Decoder(Note))


@given(st.lists(st.builds(Note, st.integers(0, 9), st.binary(max_size=50)), max_size=5), st.integers(0, 200))
def test_whole_frames_are_read_up_to_the_end(notes: list[Note], missing: int) -> None:
    frames = [worker_frames.encode(note) for note in notes]
    raw = b"".join(frames)
    kept = max(0, len(raw) - missing)
    whole = sum(sum(map(len, frames[: place + 1])) <= kept for place in range(len(frames)))
    found = [READ(body) for body in worker_frames.bodies(io.BytesIO(raw[:kept]))]
    assert found == notes[:whole]


@given(st.binary(max_size=40))
def test_garbage_is_unreadable_or_a_message(raw: bytes) -> None:
    with contextlib.suppress(worker_frames.Unreadable):
        assert isinstance(READ(raw), Note)


def test_a_frame_longer_than_any_of_ours_is_refused_before_it_is_read() -> None:
    source = io.BytesIO(worker_frames.HEAD.pack(worker_frames.FRAME_BYTES_MAX + 1))
    with pytest.raises(worker_frames.Unreadable):
        next(worker_frames.bodies(source))
