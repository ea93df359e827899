"""Links to an export's files, good until the files are deleted: who has one needs nothing else. Sans-I/O.

Signed by us and not by the store, so that every kind of store works and each download is counted.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

import jwt

from crm.refusals import Refusal

_ALGORITHM: Final = "HS256"
_AUDIENCE: Final = "salesos.export"


class ExportNotFound(Refusal):
    """No such export or file, or a link that is expired or altered: which one is not told."""

    def __init__(self) -> None:
        super().__init__("export_not_found")


def link_of(org_id: UUID, export_id: UUID, number: int, until: datetime, key: str) -> str:
    """Return the path of the link to a file, the first of them 0."""
    claims = {"aud": _AUDIENCE, "exp": until, "org": str(org_id), "export": str(export_id), "file": number}
    return "/exports/" + jwt.encode(claims, key, algorithm=_ALGORITHM)


def read_link(token: str, key: str) -> tuple[UUID, UUID, int]:
    """Return the organisation, the export and the file's number. Raises ExportNotFound."""
    try:
        claims = jwt.decode(token, key, algorithms=[_ALGORITHM], audience=_AUDIENCE, options={"require": ["exp"]})
        return UUID(claims["org"]), UUID(claims["export"]), int(claims["file"])
    except (jwt.PyJWTError, KeyError, ValueError, TypeError, AttributeError):
        raise ExportNotFound from None
