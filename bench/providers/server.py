"""Speech and language providers that answer at once, behind real sockets on loopback, in the vendors' wire forms.

Listening is a WebSocket as Deepgram's (binary audio in, `Finalize`, `Results` out), thinking a streamed chat completion
as OpenAI's (server-sent events), speaking a streamed body of JSON lines as ElevenLabs' with timestamps. What they say
is bench/fakes.py's, so that the difference to it is the network hop and the forms.

`python -m bench.providers.server` prints its address as one line of JSON and serves until SIGTERM.
"""

import asyncio
import json
import socket
import sys
from base64 import b64encode
from collections.abc import AsyncGenerator, Callable
from typing import Any, Final

import uvicorn
import uvloop
from fastapi import FastAPI, WebSocket
from fastapi.responses import StreamingResponse
from starlette.websockets import WebSocketDisconnect

from bench.fakes import ANSWER, HEARD, TONE, TONE_MS, spread_words
from media.frame import RATE_HZ

HOST: Final = "127.0.0.1"
SILENT_TIMEOUT_S: Final = 600.0  # a call may be silent for long; its socket goes with it


def web() -> FastAPI:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    @app.websocket("/v1/listen")
    async def listen(socket_: WebSocket) -> None:
        await socket_.accept()
        fed_bytes = 0
        try:
            while True:
                async with asyncio.timeout(SILENT_TIMEOUT_S):
                    message = await socket_.receive()
                if message["type"] == "websocket.disconnect":
                    return
                if message.get("bytes") is not None:
                    fed_bytes += len(message["bytes"])
                    continue
                match json.loads(message["text"]):
                    case {"type": "Finalize"}:
                        await socket_.send_text(json.dumps(_results(fed_bytes)))
                        fed_bytes = 0
                    case {"type": "CloseStream"}:
                        await socket_.close()
                        return
        except (WebSocketDisconnect, TimeoutError):
            return

    @app.post("/v1/chat/completions")
    async def think() -> StreamingResponse:
        return StreamingResponse(_completion(), media_type="text/event-stream")

    @app.post("/v1/text-to-speech/{voice}/stream/with-timestamps")
    async def speak(voice: str, body: dict[str, Any]) -> StreamingResponse:
        return StreamingResponse(_speech(str(body["text"])), media_type="application/json")

    return app


def _results(fed_bytes: int) -> dict[str, Any]:
    heard_ms = fed_bytes * 1000 // (2 * RATE_HZ)
    words = [
        {"word": word.text, "start": word.start_ms / 1000, "end": word.end_ms / 1000, "confidence": 1.0}
        for word in (spread_words(HEARD, heard_ms) if heard_ms else ())
    ]
    alternative = {"transcript": HEARD if heard_ms else "", "confidence": 1.0, "words": words}
    return {"type": "Results", "is_final": True, "from_finalize": True, "channel": {"alternatives": [alternative]}}


async def _completion() -> AsyncGenerator[str, None]:
    piece = {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": ANSWER}}]}
    usage = {"object": "chat.completion.chunk", "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 12}}
    yield f"data: {json.dumps(piece)}\n\n"
    yield f"data: {json.dumps(usage)}\n\n"
    yield "data: [DONE]\n\n"


async def _speech(text: str) -> AsyncGenerator[str, None]:
    """One piece with the whole tone: characters and when each begins and ends."""
    step_s = TONE_MS / 1000 / max(1, len(text))
    alignment = {
        "characters": list(text),
        "character_start_times_seconds": [index * step_s for index in range(len(text))],
        "character_end_times_seconds": [(index + 1) * step_s for index in range(len(text))],
    }
    yield json.dumps({"audio_base64": b64encode(TONE).decode(), "alignment": alignment}) + "\n"


def serve(announce: Callable[[str], None]) -> None:
    listener = socket.create_server((HOST, 0), backlog=1024)
    announce(f"http://{HOST}:{listener.getsockname()[1]}")
    config = uvicorn.Config(web(), ws="websockets-sansio", access_log=False, log_level="warning", lifespan="off")
    uvloop.run(uvicorn.Server(config).serve(sockets=[listener]))


if __name__ == "__main__":

    def _say(url: str) -> None:
        sys.stdout.write(json.dumps({"url": url}) + "\n")
        sys.stdout.flush()

    serve(_say)
