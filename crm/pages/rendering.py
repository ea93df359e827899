"""How pages are rendered: their templates, the headers that keep them to themselves, and whose forms are taken."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.responses import HTMLResponse
from starlette.templating import Jinja2Templates

from crm.pages.view import as_clock, as_credits, as_words, split_heard
from crm.refusals import Refusal

HERE: Final = Path(__file__).parent
HEADERS: Final = {
    # With no-referrer browsers send forms with "Origin: null", and nobody could sign in.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class ForeignForm(Refusal):
    """The form was sent from another site's page."""

    def __init__(self) -> None:
        super().__init__("forbidden")


def own_origin(request: Request) -> None:
    """Raises ForeignForm. Browsers name the origin of every form they send."""
    if urlsplit(request.headers.get("origin", "")).netloc != request.headers.get("host"):
        raise ForeignForm


def render(
    request: Request, template: str, context: dict[str, Any], status: int = 200, connects: Sequence[str] = ()
) -> HTMLResponse:
    """Return a page. `connects`: origins other than our own that its scripts may connect to."""
    headers = HEADERS | {"Content-Security-Policy": _policy(connects)}
    return _templates.TemplateResponse(request, template, context, status_code=status, headers=headers)


def _policy(connects: Sequence[str]) -> str:
    own = "'self'"
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self';"
        f" connect-src {' '.join((own, *connects))}; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )


_templates = Jinja2Templates(HERE / "templates")
_templates.env.filters |= {"credits": as_credits, "clock": as_clock, "words": as_words}
_templates.env.globals["split_heard"] = split_heard
