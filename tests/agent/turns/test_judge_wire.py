"""Frames between the voice process and smart-turn."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import worker_frames
from agent.turns import judge_wire as wire
from agent.worker_frames import HEAD, Unreadable


@given(st.integers(0, 2**63 - 1), st.binary(max_size=2_000))
def test_a_question_comes_through(request: int, pcm: bytes) -> None:
    asked = wire.Ask(request, pcm)
    assert wire.decode_ask(worker_frames.encode(asked)[HEAD.size :]) == asked


@pytest.mark.parametrize("report", [wire.Ready(61.5), wire.Judged(7, 0.25, 60.0)])
def test_a_report_comes_through(report: wire.Report) -> None:
    assert wire.decode_report(worker_frames.encode(report)[HEAD.size :]) == report


@given(st.binary(max_size=200))
def test_anything_is_a_message_or_unreadable(body: bytes) -> None:
    with contextlib.suppress(Unreadable):
        wire.decode_report(body)
    with contextlib.suppress(Unreadable):
        wire.decode_ask(body)
