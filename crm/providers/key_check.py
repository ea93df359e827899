"""Is a vendor's key good, of models or of speech? One request that costs nothing, before anybody relies on the key.

A vendor of speech is a file here with a `check`, and its line in SPEECH. Its provider proper is voice's.
"""

import asyncio
import importlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, cast

import httpx

from agent.llm.key_check import CHECK_TIMEOUT_S, KeyCheck
from agent.llm.port import Failure, ModelUnavailable
from agent.llm.registry import VENDORS as MODELS

# Where each vendor's check is: loaded when it is needed, for an SDK takes seconds to import.
SPEECH: Final[Mapping[str, str]] = {
    "deepgram": "crm.providers.deepgram_key",
    "elevenlabs": "crm.providers.elevenlabs_key",
}
KNOWN: Final = frozenset(MODELS) | frozenset(SPEECH)
CONNECT_TIMEOUT_S: Final = 3.0

_Check = Callable[[str, str, httpx.AsyncClient], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class VendorKeyCheck:
    """`model_base_urls`, `speech_base_urls`: where the operator has vendors, if not at their own addresses."""

    model_base_urls: Mapping[str, str] = field(default_factory=dict)
    speech_base_urls: Mapping[str, str] = field(default_factory=dict)

    async def __call__(self, vendor: str, key: str) -> None:
        """Return when the vendor accepts the key; `vendor` is one of KNOWN.

        Raises:
            ModelUnavailable: it refuses it, or cannot be asked now; `failure` tells which.
        """
        if vendor not in SPEECH:
            await KeyCheck(self.model_base_urls)(vendor, key)
            return
        check = cast(_Check, (await asyncio.to_thread(importlib.import_module, SPEECH[vendor])).check)
        timeout = httpx.Timeout(CHECK_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
        async with httpx.AsyncClient(timeout=timeout, follow_redirects=False) as links:
            try:
                async with asyncio.timeout(CHECK_TIMEOUT_S):
                    await check(key, self.speech_base_urls.get(vendor, ""), links)
            except (TimeoutError, httpx.TimeoutException):
                raise ModelUnavailable(f"{vendor}: no answer", Failure.TIMEOUT) from None
            except httpx.HTTPError:
                raise ModelUnavailable(f"{vendor}: the connection failed", Failure.UNAVAILABLE) from None
            except ValueError:
                raise ModelUnavailable(f"{vendor}: not the promised form", Failure.GARBAGE) from None
            except ModelUnavailable as error:
                # Who is told to wait has been recognised.
                if error.failure is not Failure.RATE_LIMITED:
                    raise
