"""The web server of a process that carries streams: webhooks and media sockets on one port."""

import contextlib
from collections.abc import Generator

import uvicorn
from fastapi import FastAPI

from telephony.http_protocol import PatientHttp
from telephony.stream_protocol import StreamProtocol
from telephony.twilio.messages import FRAME_CHARS_MAX


class StreamServer(uvicorn.Server):
    """uvicorn without its signal handlers: ours stop the calls before the web server."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


def stream_server(app: FastAPI) -> StreamServer:
    """Return a server for `app`; it is given its listening sockets when it serves."""
    return StreamServer(
        uvicorn.Config(
            app,
            http=PatientHttp,
            ws=StreamProtocol,
            ws_max_size=FRAME_CHARS_MAX,
            ws_per_message_deflate=False,
            access_log=False,
            server_header=False,
            log_config=None,
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
    )
