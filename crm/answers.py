"""Every "yes" of the API in one shape (W8), and how a route says what its answer holds.

A route's return type is what the OpenAPI document describes and gives an example of, and what the type checker holds
the answer against: `-> Success[LeadJson]`, and of a list `Paged[LeadJson]` or `Following[LeadJson]`.
"""

from typing import Any, ClassVar, Final, Generic, Literal, TypeVar, get_args, overload

from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, GetCoreSchemaHandler
from pydantic_core import CoreSchema

# The standard library's is understood by pydantic from Python 3.12 on.
from typing_extensions import TypedDict

from crm.database import utc_now

# Of lists: rows of a page, and how far numbered pages go; beyond that there are cursors.
PAGE_MAX: Final = 100
PAGES_MAX: Final = 10_000

T = TypeVar("T")


class Pages(TypedDict):
    """Where a numbered page stands (W4)."""

    page: int
    limit: int
    total: int
    pages: int
    hasNext: bool
    hasPrev: bool


class Cursors(TypedDict):
    """Where the page behind begins; `next` is null on the last one (S51)."""

    limit: int
    next: str | None
    hasNext: bool


class Envelope(BaseModel, Generic[T]):
    """What a success looks like from outside; answers themselves are not made from it."""

    success: Literal[True]
    data: T
    message: str = ""
    timestamp: AwareDatetime


class PagedEnvelope(Envelope[list[T]], Generic[T]):
    pagination: Pages


class FollowingEnvelope(Envelope[list[T]], Generic[T]):
    pagination: Cursors


class Success(JSONResponse, Generic[T]):
    """One thing, or all that there are of it. Made by `success`."""

    envelope: ClassVar[type[BaseModel]] = Envelope

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Describe the envelope with what stands in the brackets."""
        return handler.generate_schema(cls.envelope.__class_getitem__(get_args(source)))


class Paged(Success[list[T]], Generic[T]):
    envelope: ClassVar[type[BaseModel]] = PagedEnvelope


class Following(Success[list[T]], Generic[T]):
    envelope: ClassVar[type[BaseModel]] = FollowingEnvelope


@overload
def success(data: T, *, status: int = 200, message: str | None = None) -> Success[T]: ...
@overload
def success(data: list[T], *, pagination: Pages) -> Paged[T]: ...
@overload
def success(data: list[T], *, pagination: Cursors) -> Following[T]: ...
def success(
    data: Any, *, status: int = 200, message: str | None = None, pagination: Pages | Cursors | None = None
) -> Success[Any]:
    """Return `data`, which FastAPI can encode, in the success shape."""
    body: dict[str, Any] = {"success": True, "data": jsonable_encoder(data)}
    if message is not None:
        body["message"] = message
    if pagination is not None:
        body["pagination"] = pagination
    body["timestamp"] = utc_now().isoformat()
    kind: type[Success[Any]] = Success
    if pagination is not None:
        kind = Paged if "page" in pagination else Following
    return kind(body, status)


def shown(shape: type[T], row: object) -> T:
    """Return what a shape, which is a TypedDict, names of a row: the attributes of those names."""
    return {name: getattr(row, name) for name in shape.__annotations__}  # type: ignore[return-value]  # it is one


def page_of(page: int, limit: int, total: int) -> Pages:
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


def followed_by(cursor: str | None, limit: int) -> Cursors:
    """Return the `pagination` member of a list that goes on at a cursor (S51)."""
    return {"limit": limit, "next": cursor, "hasNext": cursor is not None}
