"""Around every request: its id, the log's context, and the last resort for faults of ours. Pure ASGI.

The id is taken over from `X-Request-ID` when it is a UUID, made otherwise, and returned; it is the trace id of
problem details and log lines. Cookies that were made on the way leave with whatever answer there is.
"""

from typing import Final
from uuid import UUID, uuid4

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crm.problems import problem

HEADER: Final = b"x-request-id"

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

        async def send_with_id(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = message.setdefault("headers", [])
                headers.append((HEADER, trace_id.encode()))
                headers += scope["state"].get("cookies", ())
                headers += scope["state"].get("limit_headers", ())
            await send(message)

        with structlog.contextvars.bound_contextvars(trace_id=trace_id):
            try:
                await self._app(scope, receive, send_with_id)
            except Exception as error:
                log.exception("request.failed", method=scope["method"], error=type(error).__name__)
                if started:
                    raise
                # Nothing internal goes out: a fixed title and the trace id.
                await problem("internal_error", trace_id)(scope, receive, send_with_id)


def _trace_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == HEADER:
            try:
                return str(UUID(value.decode("ascii")))
            except ValueError:
                break
    return str(uuid4())
