"""Frames between the voice process and its Whisper worker."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import worker_frames
from agent.stt import whisper_wire as wire
from agent.worker_frames import HEAD, Unreadable, body_bytes

REPORTS = (
    wire.Ready(("en", "pt"), 12.5),
    wire.Broken("no"),
    wire.Heard(3, "yes", (("yes", 10, 20),), 0.5, 80.0),
    wire.Failed(4, "no"),
)


def body(frame: bytes) -> bytes:
    assert body_bytes(frame[: HEAD.size]) == len(frame) - HEAD.size
    return frame[HEAD.size :]


@pytest.mark.parametrize("report", REPORTS)
def test_reports_come_as_they_were_sent(report: wire.Report) -> None:
    assert wire.decode_report(body(worker_frames.encode(report))) == report


def test_orders_come_as_they_were_sent() -> None:
    order = wire.Hear(1, b"\x00\x01", "pt", timed=True)
    assert wire.decode_order(body(worker_frames.encode(order))) == order


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_unreadable(data: bytes) -> None:
    for decode in (wire.decode_order, wire.decode_report):
        with contextlib.suppress(Unreadable):
            decode(data)
