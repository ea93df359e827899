"""The prospect's leg: a Media Streams socket on one side, a room on the other.

Messages come and go by plain calls, without a task or a queue of their own. What the peer does not take in time
waits in a short line, oldest dropped first and counted: late speech is worse than lost speech.
"""

import asyncio
from collections import deque
from typing import Final, Protocol

import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from media.agent_voice import Line
from telephony.call import signals as sig
from telephony.stream_protocol import Stream, stream_of
from telephony.twilio import messages

log = structlog.get_logger()

OUTGOING_MAX: Final = 256  # messages: some fifteen seconds of speech and marks
START_TIMEOUT_S: Final = 10.0
SILENCE_TIMEOUT_S: Final = 10.0  # the carrier sends a frame each 20 ms, silence included
WATCH_EVERY_S: Final = 1.0
SEND_TIMEOUT_S: Final = 5.0  # a peer that takes nothing for so long is gone
CLOSE_TIMEOUT_S: Final = 2.0
BAD_FRAMES_MAX: Final = 100
# Fifty a second is the carrier's pace; a network that was away for half a minute delivers this many at once.
FLOOD_FRAMES: Final = 2_000


class Heard(Protocol):
    """Where a stream's sound goes: the prospect's room, or another telephone's place in it."""

    def heard(self, ulaw: bytes, at_ms: int) -> None: ...

    def marked(self, mark: str) -> None: ...


class StreamCall(Protocol):
    """What of a call its stream needs."""

    @property
    def room(self) -> Heard:
        """Asked for when the call has taken the stream."""

    def take_stream(self, line: Line) -> bool:
        """Let this stream be the call's one; False when it has one already."""

    def put(self, signal: sig.CarrierTold) -> None: ...


async def run_leg(socket: WebSocket, call: StreamCall) -> None:
    """Carry audio both ways until the carrier stops, the socket drops or the call is over."""
    leg = TwilioLeg(stream_of(socket), call)
    try:
        stopped = await leg.run()
    finally:
        if socket.application_state is WebSocketState.CONNECTED:
            try:
                async with asyncio.timeout(CLOSE_TIMEOUT_S):
                    await socket.close()
            except (TimeoutError, OSError, RuntimeError, WebSocketDisconnect):
                # RuntimeError is what Starlette raises for a socket that closed under a send.
                log.debug("leg.close_unheard")
    log.info("leg.ended", stopped=stopped)


class TwilioLeg:
    """One stream from its start message to its end. A `Taker` for the socket and a `Line` for the room."""

    def __init__(self, stream: Stream, call: StreamCall) -> None:
        self._stream = stream
        self._call = call
        self._room: Heard | None = None
        self._sid = ""
        self._refused = False
        self._waiting: deque[tuple[str, bool]] = deque(maxlen=OUTGOING_MAX)  # (message, is speech or its mark)
        self._over: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._bad = 0
        self._frames = 0  # since the last watch
        self._silent_s = 0.0
        self._blocked_s = 0.0
        self.dropped = 0  # read by metrics

    async def run(self) -> bool:
        """Carry until the end; True when the carrier said stop."""
        loop = asyncio.get_running_loop()
        starting = loop.call_later(START_TIMEOUT_S, self._end_unless_started)
        watch = loop.call_later(WATCH_EVERY_S, self._watch)
        self._watch_timer = watch
        stopped = False
        try:
            self._stream.take(self)
            stopped = await self._over
        finally:
            starting.cancel()
            self._watch_timer.cancel()
            self._end("", stopped=False)  # nothing that still arrives is taken
            if not self._refused:
                self._call.put(sig.StreamClosed(stopped, None if self._room is None else self))
        return stopped

    # From the socket

    def received(self, message: bytes) -> None:
        if self._over.done():
            return
        self._frames += 1
        try:
            event = messages.parse(message)
        except messages.BadTwilioMessage as error:
            self._count_bad(error)
            return
        if self._room is None:
            if isinstance(event, messages.Started):
                self._start(event)
        elif isinstance(event, messages.AudioArrived):
            self._room.heard(event.ulaw, event.at_ms)
        elif isinstance(event, messages.MarkPlayed):
            self._room.marked(event.name)
        elif isinstance(event, messages.Stopped):
            self._end("", stopped=True)
        elif isinstance(event, messages.KeyPressed):
            self._call.put(sig.KeyPressed(event.digit))
        # else a second start

    def writable(self) -> None:
        while self._waiting and not self._stream.blocked:
            self._stream.say(self._waiting.popleft()[0])

    def lost(self) -> None:
        self._end("socket_lost", stopped=False)

    # From the room

    def play(self, ulaw: bytes, mark: str | None) -> None:
        if ulaw:
            self._say(messages.media(self._sid, ulaw), speech=True)
        if mark is not None:
            self._say(messages.mark(self._sid, mark), speech=True)

    def clear(self) -> None:
        # Speech that has not left yet must not follow the clear.
        kept = [item for item in self._waiting if not item[1]]
        self._waiting.clear()
        self._waiting.extend(kept)
        self._say(messages.clear(self._sid), speech=False)

    def close(self) -> None:
        self._end("", stopped=False)

    def _start(self, event: messages.Started) -> None:
        if not self._call.take_stream(self):
            # Nobody listens to it, and its end is not the call's.
            self._refused = True
            self._end("second_stream", stopped=False)
            return
        self._sid = event.stream_sid
        self._call.put(sig.StreamOpened(self))
        self._room = self._call.room

    def _say(self, message: str, *, speech: bool) -> None:
        if not self._waiting and not self._stream.blocked:
            self._stream.say(message)
            return
        if len(self._waiting) == self._waiting.maxlen:
            self.dropped += 1
        self._waiting.append((message, speech))

    def _end(self, reason: str, *, stopped: bool) -> None:
        if not self._over.done():
            self._over.set_result(stopped)
            if reason:
                log.info("leg.lost", reason=reason)

    # What must not go on for ever

    def _end_unless_started(self) -> None:
        if self._room is None:
            self._end("no_start", stopped=False)

    def _watch(self) -> None:
        """Look after the stream once a second: one timer, where one for each frame would cost a twentieth."""
        self._silent_s = 0.0 if self._frames else self._silent_s + WATCH_EVERY_S
        self._blocked_s = self._blocked_s + WATCH_EVERY_S if self._stream.blocked else 0.0
        if self._frames > FLOOD_FRAMES:
            log.warning("leg.hostile", reason="flood", frames=self._frames)
            self._end("hostile", stopped=False)
        elif self._silent_s >= SILENCE_TIMEOUT_S:
            self._end("silent", stopped=False)
        elif self._blocked_s >= SEND_TIMEOUT_S:
            self._end("blocked", stopped=False)
        else:
            self._frames = 0
            self._watch_timer = asyncio.get_running_loop().call_later(WATCH_EVERY_S, self._watch)

    def _count_bad(self, error: messages.BadTwilioMessage) -> None:
        if self._bad == 0:
            log.warning("leg.bad_frame", reason=str(error))
        self._bad += 1
        if self._bad > BAD_FRAMES_MAX:
            log.warning("leg.hostile", reason="too many bad frames")
            self._end("hostile", stopped=False)
