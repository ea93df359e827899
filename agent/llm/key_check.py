"""Is a vendor's key good? One request that costs nothing, before anybody relies on the key."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from agent.llm.links import Access, open_links
from agent.llm.port import Failure, ModelUnavailable
from agent.llm.registry import load_provider

CHECK_TIMEOUT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class KeyCheck:
    """`base_urls`: where the operator has vendors of models, if not at their own addresses."""

    base_urls: Mapping[str, str] = field(default_factory=dict)

    async def __call__(self, vendor: str, key: str) -> None:
        """Return when the vendor accepts the key.

        Raises:
            ModelUnavailable: it refuses it, or cannot be asked now; `failure` tells which.
        """
        make = await load_provider(vendor)
        async with open_links() as links:
            # No model is named to it: the question is about the key.
            provider = make(Access(key, self.base_urls.get(vendor, "")), "", links)
            try:
                async with asyncio.timeout(CHECK_TIMEOUT_S):
                    await provider.check()
            except TimeoutError:
                raise ModelUnavailable(f"{vendor}: no answer", Failure.TIMEOUT) from None
            except ModelUnavailable as error:
                # Who is told to wait has been recognised.
                if error.failure is not Failure.RATE_LIMITED:
                    raise
