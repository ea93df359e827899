"""A leg against a peer that floods, falls silent, stalls or lies."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Sequence
from typing import Any, cast

import pytest

from media.activity.detector import VoiceSignal
from media.activity.silero import Silero
from media.agent_voice import Line
from media.room import Room
from telephony.call import signals as sig
from telephony.stream_protocol import Taker
from telephony.twilio import leg, messages
from telephony.twilio.leg import TwilioLeg
from tests.telephony.twilio.test_messages import MEDIA, START


class NoEar:
    def on_audio(self, pcm: bytes, ulaw: bytes) -> None: ...
    def on_voice(self, signal: VoiceSignal) -> None: ...
    def on_sent(self, at_ms: int) -> None: ...
    def on_playing(self, from_ms: int) -> None: ...
    def on_played_out(self) -> None: ...


class Call:
    """Keeps the signals that the leg gives."""

    def __init__(self) -> None:
        self.room = Room(Silero(), None, NoEar(), lambda: asyncio.get_running_loop().time() * 1000)
        self.signals: list[sig.CallSignal] = []
        self.line: Line | None = None

    def take_stream(self, line: Line) -> bool:
        if self.line is not None:
            return False
        self.line = line
        return True

    def put(self, signal: sig.CallSignal) -> None:
        self.signals.append(signal)


class Peer:
    """Implements `Stream`: the test speaks for the socket, and keeps what is sent."""

    def __init__(self, early: Sequence[str] = ()) -> None:
        self._early = early
        self._taker: Taker | None = None
        self.sent: list[str] = []
        self.blocked = False

    def take(self, taker: Taker) -> None:
        self._taker = taker
        self.send(*self._early)

    def send(self, *messages: str) -> None:
        assert self._taker is not None
        for message in messages:
            self._taker.received(message.encode())

    def say(self, text: str) -> None:
        self.sent.append(text)

    def drop(self) -> None:
        assert self._taker is not None
        self._taker.lost()

    def read_again(self) -> None:
        assert self._taker is not None
        self.blocked = False
        self._taker.writable()


async def run(*messages: str) -> Call:
    """Send all at once and wait for the leg's end."""
    call = Call()
    async with asyncio.timeout(10):
        await TwilioLeg(Peer(messages), call).run()
    return call


@contextlib.asynccontextmanager
async def started() -> AsyncGenerator[tuple[TwilioLeg, Peer, Call, asyncio.Task[bool]]]:
    """A leg whose stream has started. It must have ended when the context is left."""
    peer, call = Peer([json.dumps(START)]), Call()
    line = TwilioLeg(peer, call)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(line.run())
        await asyncio.sleep(0)
        yield line, peer, call, running


def media(number: int) -> str:
    body = {**cast(dict[str, Any], MEDIA["media"]), "timestamp": str(number * 20)}
    return json.dumps({**MEDIA, "sequenceNumber": str(number + 2), "media": body})


STOP = json.dumps({"event": "stop", "stop": {"callSid": "CA1"}})


async def test_a_whole_stream_ends_with_stop() -> None:
    call = await run(json.dumps(START), *(media(n) for n in range(50)), STOP, media(50))
    assert [type(signal) for signal in call.signals] == [sig.StreamOpened, sig.StreamClosed]
    assert call.signals[-1] == sig.StreamClosed(stopped=True, line=call.line)
    assert call.room.frames == 50, "what follows the stop is nobody's"


async def test_a_carrier_that_falls_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leg, "SILENCE_TIMEOUT_S", 0.2)
    monkeypatch.setattr(leg, "WATCH_EVERY_S", 0.05)
    async with started() as (_, peer, call, running):
        for number in range(40):
            peer.send(media(number))
            await asyncio.sleep(0.01)
        assert not running.done(), "it is not given up while frames come"
        assert await running is False
        assert call.room.frames == 40


async def test_a_peer_that_never_starts_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leg, "START_TIMEOUT_S", 0.05)
    call = await run('{"event":"connected"}', media(0))
    assert call.signals == [sig.StreamClosed(stopped=False)]
    assert call.room.frames == 0


async def test_a_second_stream_of_a_call_is_let_go_and_changes_nothing() -> None:
    async with started() as (_, peer, call, running):
        assert await TwilioLeg(Peer([json.dumps(START), media(7), STOP]), call).run() is False
        peer.send(media(0))
        assert call.room.frames == 1, "the other's audio is nobody's"
        assert not any(isinstance(signal, sig.StreamClosed) for signal in call.signals)
        peer.drop()
        await running


async def test_a_socket_that_drops_ends_the_leg() -> None:
    async with started() as (_, peer, call, running):
        peer.drop()
        assert await running is False
        assert call.signals[-1] == sig.StreamClosed(stopped=False, line=call.line)


async def test_a_few_bad_frames_are_ignored_and_many_end_the_stream() -> None:
    few = ["{", "null", '{"event":"media"}'] * 10
    call = await run(json.dumps(START), *few, media(0), STOP)
    assert call.signals[-1] == sig.StreamClosed(stopped=True, line=call.line)
    assert call.room.frames == 1
    call = await run(json.dumps(START), *["{"] * (leg.BAD_FRAMES_MAX + 1), STOP)
    assert call.signals[-1] == sig.StreamClosed(stopped=False, line=call.line)


async def test_a_flood_of_good_frames_ends_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leg, "WATCH_EVERY_S", 0.05)
    call = await run(json.dumps(START), *[media(0)] * (leg.FLOOD_FRAMES + 1))
    assert call.signals[-1] == sig.StreamClosed(stopped=False, line=call.line)


async def test_what_the_peer_does_not_take_is_dropped_oldest_first() -> None:
    async with started() as (line, peer, _, running):
        peer.blocked = True
        for number in range(leg.OUTGOING_MAX):
            line.play(bytes([number % 256]), f"0:{number}")
        assert line.dropped == leg.OUTGOING_MAX
        assert peer.sent == []
        peer.read_again()
        assert peer.sent[0] == messages.media(START_SID, bytes([leg.OUTGOING_MAX // 2]))
        assert len(peer.sent) == leg.OUTGOING_MAX
        line.play(b"\x01", "0:900")
        assert peer.sent[-1] == messages.mark(START_SID, "0:900"), "and then it flows again"
        peer.drop()
        await running


async def test_a_peer_that_takes_nothing_for_long_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leg, "WATCH_EVERY_S", 0.02)
    monkeypatch.setattr(leg, "SEND_TIMEOUT_S", 0.1)
    async with started() as (_, peer, _, running):
        peer.blocked = True
        number = 0
        async with asyncio.timeout(5):
            while not running.done():
                peer.send(media(number := number + 1))
                await asyncio.sleep(0.005)
        assert await running is False


async def test_speech_that_has_not_left_does_not_follow_a_clear() -> None:
    async with started() as (line, peer, _, running):
        peer.blocked = True
        line.play(b"\x01", "0:1")
        line.clear()
        line.play(b"\x02", "1:2")
        peer.read_again()
        assert peer.sent == [
            messages.clear(START_SID),
            messages.media(START_SID, b"\x02"),
            messages.mark(START_SID, "1:2"),
        ]
        line.close()
        assert await running is False


START_SID = str(cast(dict[str, Any], START["start"])["streamSid"])
