"""The door of the bench's server for people: the product's own, with a key that the bench's client is told.

Whoever asks on loopback gets the key: these calls are nobody's, and their streams take no signature either.
"""

import contextlib
import secrets
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Final
from uuid import UUID

import msgspec
import redis.asyncio as redis
from aiortc import RTCCertificate
from fastapi import APIRouter, Response

from bench.people.page import Live
from telephony.people.commands import VERBS
from telephony.people.presence import LiveCall, Presences
from telephony.people.socket import Door, people_routes
from telephony.softphone.leg import Exchange
from telephony.softphone.udp_port import open_udp_port

NODE: Final = "bench"
_HOST: Final = "127.0.0.1"
_KEY_BYTES: Final = 32


@contextlib.asynccontextmanager
async def bench_door(store: redis.Redis, find: Callable[[UUID], LiveCall | None]) -> AsyncGenerator[Door]:
    """Let people in for as long as the body lasts. Raises OSError."""
    port = await open_udp_port(_HOST, 0)
    try:
        yield Door(
            key=secrets.token_hex(_KEY_BYTES),
            redis=store,
            find=find,
            presences=Presences(),
            exchange=Exchange(port, RTCCertificate.generateCertificate(), (_HOST,)),
            verbs=VERBS,
            origins=frozenset(),
        )
    finally:
        port.close()


def door_routes(org_id: UUID, door: Callable[[], Door | None], live: Callable[[], Mapping[str, UUID]]) -> APIRouter:
    """Return the people's socket, and the page that tells of it. `live`: the calls that have a name."""
    router = people_routes(NODE, door)

    @router.get("/people")
    async def people() -> Response:
        ours = door()
        if ours is None:
            return Response(status_code=503)
        told = Live(f"/n/{NODE}/people", ours.key, org_id, dict(live()))
        return Response(msgspec.json.encode(told), media_type="application/json")

    return router
