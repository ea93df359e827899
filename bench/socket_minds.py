"""Minds of bench calls behind sockets: the product's own providers, registries and gateway, at the bench's servers."""

import contextlib
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any, Final, Self

import msgspec
import yaml

from agent.llm.registry import VENDORS as MODEL_VENDORS
from agent.llm.registry import Models, vendor_of
from agent.llm.usage import ModelCall
from agent.minds import MindMaker, SpeechKeys
from agent.ports import Minds
from agent.stt.port import OnPartial, OnTurn
from bench.providers.process import Behind
from events.plan import CallPlan
from events.sealed_secret import seal

_KEY: Final = "bench"  # the operator's at every vendor, and what seals those of calls
_PLAYBOOK: Final = Path(__file__).parents[1] / "config" / "playbooks" / "energy_meeting.yaml"


class SocketMinds:
    """Opens minds for calls as a voice node does."""

    def __init__(self, maker: MindMaker, playbook: dict[str, Any], behind: Behind) -> None:
        self._maker = maker
        self._playbook = playbook
        self._behind = behind
        self._vendors = frozenset(vendor_of(name) for name in behind.urls)

    @classmethod
    @contextlib.asynccontextmanager
    async def start(cls, behind: Behind, phrases: Path) -> AsyncGenerator[Self]:
        """`phrases`: a folder for stock phrases, if they are kept."""
        model_urls = {name: url for name, url in behind.urls.items() if name in MODEL_VENDORS}
        speech_urls = {name: url for name, url in behind.urls.items() if name not in MODEL_VENDORS}
        keys = SpeechKeys(
            {vendor_of(name): _KEY for name in speech_urls},
            speech_urls,
            phrases=phrases if behind.stock_phrases else None,
        )
        speculate, smart_turn = behind.speculate, behind.smart_turn
        async with (
            Models(dict.fromkeys(model_urls, _KEY), base_urls=model_urls) as models,
            MindMaker.start(models, _KEY, keys, smart_turn=smart_turn, speculate=speculate) as maker,
        ):
            yield cls(maker, yaml.safe_load(_PLAYBOOK.read_text()), behind)

    def plan(self, plan: CallPlan, name: str = "") -> CallPlan:
        """Return a plan that names these providers; `name`: the call's own key at all of them."""
        sealed = {vendor: seal(name, _KEY, plan.org_id, vendor) for vendor in self._vendors} if name else {}
        return msgspec.structs.replace(
            plan,
            providers=self._behind.providers,
            playbook=self._playbook,
            sealed_keys=sealed,
            own_only=tuple(sealed),
            tools=self._behind.tools,
        )

    async def open(
        self,
        plan: CallPlan,
        on_partial: OnPartial,
        on_turn: OnTurn,
        on_model: Callable[[ModelCall], None] = lambda _: None,
    ) -> Minds:
        """Raises MindsUnavailable."""
        return await self._maker.make(plan, on_partial, on_model, on_turn)
