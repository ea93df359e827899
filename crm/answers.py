"""Every "yes" of the API in one shape (W8)."""

from typing import Any

from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse

from crm.database import utc_now


def success(
    data: Any, *, status: int = 200, message: str | None = None, pagination: dict[str, Any] | None = None
) -> JSONResponse:
    """Return `data`, which FastAPI can encode, in the success shape."""
    body: dict[str, Any] = {"success": True, "data": jsonable_encoder(data)}
    if message is not None:
        body["message"] = message
    if pagination is not None:
        body["pagination"] = pagination
    body["timestamp"] = utc_now().isoformat()
    return JSONResponse(body, status)


def page_of(page: int, limit: int, total: int) -> dict[str, Any]:
    """Return the `pagination` member of a list (W4)."""
    pages = -(-total // limit)
    return {
        "page": page,
        "limit": limit,
        "total": total,
        "pages": pages,
        "hasNext": page < pages,
        "hasPrev": page > 1,
    }
