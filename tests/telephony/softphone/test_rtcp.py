"""Reports: what one end writes the other reads, and the round trip comes out of the two clocks."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.softphone.rtcp import BadRtcp, Sent, goodbye, read, write
from telephony.softphone.rtp import Packet, Reception

NOW = 1_800_000_000.25


def received(*sequences: int) -> Reception:
    reception = Reception(77)
    for sequence in sequences:
        reception.arrived(Packet(111, sequence, sequence * 960, 77, b""), sequence * 0.02)
    return reception


def test_the_other_end_reads_how_it_is_heard() -> None:
    ours = write(Sent(5, 960, 3, 100), received(1, 2, 4), None, NOW, "salesos")
    told = read(ours, 77, NOW)
    assert told.heard is not None
    assert (told.heard.highest, told.heard.share_lost) == (4, 0.25)
    assert told.heard.round_trip_s is None, "it has had no report of the other's yet"
    assert told.clock is not None
    assert not told.bye
    assert read(ours, 78, NOW).heard is None, "it is about somebody else"


def test_the_round_trip() -> None:
    first = read(write(Sent(77, 0, 0, 0), None, None, NOW, "a"), 5, NOW)
    assert first.clock is not None
    # It came after 40 ms, was answered after 300, and that took 60.
    back = write(Sent(5, 0, 0, 0), received(1), (first.clock, 0.3), NOW + 0.34, "b")
    heard = read(back, 77, NOW + 0.4).heard
    assert heard is not None
    assert heard.round_trip_s == pytest.approx(0.1, abs=0.001)


def test_before_anything_came_there_is_nothing_to_say_of_it() -> None:
    assert read(write(Sent(5, 0, 0, 0), None, None, NOW, "a name"), 77, NOW).heard is None


def test_goodbye() -> None:
    assert read(goodbye(5), 77, NOW).bye


@given(st.binary(max_size=120))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(BadRtcp):
        read(data, 77, NOW)


@given(st.integers(0, 80))
def test_a_report_that_is_cut_off_is_refused_or_says_less(length: int) -> None:
    whole = write(Sent(5, 960, 3, 100), received(1, 2, 4), None, NOW, "salesos")
    with contextlib.suppress(BadRtcp):
        assert read(whole[:length], 77, NOW) in (read(whole[:52], 77, NOW), read(b"", 77, NOW))
