"""Routes that anybody may ask are counted by address (S4): every one, unless it is guarded or listed here."""

from typing import Final

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from crm.access import GUARDS, Held

# Asked by machines that watch, as often as they like.
EXEMPT: Final = ("/health",)


async def count_strangers(request: Request, held: Held) -> None:
    """A dependency of the whole application. Raises TooManyRequests."""
    route = request.scope.get("route")
    if isinstance(route, APIRoute) and not is_guarded(route.dependant) and not route.path.startswith(EXEMPT):
        await held.gate.admit_stranger(request)


def is_guarded(dependant: Dependant) -> bool:
    """Whether a route asks who one is; that counts then, by who it is (see access)."""
    return any(inner.call in GUARDS or is_guarded(inner) for inner in dependant.dependencies)
