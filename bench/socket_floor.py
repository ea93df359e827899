"""The least that a call costs on this machine: the product's own socket and parser, an answer, and nothing else.

`python -m bench.socket_floor --core N` serves streams on loopback until SIGTERM. Each message is parsed, and for every
fifth frame a packet of 100 ms of silence goes back. No room, no voice activity, no call, no Redis: what `load` shows
beyond it is the product's.
"""

import asyncio
import json
import os
import signal
import socket
import sys
from typing import Annotated, Final

import typer
import uvloop
from fastapi import FastAPI, WebSocket

from media.codec import g711
from media.frame import FRAME_SAMPLES
from telephony.stream_protocol import Stream, stream_of
from telephony.twilio import messages
from telephony.web_server import stream_server

FRAMES_A_PACKET: Final = 5
_PACKET: Final = g711.ULAW_SILENCE * (FRAMES_A_PACKET * FRAME_SAMPLES)
_HOST: Final = "127.0.0.1"


class Answering:
    """Implements `Taker`: answers what it hears with silence."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._sid = ""
        self._frames = 0
        self.over = asyncio.Event()

    def received(self, message: bytes) -> None:
        match messages.parse(message):
            case messages.AudioArrived():
                self._frames += 1
                if self._frames % FRAMES_A_PACKET == 0 and not self._stream.blocked:
                    self._stream.say(messages.media(self._sid, _PACKET))
            case messages.Started(stream_sid=sid):
                self._sid = sid
            case messages.Stopped():
                self.over.set()
            case _:
                pass

    def writable(self) -> None: ...

    def lost(self) -> None:
        self.over.set()


def web() -> FastAPI:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    @app.websocket("/stream")
    async def stream(accepted: WebSocket) -> None:
        await accepted.accept()
        taken = stream_of(accepted)
        answering = Answering(taken)
        taken.take(answering)
        await answering.over.wait()

    return app


async def serve() -> None:
    """Serve until SIGTERM or SIGINT; prints one line of JSON when it is ready."""
    server = stream_server(web())

    def stop() -> None:
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    listener = socket.create_server((_HOST, 0), backlog=1024)
    # Who connects before the server takes connections waits in the backlog.
    url = f"ws://{_HOST}:{listener.getsockname()[1]}/stream"
    sys.stdout.write(json.dumps({"pid": os.getpid(), "stream_url": url}) + "\n")
    sys.stdout.flush()
    await server.serve(sockets=[listener])


def main(core: Annotated[int, typer.Option(help="Pin the process to this core; -1: to none.")] = -1) -> None:
    if core >= 0:
        os.sched_setaffinity(0, {core})
    uvloop.run(serve())


if __name__ == "__main__":
    typer.run(main)
