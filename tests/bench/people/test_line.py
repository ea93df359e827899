"""A prospect's line: what it hears counts from when it is played, and marks are echoed when their sound has been."""

import json
from base64 import b64encode

import numpy as np

from bench.people.bursts import BurstEar
from bench.people.line import Line
from bench.people.sounds import SILENCE, deaf
from media.codec import g711
from media.frame import FRAME_SAMPLES


class Heard:
    def __init__(self) -> None:
        self.at: list[float] = []

    def hear(self, pcm: object, at_s: float) -> None:
        self.at.append(round(at_s, 6))


def media(ulaw: bytes) -> bytes:
    return json.dumps({"event": "media", "media": {"payload": b64encode(ulaw).decode()}}).encode()


def test_what_comes_early_is_heard_behind_what_plays() -> None:
    heard, sent = Heard(), list[bytes]()
    line = Line(1, lambda _: SILENCE, heard.hear, sent.append)
    piece = media(g711.ULAW_SILENCE * FRAME_SAMPLES)
    line.received(piece, 10.0)
    line.received(piece, 10.001)
    line.received(piece, 10.5)
    assert heard.at == [10.0, 10.02, 10.5]


def test_marks_are_echoed_when_their_sound_has_been_played_or_is_dropped() -> None:
    sent = list[bytes]()
    line = Line(1, lambda _: SILENCE, deaf, sent.append)
    line.start()
    del sent[:]
    line.received(media(g711.ULAW_SILENCE * FRAME_SAMPLES), 1.0)
    line.received(b'{"event":"mark","mark":{"name":"played"}}', 1.0)
    line.tick(1.01)
    line.tick(1.02)
    events = [json.loads(message) for message in sent]
    assert [event["event"] for event in events] == ["media", "mark", "media"]
    assert events[1]["mark"]["name"] == "played"
    line.received(media(g711.ULAW_SILENCE * FRAME_SAMPLES), 2.0)
    line.received(b'{"event":"mark","mark":{"name":"dropped"}}', 2.0)
    line.received(b'{"event":"clear"}', 2.001)
    assert json.loads(sent[-1])["mark"]["name"] == "dropped"


def test_what_it_says_goes_out_in_the_line_s_code() -> None:
    tone = np.full(FRAME_SAMPLES, 8_000, dtype=np.int16)
    sent = list[bytes]()
    Line(1, lambda _: tone, BurstEar().hear, sent.append).tick(0.0)
    assert json.loads(sent[0])["media"]["payload"] == b64encode(g711.encode(tone)).decode()
