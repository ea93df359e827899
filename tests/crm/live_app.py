"""The CRM's web application on a real port, with its voice node and vendors, in a thread and loop of its own.

For tests that are no coroutines, such as those that a library drives.
"""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import uvicorn
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from config.settings import Settings
from crm.app import create_app
from crm.resources import Resources, open_resources
from events.wire import node_key
from tests.crm.fake_node import FakeNode

START_TIMEOUT_S: Final = 30.0
STARTING_MAX: Final = 3_000  # looks, 10 ms apart
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LiveApp:
    url: str
    app: FastAPI
    resources: Resources
    _loop: asyncio.AbstractEventLoop

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something in the application's loop, whose connections are bound to it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(START_TIMEOUT_S)


@contextmanager
def live_app(settings: Settings, config_folder: Path) -> Iterator[LiveApp]:
    """Serve until the block is left. Vendors of models and speech refuse every key."""
    started: list[LiveApp] = []
    ready, over = threading.Event(), threading.Event()

    async def serve() -> None:
        async with _listening(_refuse) as vendor:
            bases = {name: vendor for name in Settings.model_fields if name.endswith("_base_url")}
            resources = open_resources(settings.model_copy(update=bases), config_folder)
            app = create_app(settings, resources)
            node = FakeNode(resources.redis, settings.secret_key.get_secret_value())
            async with node.running(), _listening(app) as url:
                # For as long as the tests ask: what it says of itself is soon old.
                await resources.redis.persist(node_key(node.name))
                started.append(LiveApp(url, app, resources, asyncio.get_running_loop()))
                ready.set()
                await asyncio.to_thread(over.wait)
            await resources.aclose()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    assert ready.wait(START_TIMEOUT_S), "the application did not start"
    try:
        yield started[0]
    finally:
        over.set()
        thread.join(START_TIMEOUT_S)


@asynccontextmanager
async def _listening(app: Any) -> AsyncIterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, ws="none"))
    server.capture_signals = _no_signals  # type: ignore[method-assign]  # they are the main thread's
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(server.serve(sockets=[listener]))
        for _ in range(STARTING_MAX):
            if server.started or serving.done():
                break
            await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True


@contextmanager
def _no_signals() -> Iterator[None]:
    yield


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 401, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})
