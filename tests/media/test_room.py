"""The prospect's side of a room: places of frames, the quality of the line."""

from media.jitter import Connection
from media.room import PROSPECT_LEG
from tests.media.call import SILENCE, Call


def test_frames_out_of_order_are_dropped_and_lost_ones_keep_their_place() -> None:
    call = Call()
    heard, gaps = call.room.frames, call.room.gaps
    call.room.heard(SILENCE, 20)
    assert (call.room.frames, call.room.gaps) == (heard, gaps + 1)
    call.room.heard(SILENCE, 500)
    assert (call.room.frames, call.room.gaps) == (heard + 1, gaps + 2)


def test_a_line_that_loses_much_is_told_once_and_its_recovery_too() -> None:
    call = Call()
    at_ms = 200
    for index in range(400):
        at_ms += 60 if index % 5 == 0 else 20
        call.now = at_ms + 20
        call.room.heard(SILENCE, at_ms)
    for _ in range(600):
        at_ms += 20
        call.now = at_ms + 20
        call.room.heard(SILENCE, at_ms)
    assert [(leg, quality.connection) for leg, quality in call.qualities] == [
        (PROSPECT_LEG, Connection.UNSTABLE),
        (PROSPECT_LEG, Connection.STABLE),
    ]


def test_a_line_that_jitters_much_is_unstable() -> None:
    call = Call()
    for index in range(200):
        call.now = 1_000 + index * 20 + (450 if index % 2 else 0)
        call.room.heard(SILENCE, 200 + index * 20)
    assert [quality.connection for _, quality in call.qualities] == [Connection.UNSTABLE]
    assert call.qualities[0][1].jitter_ms > 200
