"""Around every request: its id, the log's context and line, and the last resort for faults of ours. Pure ASGI.

The id is taken over from `X-Request-ID` when it is a UUID, made otherwise, and returned; it is the trace id of
problem details and log lines. Cookies that were made on the way leave with whatever answer there is.
"""

import asyncio
from typing import Final
from uuid import UUID, uuid4

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crm.problems import problem

HEADER: Final = b"x-request-id"
UNTOLD: Final = ("/health",)  # at debug only

log = structlog.get_logger()


class RequestContext:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        trace_id = _trace_id(scope)
        scope.setdefault("state", {})["trace_id"] = trace_id
        started = False
        status = 0  # until there is an answer: the client has gone

        async def send_with_id(message: Message) -> None:
            nonlocal started, status
            if message["type"] == "http.response.start":
                started, status = True, message["status"]
                headers = message.setdefault("headers", [])
                headers.append((HEADER, trace_id.encode()))
                headers += scope["state"].get("cookies", ())
                headers += scope["state"].get("limit_headers", ())
            await send(message)

        loop = asyncio.get_running_loop()
        began = loop.time()
        with structlog.contextvars.bound_contextvars(trace_id=trace_id):
            try:
                await self._app(scope, receive, send_with_id)
            except Exception as error:
                log.exception("request.failed", method=scope["method"], error=type(error).__name__)
                if started:
                    raise
                # Nothing internal goes out: a fixed title and the trace id.
                await problem("internal_error", trace_id)(scope, receive, send_with_id)
            finally:
                _tell(scope, status, round((loop.time() - began) * 1000, 1))


def _tell(scope: Scope, status: int, ms: float) -> None:
    """Log the request in one line (W12): the route as it is declared, so that no value of anybody's is in it."""
    route = getattr(scope.get("route"), "path", "")
    state = scope["state"]
    identity = state.get("identity")
    who = {"user_id": str(identity.user_id), "org_id": str(identity.org_id)} if identity is not None else {}
    if "key_id" in state:
        who["key_id"] = str(state["key_id"])
    # Machines that watch ask all the time.
    level = "debug" if route.startswith(UNTOLD) else "error" if status >= 500 else "info"
    getattr(log, level)("request.done", method=scope["method"], path=route, status=status, ms=ms, **who)


def _trace_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == HEADER:
            try:
                return str(UUID(value.decode("ascii")))
            except ValueError:
                break
    return str(uuid4())
