"""uvicorn's HTTP protocol with an end to patience: a connection must bring a request, and a request must end.

uvicorn itself waits without limit for the first request, for the rest of one that was begun, and for its body.
What is upgraded to a websocket is no longer looked after here: streams have time-outs of their own.
"""

import asyncio
from typing import Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

# Carriers send a request in one packet, and every answer takes us milliseconds.
HANDSHAKE_TIMEOUT_S: Final = 10.0


class PatientHttp(H11Protocol):
    """One connection; it is cut when nothing has come to an end between two looks at it."""

    _watch: asyncio.TimerHandle | None = None
    _seen: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch = self.loop.call_later(HANDSHAKE_TIMEOUT_S, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._stop_watching()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self._stop_watching()
        super().handle_websocket_upgrade(event)

    def _look(self) -> None:
        if self.cycle is self._seen:
            self.transport.abort()
            return
        self._seen = self.cycle
        self._watch = self.loop.call_later(HANDSHAKE_TIMEOUT_S, self._look)

    def _stop_watching(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
