"""The speech worker as a process of its own."""

import io
import subprocess
import sys
import threading

import pytest

from agent import speech_wire as wire
from agent import worker_frames
from agent.speech_worker import Engines, Inbox, read_orders


def speak(number: int) -> wire.Speak:
    return wire.Speak(number, "Hello.", "en-us")


def feed(number: int) -> wire.Feed:
    return wire.Feed(number, b"")


def test_neither_kind_of_work_waits_for_all_of_the_other() -> None:
    inbox = Inbox()
    for number in range(3):
        inbox.put(feed(number))
    for number in range(2):
        inbox.put(speak(number))

    assert [inbox.take() for _ in range(5)] == [speak(0), feed(0), speak(1), feed(1), feed(2)]


def test_what_is_taken_back_is_not_spoken() -> None:
    inbox = Inbox()
    inbox.put(speak(1))
    inbox.put(speak(2))
    inbox.put(wire.Cancel(1))
    assert inbox.take() == speak(2)


def test_a_full_inbox_holds_up_the_reader_until_something_is_taken() -> None:
    inbox = Inbox(capacity=1)
    inbox.put(feed(1))
    blocked = threading.Thread(target=inbox.put, args=(feed(2),))
    blocked.start()
    blocked.join(0.05)
    assert blocked.is_alive()

    assert inbox.take() == feed(1)
    blocked.join(2)
    assert not blocked.is_alive()
    assert inbox.take() == feed(2)


def test_closing_ends_the_taking() -> None:
    inbox = Inbox()
    inbox.put(feed(1))
    inbox.close()
    assert inbox.take() is None


@pytest.mark.parametrize(
    "tail", [b"", b"\x00\x00", b"\x00\x00\x00\x09abc", b"\xff\xff\xff\xff", b"\x00\x00\x00\x01\xc1"]
)
def test_whatever_ends_the_input_closes_the_inbox(tail: bytes) -> None:
    inbox = Inbox()
    read_orders(io.BytesIO(worker_frames.encode(feed(1)) + tail), inbox)
    assert inbox.take() is None


def reports(output: io.BytesIO) -> list[wire.Report]:
    output.seek(0)
    found = []
    while head := output.read(worker_frames.HEAD.size):
        found.append(wire.decode_report(output.read(worker_frames.body_bytes(head))))
    return found


def test_orders_are_carried_out_or_their_failure_is_reported() -> None:
    output = io.BytesIO()
    engines = Engines(output)
    for order in (
        speak(1),
        wire.Speak(2, "Hello.", "xx-nobody"),
        wire.Speak(3, "...", "en-us"),
        wire.Prepare("m", ("hello",)),
        wire.Prepare("bad", ("xyzzyq",)),
        wire.Begin(4, "absent", ""),
        wire.Feed(99, b""),
        wire.Finish(99),
        wire.Begin(5, "m", ""),
        wire.Feed(5, bytes(3200)),
        wire.Drop(5),
        wire.Drop(98),
        wire.Begin(6, "m", ""),
        wire.Feed(6, bytes(3200)),
        wire.Finish(6),
    ):
        engines.carry_out(order)
    engines.close()

    ready, *rest = reports(output)
    assert ready == wire.Ready()
    spoken = [report for report in rest if isinstance(report, wire.SpokenPiece) and report.request == 1]
    assert [piece.last for piece in spoken] == [False] * (len(spoken) - 1) + [True]
    assert sum(len(piece.pcm) for piece in spoken) > 4_000
    rest = [report for report in rest if report not in spoken]
    assert [type(report) for report in rest] == [
        wire.SpeakFailed, wire.SpokenPiece, wire.Prepared, wire.PrepareFailed, wire.HearingFailed, wire.HearingFailed,
        wire.Heard,
    ]  # fmt: skip
    assert rest[1] == wire.SpokenPiece(3, b"", (("...", 0, 0),), True)


def test_the_worker_ends_with_its_input() -> None:
    worker = subprocess.run([sys.executable, "-m", "agent.speech_worker"], input=b"", capture_output=True, timeout=20)
    assert worker.returncode == 0
    assert worker.stderr == b""
    assert reports(io.BytesIO(worker.stdout)) == [wire.Ready()]
