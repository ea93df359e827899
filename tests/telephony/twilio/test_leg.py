"""A leg against a socket that floods, falls silent, stalls or lies."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any, cast

import pytest
from starlette.websockets import WebSocket, WebSocketState

from media.activity.detector import VoiceSignal
from media.activity.silero import Silero
from media.codec.g711 import Samples
from media.room import Room
from telephony.call import signals as sig
from telephony.twilio import leg, messages
from telephony.twilio.leg import TwilioLine, run_leg
from tests.telephony.twilio.test_messages import MEDIA, START


class NoEar:
    def on_audio(self, pcm: Samples) -> None: ...
    def on_voice(self, signal: VoiceSignal) -> None: ...
    def on_sent(self, at_ms: int) -> None: ...
    def on_playing(self, from_ms: int) -> None: ...
    def on_played_out(self) -> None: ...


class Call:
    """Keeps the signals that the leg gives."""

    def __init__(self) -> None:
        self.room = Room(Silero(), None, NoEar(), lambda: asyncio.get_running_loop().time() * 1000)
        self.signals: list[sig.CallSignal] = []

    def put(self, signal: sig.CallSignal) -> None:
        self.signals.append(signal)


class ScriptedSocket:
    """Plays frames, each after a pause, then says nothing more; records what is sent."""

    application_state = WebSocketState.CONNECTED

    def __init__(self, frames: Sequence[str], pause_s: float = 0.0) -> None:
        self._frames = list(frames)
        self._pause_s = pause_s
        self.sent: list[str] = []
        self.closed = False

    async def receive(self) -> dict[str, Any]:
        if not self._frames:
            await asyncio.Event().wait()
        await asyncio.sleep(self._pause_s)
        return {"type": "websocket.receive", "text": self._frames.pop(0)}

    async def send_text(self, frame: str) -> None:
        self.sent.append(frame)

    async def close(self) -> None:
        self.closed = True


async def run(frames: Sequence[str], pause_s: float = 0.0) -> tuple[Call, ScriptedSocket]:
    call, socket = Call(), ScriptedSocket(frames, pause_s)
    async with asyncio.timeout(10):
        await run_leg(cast(WebSocket, socket), call)
    return call, socket


def media(number: int) -> str:
    body = {**cast(dict[str, Any], MEDIA["media"]), "timestamp": str(number * 20)}
    return json.dumps({**MEDIA, "sequenceNumber": str(number + 2), "media": body})


STOP = json.dumps({"event": "stop", "stop": {"callSid": "CA1"}})


async def test_a_whole_stream_ends_with_stop() -> None:
    call, socket = await run([json.dumps(START), *(media(n) for n in range(50)), STOP])
    assert [type(signal) for signal in call.signals] == [sig.StreamOpened, sig.StreamClosed]
    assert call.signals[-1] == sig.StreamClosed(stopped=True)
    assert call.room.frames == 50
    assert socket.closed


async def test_a_carrier_that_falls_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leg, "SILENCE_TIMEOUT_S", 0.2)
    monkeypatch.setattr(leg, "WIND_EVERY_S", 0.02)
    call, _ = await run([json.dumps(START), *(media(n) for n in range(40))], pause_s=0.01)
    assert call.room.frames == 40, "it is not given up while frames come"
    assert call.signals[-1] == sig.StreamClosed(stopped=False)


async def test_a_peer_that_never_starts_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leg, "START_TIMEOUT_S", 0.05)
    call, _ = await run(['{"event":"connected"}'])
    assert call.signals == [sig.StreamClosed(stopped=False)]


async def test_a_few_bad_frames_are_ignored_and_a_flood_ends_the_stream() -> None:
    few = ["{", "null", '{"event":"media"}'] * 10
    call, _ = await run([json.dumps(START), *few, media(0), STOP])
    assert call.signals[-1] == sig.StreamClosed(stopped=True)
    assert call.room.frames == 1
    call, _ = await run([json.dumps(START), *["{"] * (leg.BAD_FRAMES_MAX + 1), STOP])
    assert call.signals[-1] == sig.StreamClosed(stopped=False)


async def test_what_the_peer_does_not_take_is_dropped_oldest_first() -> None:
    line = TwilioLine("MZ1")
    for number in range(leg.OUTGOING_MAX):
        line.play(bytes([number % 256]), f"0:{number}")
    assert line.dropped == leg.OUTGOING_MAX
    first = await line.next()
    assert first == messages.media("MZ1", bytes([leg.OUTGOING_MAX // 2]))


async def test_speech_that_has_not_left_does_not_follow_a_clear() -> None:
    line = TwilioLine("MZ1")
    line.play(b"\x01", "0:1")
    line.clear()
    line.play(b"\x02", "1:2")
    line.close()
    sent = [frame async for frame in _all(line)]
    assert sent == [messages.clear("MZ1"), messages.media("MZ1", b"\x02"), messages.mark("MZ1", "1:2")]


async def _all(line: TwilioLine) -> Any:
    while (frame := await line.next()) is not None:
        yield frame
