"""The connections to model vendors: one pool for the process, so that a call finds them open and encrypted.

Vendors' SDKs are given this pool; they never make one of their own. A connection is kept by host, so organisations
with keys of their own share the warm ones.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final

import httpx2

CONNECT_TIMEOUT_S: Final = 3.0
# Between two pieces of a body. The gateway's own limits are shorter; this one is for whoever asks without a gateway.
READ_TIMEOUT_S: Final = 20.0
TIMEOUT: Final = httpx2.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
CONNECTIONS_MAX: Final = 200
KEPT_MAX: Final = 50
# Vendors close idle connections after some minutes; a pool that outlives that pays with a failed first request.
KEPT_S: Final = 90.0
WARM_TIMEOUT_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class Access:
    """What opens a vendor's door. Never logged: its representation shows no key."""

    key: str
    base_url: str = ""  # empty: the vendor's own

    def __repr__(self) -> str:
        return f"Access(base_url={self.base_url!r})"


@contextlib.asynccontextmanager
async def open_links() -> AsyncGenerator[httpx2.AsyncClient]:
    """Own the pool for as long as the context lasts."""
    limits = httpx2.Limits(max_connections=CONNECTIONS_MAX, max_keepalive_connections=KEPT_MAX, keepalive_expiry=KEPT_S)
    async with httpx2.AsyncClient(timeout=TIMEOUT, limits=limits, follow_redirects=False) as links:
        yield links


async def warm(links: httpx2.AsyncClient, url: str) -> bool:
    """Open a connection to `url`'s host, unless one is kept; returns whether there is one.

    Costs no tokens and shows no key.
    """
    try:
        async with asyncio.timeout(WARM_TIMEOUT_S):
            await links.head(url)
    except (httpx2.HTTPError, TimeoutError):
        return False
    return True
