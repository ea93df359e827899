"""A form that the carrier posts to us, let in when its signature is right; and a document in answer."""

from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from fastapi import HTTPException, Request, Response

from telephony.twilio.signature import HEADER, SignatureCheck

log = structlog.get_logger()

FORM_FIELDS_MAX: Final = 100


def signed_form(check: SignatureCheck) -> Callable[[Request], Awaitable[dict[str, str]]]:
    """Return what a route depends on to get the form's fields; a forged one is answered with 403."""

    async def read(request: Request) -> dict[str, str]:
        async with request.form(max_fields=FORM_FIELDS_MAX, max_files=0) as form:
            fields = {key: str(value) for key, value in form.items()}
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        if not check.webhook(path, dict(fields), request.headers.get(HEADER)):
            log.warning("webhook.forged", path=request.url.path)
            raise HTTPException(403, "signature missing or wrong")
        return fields

    return read


def xml(document: str) -> Response:
    return Response(document, media_type="text/xml")
