"""Which other sites' pages may use the API in a browser (S20): an exact list, asked before any work. Pure ASGI.

A request of a page names the page's origin. Our own and those listed are served; any other is refused, and a preflight
with it. Programs name no origin, and need none but where a session's cookie is all that they show: then none is
refused too. What proves itself otherwise is not asked for one: API keys, which no browser holds,
health, links to recordings, and what our own processes say to one another.
"""

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crm.identity.cookies import ACCESS, REFRESH
from crm.keys.secret import MARK
from crm.problems import problem

PREFLIGHT_S: Final = 86_400
EXEMPT: Final = ("/health", "/internal/", "/recordings/")
UNNAMED: Final = "a session's cookie alone changes nothing: send the page's Origin, or a token in Authorization"
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
METHODS: Final = "GET, POST, PUT, PATCH, DELETE"
# What pages may send, and see, beyond what browsers let them anyway.
SENT: Final = "Authorization, Content-Type, Idempotency-Key, If-Match, Last-Event-ID, X-Request-ID, X-Tenant-ID"
SEEN: Final = (
    "ETag, Retry-After, X-Request-ID, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset,"
    " X-RateLimit-Retry-After"
)


class Origins:
    """`allowed`: scheme, host and port if it is not the scheme's own, as browsers write it: https://app.example.com."""

    def __init__(self, app: ASGIApp, allowed: Iterable[str]) -> None:
        self._app = app
        self._allowed = frozenset(allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        origin = headers.get("origin")
        if _is_exempt(scope.get("path", ""), headers):
            await self._app(scope, receive, send)
            return
        if origin is None:
            refused = _is_of_a_browser(scope, headers)
        else:
            refused = origin not in self._allowed and not _is_own(origin, headers)
        if refused:
            trace_id = str(scope.get("state", {}).get("trace_id", ""))
            details = {} if origin is not None else {"fault": UNNAMED}
            await problem("origin_not_allowed", trace_id, details)(scope, receive, send)
            return
        if origin is None or _is_own(origin, headers):
            await self._app(scope, receive, send)
            return
        if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            answer = Response(status_code=204, headers=_preflight())
            await answer(scope, receive, _naming(origin, send))
            return
        await self._app(scope, receive, _naming(origin, send))


def _is_exempt(path: str, headers: Headers) -> bool:
    return path.startswith(EXEMPT) or headers.get("authorization", "").lower().startswith(f"bearer {MARK}")


def _is_of_a_browser(scope: Scope, headers: Headers) -> bool:
    """Say whether a request may change something by a session's cookie alone: browsers name the origin of such."""
    if scope["type"] != "http" or scope["method"] in SAFE or "authorization" in headers:
        return False
    given = cookie_parser(headers.get("cookie", ""))
    return ACCESS in given or REFRESH in given


def _is_own(origin: str, headers: Headers) -> bool:
    return bool(urlsplit(origin).netloc) and urlsplit(origin).netloc == headers.get("host")


def _preflight() -> dict[str, str]:
    return {
        "Access-Control-Allow-Methods": METHODS,
        "Access-Control-Allow-Headers": SENT,
        "Access-Control-Max-Age": str(PREFLIGHT_S),
    }


def _naming(origin: str, send: Send) -> Send:
    """Let the origin's page read the answer; caches keep it for that origin only."""

    async def send_named(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Allow-Credentials"] = "true"
            headers["Access-Control-Expose-Headers"] = SEEN
            headers.add_vary_header("Origin")
        await send(message)

    return send_named
