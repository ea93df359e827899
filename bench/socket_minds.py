"""Minds of bench calls behind sockets: the product's own providers, registries and gateway, at the bench's servers."""

import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, Final, Self

import msgspec
import yaml

from agent.llm.registry import Models
from agent.minds import MindMaker, SpeechKeys
from agent.ports import Minds
from agent.stt.port import OnPartial, OnTurn
from bench.providers.process import Addresses
from events.plan import CallPlan, Providers

PROVIDERS: Final = Providers(stt="deepgram:nova-3", tts="elevenlabs:tone", llm="openai:bench")
_KEY: Final = "bench"
_PLAYBOOK: Final = Path(__file__).parents[1] / "config" / "playbooks" / "energy_meeting.yaml"


class SocketMinds:
    """Opens minds for calls as a voice node does."""

    def __init__(self, maker: MindMaker, playbook: dict[str, Any]) -> None:
        self._maker = maker
        self._playbook = playbook

    @classmethod
    @contextlib.asynccontextmanager
    async def start(
        cls, addresses: Addresses, *, smart_turn: bool = False, speculate: bool = False
    ) -> AsyncGenerator[Self]:
        urls = {"deepgram": addresses.deepgram, "elevenlabs": addresses.elevenlabs}
        keys = SpeechKeys(dict.fromkeys(urls, _KEY), urls)
        async with (
            Models({"openai": _KEY}, base_urls={"openai": addresses.openai}) as models,
            MindMaker.start(models, _KEY, keys, smart_turn=smart_turn, speculate=speculate) as maker,
        ):
            yield cls(maker, yaml.safe_load(_PLAYBOOK.read_text()))

    def plan(self, plan: CallPlan) -> CallPlan:
        """Return a plan that names these providers."""
        return msgspec.structs.replace(plan, providers=PROVIDERS, playbook=self._playbook)

    async def open(self, plan: CallPlan, on_partial: OnPartial, on_turn: OnTurn) -> Minds:
        """Raises MindsUnavailable."""
        return await self._maker.make(plan, on_partial, on_turn=on_turn)
