"""The prospect's leg: a Media Streams socket on one side, a room on the other.

One task reads and hands frames on by plain calls; one writes. What the peer does not take in time is dropped, oldest
first, and counted: late speech is worse than lost speech.
"""

import asyncio
from collections import deque
from typing import Final, Protocol

import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from media.room import Room
from telephony.call import signals as sig
from telephony.twilio import messages

log = structlog.get_logger()

OUTGOING_MAX: Final = 256  # frames: some fifteen seconds of speech and marks
START_TIMEOUT_S: Final = 10.0
SILENCE_TIMEOUT_S: Final = 10.0  # the carrier sends a frame each 20 ms, silence included
WIND_EVERY_S: Final = 1.0
SEND_TIMEOUT_S: Final = 5.0  # a peer that takes nothing for so long is gone
CLOSE_TIMEOUT_S: Final = 2.0
BAD_FRAMES_MAX: Final = 100


class StreamCall(Protocol):
    """What of a call its stream needs."""

    @property
    def room(self) -> Room: ...

    def put(self, signal: sig.CallSignal) -> None: ...


class TwilioLine:
    """The way to the carrier: frames wait here for the writing task."""

    def __init__(self, stream_sid: str) -> None:
        self._stream_sid = stream_sid
        self._frames: deque[tuple[str, bool]] = deque(maxlen=OUTGOING_MAX)  # (frame, is speech or its mark)
        self._filled = asyncio.Event()
        self._closed = False
        self.dropped = 0  # read by metrics

    def play(self, ulaw: bytes, mark: str) -> None:
        self._put(messages.media(self._stream_sid, ulaw), speech=True)
        self._put(messages.mark(self._stream_sid, mark), speech=True)

    def clear(self) -> None:
        # Speech that has not left yet must not follow the clear.
        kept = [item for item in self._frames if not item[1]]
        self._frames.clear()
        self._frames.extend(kept)
        self._put(messages.clear(self._stream_sid), speech=False)

    def close(self) -> None:
        self._closed = True
        self._filled.set()

    def _put(self, frame: str, *, speech: bool) -> None:
        if len(self._frames) == self._frames.maxlen:
            self.dropped += 1
        self._frames.append((frame, speech))
        self._filled.set()

    async def next(self) -> str | None:
        """Return the next frame; None once closed and empty."""
        while not self._frames:
            if self._closed:
                return None
            self._filled.clear()
            await self._filled.wait()
        return self._frames.popleft()[0]


async def run_leg(socket: WebSocket, call: StreamCall) -> None:
    """Carry audio both ways until the carrier stops, the socket drops or the call is over."""
    stopped = False
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            line = TwilioLine((await _started(socket)).stream_sid)
        call.put(sig.StreamOpened(line))
        async with asyncio.TaskGroup() as tasks:
            saying = tasks.create_task(_say(socket, line), name="twilio.say")
            stopped = await _hear(socket, call)
            saying.cancel()
    except* (TimeoutError, WebSocketDisconnect, OSError, RuntimeError) as group:
        # RuntimeError is what Starlette raises for a socket that closed under a send.
        log.info("leg.lost", reason=type(group.exceptions[0]).__name__)
    except* _Hostile as group:
        log.warning("leg.hostile", reason=str(group.exceptions[0]))
    finally:
        call.put(sig.StreamClosed(stopped))
        if socket.application_state is WebSocketState.CONNECTED:
            try:
                async with asyncio.timeout(CLOSE_TIMEOUT_S):
                    await socket.close()
            except (TimeoutError, OSError, RuntimeError, WebSocketDisconnect):
                log.debug("leg.close_unheard")
    log.info("leg.ended", stopped=stopped)


async def _started(socket: WebSocket) -> messages.Started:
    bad = 0
    while True:
        try:
            event = messages.parse(await _receive(socket))
        except messages.BadTwilioMessage as error:
            bad = _count_bad(bad, error)
            continue
        if isinstance(event, messages.Started):
            return event


async def _hear(socket: WebSocket, call: StreamCall) -> bool:
    """Hand frames on; True when the carrier said stop, False when our side closed."""
    bad = 0
    room = call.room
    now = asyncio.get_running_loop().time
    wound_at = now()
    # One time-out, wound up once a second: one for each frame would cost a twentieth of the loop's time.
    async with asyncio.timeout(SILENCE_TIMEOUT_S) as watchdog:
        while True:
            frame = await _receive(socket)
            if now() - wound_at > WIND_EVERY_S:
                wound_at = now()
                watchdog.reschedule(wound_at + SILENCE_TIMEOUT_S)
            try:
                event = messages.parse(frame)
            except messages.BadTwilioMessage as error:
                bad = _count_bad(bad, error)
                continue
            match event:
                case messages.AudioArrived(ulaw=ulaw, at_ms=at_ms):
                    room.heard(ulaw, at_ms)
                case messages.MarkPlayed(name=name):
                    room.marked(name)
                case messages.Stopped():
                    return True
                case _:
                    pass  # a second start, a key: nobody asks for them yet


async def _say(socket: WebSocket, line: TwilioLine) -> None:
    while (frame := await line.next()) is not None:
        # A stalled peer shows up as drops in the line, then ends the leg here.
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await socket.send_text(frame)
    async with asyncio.timeout(CLOSE_TIMEOUT_S):
        await socket.close()


async def _receive(socket: WebSocket) -> str | bytes:
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1006))
    text: str | bytes = message.get("text") or message.get("bytes") or ""
    return text


class _Hostile(Exception):
    """More bad frames than any fault explains."""


def _count_bad(bad: int, error: messages.BadTwilioMessage) -> int:
    if bad == 0:
        log.warning("leg.bad_frame", reason=str(error))
    if bad >= BAD_FRAMES_MAX:
        raise _Hostile("too many bad frames")
    return bad + 1
