"""All voices where they belong, cut where they were cleared."""

from hypothesis import given
from hypothesis import strategies as st

from media.codec.g711 import ULAW_SILENCE
from media.recording.blocks import AGENT, PROSPECT, VOICES
from media.recording.tracks import Tracks


def tone(count: int, code: int = 7) -> bytes:
    return bytes([code]) * count


def test_each_voice_is_in_its_place() -> None:
    tracks = Tracks()
    tracks.place(PROSPECT, 0, tone(4, 1))
    tracks.place(AGENT, 2, tone(4, 2))
    block = tracks.take(6)
    assert block.voices == (tone(4, 1) + ULAW_SILENCE * 2, ULAW_SILENCE * 2 + tone(4, 2), b"")
    assert (block.start, block.samples, tracks.taken) == (0, 6, 6)


def test_a_gap_is_silence() -> None:
    tracks = Tracks()
    tracks.place(PROSPECT, 0, tone(2, 1))
    tracks.place(PROSPECT, 5, tone(2, 1))
    assert tracks.take(7).voices[PROSPECT] == tone(2, 1) + ULAW_SILENCE * 3 + tone(2, 1)


def test_a_clear_leaves_only_what_was_played() -> None:
    tracks = Tracks()
    tracks.place(AGENT, 0, tone(100))
    tracks.cut(AGENT, 60)
    assert tracks.take(100).voices[AGENT] == tone(60) + ULAW_SILENCE * 40


def test_a_voice_that_was_silent_takes_no_room() -> None:
    tracks = Tracks()
    tracks.place(PROSPECT, 0, ULAW_SILENCE * 160)
    assert tracks.take(160).voices == (b"", b"", b"")


def test_what_was_not_allowed_yet_is_silent() -> None:
    tracks = Tracks()
    tracks.place(PROSPECT, 0, tone(100))
    tracks.mute(40)
    assert tracks.take(100).voices[PROSPECT] == ULAW_SILENCE * 40 + tone(60)


def test_late_samples_are_lost_and_counted() -> None:
    tracks = Tracks()
    tracks.place(PROSPECT, 0, tone(10))
    tracks.take(10)
    tracks.place(PROSPECT, 5, tone(10, 8))
    tracks.place(PROSPECT, 0, tone(3, 9))
    assert tracks.late == 5 + 3
    assert tracks.take(15).voices[PROSPECT] == tone(5, 8)


PLACED = st.lists(
    st.tuples(st.integers(0, VOICES - 1), st.integers(0, 30_000), st.integers(0, 2_000)),
    max_size=20,
)


def voice(tracks: Tracks, channel: int, cuts: range) -> bytes:
    blocks = [tracks.take(until) for until in cuts]
    return b"".join(block.voices[channel] or ULAW_SILENCE * block.samples for block in blocks)


@given(PLACED, st.integers(0, VOICES - 1))
def test_taking_in_pieces_gives_what_taking_at_once_gives(placed: list[tuple[int, int, int]], channel: int) -> None:
    one, other = Tracks(), Tracks()
    for number, position, count in placed:
        one.place(number, position, tone(count, number + 1))
        other.place(number, position, tone(count, number + 1))
    whole = voice(one, channel, range(32_000, 32_001))
    assert voice(other, channel, range(1_000, 32_001, 1_000)) == whole
    assert len(whole) == 32_000


@given(PLACED)
def test_each_sample_lies_where_it_was_placed(placed: list[tuple[int, int, int]]) -> None:
    tracks, model = Tracks(), [bytearray(ULAW_SILENCE * 32_000) for _ in range(VOICES)]
    for number, position, count in placed:
        tracks.place(number, position, tone(count, number + 1))
        model[number][position : position + count] = tone(count, number + 1)
    block = tracks.take(32_000)
    assert [found or ULAW_SILENCE * 32_000 for found in block.voices] == [bytes(track) for track in model]
