"""The organisation named by the path (S17): `/api/organisations/{id}/leads` is `/api/leads`, of that organisation.

Pure ASGI. The path is only what the caller says: access holds it against the header and the token.
"""

import re
from typing import Final
from uuid import UUID

from starlette.types import ASGIApp, Receive, Scope, Send

# Of the request's state.
NAMED: Final = "organisation_in_path"
_PATH: Final = re.compile(r"/api/organisations/([0-9a-fA-F-]{36})(/.+)")


class OrganisationPath:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (found := _PATH.fullmatch(scope["path"])):
            try:
                named = UUID(found[1])
            except ValueError:
                named = None  # no path of ours: 404 like any other
            if named is not None:
                # The same state as around it: what is left there goes into the answer.
                scope.setdefault("state", {})[NAMED] = named
                path = f"/api{found[2]}"
                scope = {**scope, "path": path, "raw_path": path.encode()}
        await self._app(scope, receive, send)
