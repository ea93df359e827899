"""Writes down, after each answer, what belongs into the audit log (S18). Pure ASGI, inside RequestContext.

Who asked is what access found out; a request of nobody we know has no organisation to be written down for, and stands
in the log of requests only.
"""

from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crm.audit.changes import collected
from crm.audit.journal import Journal
from crm.audit.rules import BODY_BYTES_MAX, is_told, may_be_told, told_of
from crm.database import utc_now
from events.ids import new_id


class Trail:
    def __init__(self, app: ASGIApp, journal: Journal) -> None:
        self._app = app
        self._journal = journal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, body = 0, bytearray()
        keeps_body = may_be_told(scope["method"], scope["path"])

        async def receive_kept() -> Message:
            message = await receive()
            if len(body) <= BODY_BYTES_MAX:
                body.extend(message.get("body", b""))
            return message

        async def send_watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        changes: list[dict[str, Any]] = []
        if keeps_body:
            with collected() as changes:
                await self._app(scope, receive_kept, send_watched)
        else:
            await self._app(scope, receive, send_watched)
        self._write(scope, status, bytes(body), changes)

    def _write(self, scope: Scope, status: int, body: bytes, changes: list[dict[str, Any]]) -> None:
        state = scope.get("state", {})
        identity = state.get("identity")
        route = getattr(scope.get("route"), "path", "")
        if identity is None or not status or not is_told(scope["method"], route, status):
            return
        client = scope.get("client")
        self._journal.append(
            {
                "org_id": identity.org_id,
                "id": new_id(),
                "at": utc_now().isoformat(),
                "user_id": identity.user_id,
                "key_id": state.get("key_id"),
                "action": f"{scope['method']} {route}",
                "status": status,
                "target": {name: str(value)[:200] for name, value in scope.get("path_params", {}).items()},
                "asked": told_of(body, route),
                "changes": changes,
                "address": client[0] if client else "",
                "agent": _printable(Headers(scope=scope).get("user-agent", "")),
                "request_id": str(state.get("trace_id", "")),
            }
        )


def _printable(text: str) -> str:
    return "".join(char for char in text[:200] if char.isprintable())
