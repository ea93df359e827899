"""The model of the carrier's buffer: chains, marks that correct it, and the clear."""

from media.far_buffer import SLIP_MS, FarBuffer

SECOND = bytes(8_000)


def test_the_trip_is_learned_from_the_first_mark_of_a_chain() -> None:
    far = FarBuffer()
    packet = far.send(bytes(160), 0, 1_000.0, marked=True)
    assert packet.mark is not None
    far.marked(packet.mark, 1_100.0)
    assert far.trip_ms == 80.0
    assert far.position(1_100.0) == 160
    assert far.send(bytes(160), 160, 2_000.0, marked=False).starts_ms == 2_080.0


def test_one_late_chain_hardly_moves_the_trip() -> None:
    far = FarBuffer()
    for start, late in ((0.0, 0), (5_000.0, 400)):
        packet = far.send(bytes(160), 0, start, marked=True)
        assert packet.mark is not None
        far.marked(packet.mark, start + 20 + 40 + late)
    assert 40 <= far.trip_ms <= 100


def test_a_mark_within_the_carriers_quantum_moves_nothing() -> None:
    far = FarBuffer()
    first = far.send(bytes(160), 0, 0.0, marked=True)
    second = far.send(SECOND, 160, 0.0, marked=True)
    assert first.mark is not None
    assert second.mark is not None
    far.marked(first.mark, 20.0)
    assert far.marked(second.mark, 1_020.0 + SLIP_MS) == (8_160, 1_020.0)
    third = far.send(SECOND, 8_160, 1_020.0, marked=True)
    assert third.mark is not None
    assert far.marked(third.mark, 2_020.0 + SLIP_MS + 5) == (16_160, 2_020.0 + SLIP_MS + 5)


def test_a_lost_mark_is_proved_by_the_next() -> None:
    far = FarBuffer()
    far.send(bytes(160), 0, 0.0, marked=True)
    second = far.send(bytes(160), 160, 0.0, marked=True)
    assert second.mark is not None
    far.marked(second.mark, 40.0)
    assert not far.unproven
    assert b"".join(span.ulaw for span in far.played(40.0)) == bytes(320)


def test_what_is_played_is_given_out_once() -> None:
    far = FarBuffer()
    packet = far.send(bytes(160), 0, 0.0, marked=True)
    far.send(SECOND, 160, 0.0, marked=False)
    assert packet.mark is not None
    assert list(far.played(50.0)) == [], "nothing has been proven yet"
    far.marked(packet.mark, 20.0)
    spans = [*far.played(300.0), *far.played(300.0), *far.played(900.0), *far.played(5_000.0)]
    assert sum(len(span.ulaw) for span in spans) == 8_160
    ends = [span.starts_ms + len(span.ulaw) / 8 for span in spans]
    assert [span.starts_ms for span in spans[1:]] == ends[:-1]


def test_a_clear_strikes_when_it_arrives() -> None:
    far = FarBuffer()
    packet = far.send(bytes(160), 0, 0.0, marked=True)
    far.send(SECOND, 160, 0.0, marked=False)
    assert packet.mark is not None
    far.marked(packet.mark, 80.0)  # a trip of 60 ms
    position, spans = far.cut(200.0)
    assert position == 200 * 8, "what plays while the clear is on its way is heard as well"
    assert sum(len(span.ulaw) for span in spans) == position
    assert far.ahead_ms(200.0) == 0
    assert far.marked(packet.mark, 300.0) is None


def test_a_new_stretch_does_not_take_the_former_ones_place() -> None:
    """What was said before and still plays is recorded, and is no part of what is heard of the new reply."""
    far = FarBuffer()
    first = far.send(SECOND, 0, 0.0, marked=True)
    far.begin()
    second = far.send(bytes(160), 0, 900.0, marked=True)
    assert second.starts_ms == 1_000.0
    assert far.position(999.0) == 0
    assert first.mark is not None
    assert far.marked(first.mark, 1_000.0) is None
    assert far.position(1_010.0) == 80
    assert sum(len(span.ulaw) for span in far.played(3_000.0)) == 8_160


def test_mixed_sound_takes_the_reply_on_as_far_as_it_holds_of_it() -> None:
    far = FarBuffer()
    far.send(bytes(160), 0, 0.0, marked=False, carries=160)
    far.send(bytes(160), 160, 0.0, marked=False, carries=0)
    far.send(bytes(160), 160, 0.0, marked=False, carries=40)
    assert [far.position(at) for at in (10.0, 20.0, 39.0, 43.0, 60.0)] == [80, 160, 160, 184, 200]
