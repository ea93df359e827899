"""Who looks at a page: somebody who is signed in by the pages' cookie. Others are led to the sign-in page."""

from typing import Annotated

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import RedirectResponse

from crm.access import Held, guard, person_by_cookie
from crm.identity.sessions import NotSignedIn
from crm.identity.tokens import Identity


class NeedsSignIn(Exception):
    """A page was asked for without a session."""


@guard
async def _visitor(request: Request, held: Held) -> Identity:
    try:
        return await person_by_cookie(request, held)
    except NotSignedIn:
        raise NeedsSignIn from None


Visitor = Annotated[Identity, Depends(_visitor)]


def add_way_to_sign_in(app: FastAPI) -> None:
    app.add_exception_handler(NeedsSignIn, _to_sign_in)


async def _to_sign_in(_request: Request, _error: Exception) -> Response:
    return RedirectResponse("/sign-in", 303)
