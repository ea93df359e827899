"""RTP packets: read as they were written, anything else refused, and what a receiver counts."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.softphone.rtp import BadRtp, Packet, Reception, Unwrapped, is_rtcp, read, write

WORD = st.integers(0, 0xFFFFFFFF)
PACKETS = st.builds(Packet, st.integers(0, 127), st.integers(0, 0xFFFF), WORD, WORD, st.binary(max_size=100))


@given(PACKETS, st.booleans())
def test_what_was_written_is_read(packet: Packet, marker: bool) -> None:
    assert read(write(packet, marker=marker)) == packet


@given(st.binary(max_size=60))
def test_any_bytes_are_a_packet_or_refused(data: bytes) -> None:
    with contextlib.suppress(BadRtp):
        read(data)


def test_extensions_contributors_and_padding_are_left_out() -> None:
    plain = write(Packet(111, 7, 960, 5, b"sound"))
    extension = b"\xbe\xde\x00\x01" + b"\x10\xff\x00\x00"
    full = bytes([plain[0] | 0x10 | 0x20 | 1]) + plain[1:12] + b"ABCD" + extension + b"sound" + b"\x00\x00\x03"
    assert read(full) == Packet(111, 7, 960, 5, b"sound")
    for cut in (full[:14], full[:18], full[:-1] + b"\xff", full[:-1] + b"\x00"):
        with pytest.raises(BadRtp):
            read(cut)


def test_control_packets_are_told_apart() -> None:
    assert is_rtcp(b"\x80\xc8")
    assert is_rtcp(b"\x81\xc9")
    assert not is_rtcp(write(Packet(111, 1, 1, 1, b"")))
    assert not is_rtcp(write(Packet(111, 1, 1, 1, b""), marker=True))
    assert not is_rtcp(b"\x80")


@given(WORD, st.lists(st.integers(-5_000, 100_000), max_size=30))
def test_timestamps_go_on_rising_past_their_end(first: int, steps: list[int]) -> None:
    times, true = Unwrapped(), first
    assert times.of(first) == first
    newest = first
    for step in steps:
        true = newest + step
        assert times.of(true % (1 << 32)) == true
        newest = max(newest, true)


def test_a_receiver_counts_losses_once() -> None:
    reception = Reception(5)
    assert reception.share_lost() == 0.0
    for sequence in (0xFFFE, 0xFFFF, 1, 2, 0):  # one late, none lost, over the end of the numbers
        reception.arrived(Packet(111, sequence, sequence * 960, 5, b""), sequence * 0.02)
    assert (reception.lost, reception.highest) == (0, 0x10002)
    reception.share_lost()
    reception.arrived(Packet(111, 6, 0, 5, b""), 0.0)
    assert reception.lost == 3
    assert reception.share_lost() == pytest.approx(3 / 4)


def test_jitter_is_the_spread_of_arrivals() -> None:
    steady, uneven = Reception(1), Reception(2)
    for number in range(200):
        packet = Packet(111, number, number * 960, 1, b"")
        steady.arrived(packet, number * 0.02)
        uneven.arrived(packet, number * 0.02 + (number % 2) * 0.01)
    assert steady.jitter == pytest.approx(0, abs=1)
    assert uneven.jitter == pytest.approx(480, rel=0.05), "10 ms between two neighbours"
