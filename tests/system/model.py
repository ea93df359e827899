"""A model's server on loopback that speaks OpenAI's form, in a thread of its own, for the one running system."""

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bench.providers.chat_script import Answer, InTurn
from bench.providers.chat_server import ChatServer
from bench.providers.openai_chat import OpenAIChat

START_S: Final = 10.0
WAIT_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Model:
    server: ChatServer

    def answers(self, *answers: Answer) -> None:
        """Give these from now on, one after another, the last one for ever."""
        self.server.script = InTurn(answers)

    @property
    def asked(self) -> Sequence[str]:
        """What the model was asked for, each request as text."""
        return [json.dumps(seen.body) for seen in self.server.seen if seen.method == "POST"]

    def wait_for(self, words: str, after: int) -> str:
        """Return the first request behind so many that holds the words."""
        deadline = time.monotonic() + WAIT_S
        while True:
            for request in self.asked[after:]:
                if words in request:
                    return request
            assert time.monotonic() < deadline, f"no request holds {words!r}"
            time.sleep(0.1)


@contextlib.contextmanager
def serve_model() -> Iterator[Model]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="model")
    thread.start()
    try:
        server = ChatServer(OpenAIChat(), InTurn((Answer(("Yes.",)),)))
        asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(START_S)
        yield Model(server)
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(START_S)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(START_S)
        loop.close()
