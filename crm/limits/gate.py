"""Whether a request is served, by how many there were (S4, W7): counted, told in headers, refused with 429.

What asks without signing in, or in vain, is counted by its address. People are counted with all others of their
organisation, API keys each by itself and with all keys of the organisation, so that a program that runs wild leaves
the console alone; and either, by itself, in what has limits of its own.
"""

import time
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from fastapi import Request

from crm.limits.counts import Counts
from crm.limits.rules import Network, Rules, Standing, Window, group_of, is_unlimited, stricter, windows
from crm.refusals import Refusal

# Refusals of one API key within an hour that tell a program run wild from one that is busy.
KEY_REFUSALS_MAX: Final = 1_000
_HOUR_S: Final = 3600

Headers = list[tuple[bytes, bytes]]


class TooManyRequests(Refusal):
    """Over a limit; nothing was done."""

    def __init__(self, standing: Standing, wait_s: int) -> None:
        super().__init__("too_many_requests", {"limit": standing.limit, "retry_after_s": wait_s})


@dataclass(frozen=True, slots=True)
class Gate:
    counts: Counts
    rules: Rules
    unlimited: tuple[Network, ...]  # whose requests are not counted

    async def admit_stranger(self, request: Request) -> None:
        """Count a request by its address. Raises TooManyRequests."""
        address = address_of(request)
        if not is_unlimited(address, self.unlimited):
            await self._admit(request, windows(self.rules.public, f"ip:{address}", time.time()))

    async def admit_person(self, request: Request, org_id: UUID, user_id: UUID, path: str) -> None:
        """Count a person's request to a declared path. Raises TooManyRequests."""
        if is_unlimited(address_of(request), self.unlimited):
            return
        counted = windows(self.rules.organisation, f"org:{org_id}", time.time())
        await self._admit(request, counted + self._group(path, f"user:{org_id}:{user_id}"))

    async def admit_key(self, request: Request, org_id: UUID, key_id: UUID, path: str) -> None:
        """Count a request with an API key to a declared path. Raises TooManyRequests."""
        if is_unlimited(address_of(request), self.unlimited):
            return
        now_s = time.time()
        counted = windows(self.rules.keys, f"keys:{org_id}", now_s) + windows(self.rules.key, f"key:{key_id}", now_s)
        await self._admit(request, counted + self._group(path, f"key:{key_id}"))

    async def is_wild(self, key_id: UUID) -> bool:
        """Count a refusal of an API key; true once an hour, when they are too many."""
        [window] = windows(f"{KEY_REFUSALS_MAX}/hour", f"refused:{key_id}", time.time())
        return await self.counts.add(window.key, _HOUR_S) == KEY_REFUSALS_MAX

    def _group(self, path: str, whose: str) -> list[Window]:
        group = group_of(path)
        return windows(getattr(self.rules, group), f"{group}:{whose}", time.time()) if group else []

    async def _admit(self, request: Request, counted: list[Window]) -> None:
        standing: Standing | None = None
        for window in counted:
            standing = stricter(standing, window, await self.counts.add(window.key, window.length_s))
            if standing.over:
                # What was not let in here is not counted further.
                break
        if standing is None:
            return
        wait_s = max(1, standing.reset_at_s - int(time.time()))
        _tell(request, standing, wait_s)
        if standing.over:
            raise TooManyRequests(standing, wait_s)


def address_of(request: Request) -> str:
    return request.client.host if request.client is not None else ""


def _tell(request: Request, standing: Standing, wait_s: int) -> None:
    """Have the answer, whichever it will be, tell where the caller stands (see request_context)."""
    told = {"Limit": standing.limit, "Remaining": standing.remaining, "Reset": standing.reset_at_s}
    if standing.over:
        told["Retry-After"] = wait_s
    headers: Headers = [(f"x-ratelimit-{name.lower()}".encode(), str(value).encode()) for name, value in told.items()]
    request.scope.setdefault("state", {})["limit_headers"] = headers
