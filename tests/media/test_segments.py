"""Segments are cut by the audio's time alone, whole blocks each, and together they are the spool."""

from hypothesis import given
from hypothesis import strategies as st

from events.ids import new_id
from media.frame import RATE_HZ
from media.recording.blocks import Block, extent, pack, unpack
from media.recording.segments import SEGMENT_S, cut, manifest_of, segment_key, segment_number
from media.recording.spool import new_meta

HALF = 4_000


def second_halves(count: int) -> list[Block]:
    return [Block(number * HALF, HALF, (b"\x10" * HALF, b"", b"")) for number in range(count)]


def test_a_segment_waits_until_it_is_full() -> None:
    blocks = second_halves(SEGMENT_S * 2)
    assert cut(blocks[:-1]) is None
    found = cut(blocks)
    assert found is not None
    assert list(unpack(found.blocks)) == blocks
    assert (found.first_sample, found.extent.samples) == (0, SEGMENT_S * RATE_HZ)


@given(st.integers(1, 500), st.lists(st.integers(1, 500), max_size=10))
def test_where_it_is_cut_depends_on_the_audio_alone(count: int, looked_at: list[int]) -> None:
    """However often and whenever the growing spool is looked at, the segments are the same."""

    def segments(lengths: list[int]) -> list[bytes]:
        found, offset = [], 0
        for length in lengths:
            while (piece := cut(unpack(raw[:length][offset:]))) is not None:
                found.append(piece.blocks)
                offset += len(piece.blocks)
        return found

    raw = b"".join(map(pack, second_halves(count)))
    one = segments([len(raw)])
    assert one == segments([*sorted(len(raw) * part // 500 for part in looked_at), len(raw)])
    assert raw.startswith(b"".join(one))


def test_keys_tell_their_number_sealed_or_not() -> None:
    for wrapped in ("", "key"):
        meta = new_meta(new_id(), new_id(), wrapped_key=wrapped)
        assert segment_number(segment_key(meta, 12)) == 12
    assert segment_number("recordings/a/b/manifest.json") is None
    assert segment_number("recordings/a/b/²³.seg") is None


def test_the_manifest_says_what_the_segments_hold() -> None:
    meta = new_meta(new_id(), new_id())
    blocks = [*second_halves(SEGMENT_S * 2 - 1), Block(SEGMENT_S * RATE_HZ - HALF, HALF, (b"", b"", b"\x10" * HALF))]
    found = cut(blocks)
    assert found is not None
    manifest = manifest_of(meta, "voice-1", [found.note(1, "2026-03-01T12:00:00+00:00")])
    assert (manifest.call_id, manifest.node, manifest.channels, manifest.sealed) == (meta.call_id, "voice-1", 3, False)
    assert manifest.segments[0].size_bytes == extent(found.blocks).size_bytes
