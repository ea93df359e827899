"""The recognisers that can be had, by the names that a call plan gives.

`embedded`, `whisper`, `vendor:model`, or `pipecat:SERVICE`.

To add one: a file with a factory of `MakeRecognizers`' shape, and its line here (docs/guides/providers.md).
"""

import asyncio
from collections.abc import Mapping
from typing import Final, Protocol

from agent.llm.links import Access
from agent.stt.port import RecognizerFactory

EMBEDDED: Final = "embedded"
BRIDGE: Final = ("agent.pipecat_bridge.ear", "PipecatRecognizers")  # of `pipecat:NAME`, a service of the operator's
WHISPER: Final = "whisper"  # the one model that the operator named
VENDORS: Final[Mapping[str, tuple[str, str]]] = {
    "deepgram": ("agent.stt.deepgram", "DeepgramRecognizers"),
}
KEYLESS: Final[frozenset[str]] = frozenset()  # vendors that need none


class MakeRecognizers(Protocol):
    def __call__(self, access: Access, model: str, language: str, tasks: asyncio.TaskGroup) -> RecognizerFactory:
        """`language` as plans name it: en-US, pt-BR."""
        ...
