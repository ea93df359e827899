"""Is a key of Deepgram's good? Its list of projects, through its SDK: costs nothing."""

import warnings
from typing import Final

import httpx

from agent.llm.faults import refusal

with warnings.catch_warnings():
    # The SDK's sockets are an old form of a library's; theirs to change.
    warnings.simplefilter("ignore", DeprecationWarning)
    from deepgram import AsyncDeepgramClient, DeepgramClientEnvironment
    from deepgram.core.api_error import ApiError

VENDOR: Final = "deepgram"
BASE_URL: Final = "https://api.deepgram.com"
_LACKS_A_PERMISSION: Final = 403  # keys that may only transcribe see no projects; an unknown key gets 401


async def check(key: str, base_url: str, links: httpx.AsyncClient) -> None:
    """Return when the vendor knows the key.

    Raises:
        ModelUnavailable: it refuses it.
        httpx.HTTPError, ValueError: it cannot be asked, or answers what the SDK cannot read.
    """
    address = base_url or BASE_URL
    environment = DeepgramClientEnvironment(base=address, production=address, agent=address, agent_rest=address)
    client = AsyncDeepgramClient(api_key=key, environment=environment, httpx_client=links)
    try:
        await client.manage.v1.projects.list(request_options={"max_retries": 0})
    except ApiError as error:
        if error.status_code == _LACKS_A_PERMISSION:
            return
        raise refusal(VENDOR, error.status_code or 500, error.headers or {}) from None
