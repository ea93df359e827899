"""The voices that can be had, by the names that a call plan gives: `embedded`, `vendor:voice`, or `pipecat:SERVICE`.

To add one: a file with a class of `MakeVoice`'s shape, and its line here (docs/guides/providers.md).
"""

import asyncio
from collections.abc import Mapping
from typing import Final, Protocol

from agent.llm.links import Access
from agent.tts.port import Voice

EMBEDDED: Final = "embedded"
BRIDGE: Final = ("agent.pipecat_bridge.mouth", "PipecatVoice")  # of `pipecat:NAME`, a service of the operator's
VENDORS: Final[Mapping[str, tuple[str, str]]] = {
    "elevenlabs": ("agent.tts.elevenlabs", "ElevenLabsVoice"),
}
KEYLESS: Final[frozenset[str]] = frozenset()  # vendors that need none


class CallVoice(Voice, Protocol):
    """A vendor's voice in one call."""

    async def warm(self) -> bool:
        """Open a connection, so that the first sentence finds it; False when there is none to be had."""
        ...

    async def aclose(self) -> None: ...


class MakeVoice(Protocol):
    def __call__(self, access: Access, voice: str, language: str, tasks: asyncio.TaskGroup) -> CallVoice: ...
