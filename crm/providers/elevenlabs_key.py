"""Is a key of ElevenLabs' good? The account behind it, through its SDK: costs nothing."""

from collections.abc import Mapping
from typing import Final

import httpx
from elevenlabs.client import AsyncElevenLabs
from elevenlabs.core.api_error import ApiError

from agent.llm.faults import refusal

VENDOR: Final = "elevenlabs"
BASE_URL: Final = "https://api.elevenlabs.io"
_LACKS_A_PERMISSION: Final = "missing_permissions"  # a 401 too, of a key that may speak and not read the account


async def check(key: str, base_url: str, links: httpx.AsyncClient) -> None:
    """Return when the vendor knows the key.

    Raises:
        ModelUnavailable: it refuses it.
        httpx.HTTPError, ValueError: it cannot be asked, or answers what the SDK cannot read.
    """
    address = base_url or BASE_URL
    client = AsyncElevenLabs(api_key=key, base_url=address, httpx_client=links)
    try:
        await client.user.get(request_options={"max_retries": 0})
    except ApiError as error:
        if _status_of(error.body) == _LACKS_A_PERMISSION:
            return
        raise refusal(VENDOR, error.status_code or 500, error.headers or {}) from None


def _status_of(body: object) -> str:
    detail = body.get("detail") if isinstance(body, Mapping) else None
    return str(detail.get("status", "")) if isinstance(detail, Mapping) else ""
