"""Orders and reports between the two sides of the speech process."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import speech_wire as wire
from agent import worker_frames

MESSAGES: list[wire.Order | wire.Report] = [
    wire.Speak(1, "Hello.", "en-us"),
    wire.Prepare("m", ("yes", "no")),
    wire.Feed(3, b"\x01\x02"),
    wire.SpokenPiece(1, b"\x00\x01", (("Hello.", 0, 300),), True),
    wire.Heard(3, "yes", (("yes", 10, 300),), 0.5, "1,2"),
    wire.Ready(),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_messages_come_back(message: wire.Order | wire.Report) -> None:
    frame = worker_frames.encode(message)
    head, body = frame[: worker_frames.HEAD.size], frame[worker_frames.HEAD.size :]
    assert worker_frames.body_bytes(head) == len(body)
    decode = wire.decode_order if isinstance(message, wire.Speak | wire.Prepare | wire.Feed) else wire.decode_report
    assert decode(body) == message


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_unreadable(body: bytes) -> None:
    for decode in (wire.decode_order, wire.decode_report):
        try:
            decode(body)
        except worker_frames.Unreadable:
            continue


def test_a_frame_too_long_is_refused() -> None:
    with pytest.raises(worker_frames.Unreadable):
        worker_frames.body_bytes(worker_frames.HEAD.pack(worker_frames.FRAME_BYTES_MAX + 1))
