"""The models that can be had, by the names that a call plan gives: `scripted`, or `vendor:model`.

A vendor's SDK takes seconds to import, so it is loaded where somebody has a key for it: at the start of the process
for the operator's keys, before the dial for an organisation's own.
"""

import asyncio
import functools
import hashlib
import importlib
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Final, Protocol, Self, cast

import httpx2
import structlog

from agent.llm.attempt import Route
from agent.llm.breaker import OF_THE_ACCOUNT, Breaker, once_failed, unless_failed
from agent.llm.fallback_share import FallbackShare
from agent.llm.gateway import Gateway
from agent.llm.links import Access, open_links
from agent.llm.playbook import Playbook
from agent.llm.port import Model
from agent.llm.race import Patience
from agent.llm.rehearsal import rehearse
from agent.llm.scripted import ScriptedModel
from agent.llm.usage import ModelCall, Price

log = structlog.get_logger()

SCRIPTED: Final = "scripted"
# Where each vendor's provider is. To add one: a file with a class of `Provider`'s shape, and its line here.
VENDORS: Final[Mapping[str, tuple[str, str]]] = {
    "openai": ("agent.llm.openai", "OpenAIModel"),
    "anthropic": ("agent.llm.anthropic", "AnthropicModel"),
    "gemini": ("agent.llm.gemini", "GeminiModel"),
}
BREAKERS_MAX: Final = 1000  # accounts times models; the one that was used longest ago is forgotten


class UnknownModel(ValueError):
    """No model goes by that name, or there is no key for it; the message says what to do."""


class Provider(Model, Protocol):
    """A model at a vendor."""

    async def warm(self) -> bool:
        """Open a connection, so that the first answer finds it; False when there is none to be had."""
        ...

    async def check(self) -> None:
        """Find out whether the key is good, at no cost. Raises ModelUnavailable."""
        ...


class MakeProvider(Protocol):
    def __call__(self, access: Access, model: str, links: httpx2.AsyncClient) -> Provider: ...


class Models:
    """`async with Models(...) as models`: connections, breakers and running requests of one process.

    `keys`: the operator's, by vendor; organisations may bring theirs for a call.
    `base_urls`: where vendors are, if not at their own addresses, whoever's key it is.
    `key_in_menu`: finds the key for a person in what a menu said, for the script.
    """

    def __init__(
        self,
        keys: Mapping[str, str],
        *,
        base_urls: Mapping[str, str] | None = None,
        patience: Patience | None = None,
        prices: Mapping[str, Price] | None = None,
        on_call: Callable[[ModelCall], None] | None = None,
        is_off: Callable[[], bool] = lambda: False,
        key_in_menu: Callable[[str], str] = lambda _: "",
    ) -> None:
        self._keys = dict(keys)
        self._base_urls = dict(base_urls or {})
        self._patience = patience
        self._prices = prices or {}
        self._on_call = on_call or log_call
        self._fallbacks = FallbackShare()
        self._is_off = is_off
        self._breakers: OrderedDict[tuple[str, str, Patience | None], Breaker] = OrderedDict()
        self._key_in_menu = key_in_menu
        self._stack = AsyncExitStack()
        self._links: httpx2.AsyncClient | None = None
        self._tasks: asyncio.TaskGroup | None = None

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            self._links = await stack.enter_async_context(open_links())
            self._tasks = await stack.enter_async_context(asyncio.TaskGroup())
            for vendor in self._keys:
                await load_provider(vendor)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()

    @property
    def fallback_share(self) -> float:
        """Of the last answers, those that another model than the first one gave."""
        return self._fallbacks.share

    @property
    def off(self) -> bool:
        """True while the operator's switch stops all language models."""
        return self._is_off()

    async def open(
        self,
        names: Sequence[str],
        playbook: Playbook | None,
        own: Mapping[str, str] | None = None,
        on_call: Callable[[ModelCall], None] = lambda _: None,
        patience: Patience | None = None,
        *,
        own_only: Collection[str] = (),
    ) -> Model:
        """Return a model that asks those, in their order, with its connections being warmed.

        `playbook`: what the script follows, where one is among them.
        `own`: the organisation's keys by vendor, which go before the operator's.
        `on_call`: told what each of its requests took.
        `patience`: where nobody is on the telephone; what fails by another measure has breakers of its own, so that
        it keeps no call from its model.
        `own_only`: vendors whose own key nothing of the operator's may stand in for, when it is refused or used up.

        Raises:
            UnknownModel: a name that is not known, or a vendor that nobody has a key for.
        """
        if list(names) == [SCRIPTED]:
            return self._script(playbook)
        assert self._tasks is not None, "entered"
        routes: list[Route] = []
        for rank, name in enumerate(names):
            if name == SCRIPTED:
                routes.append(Route(name, self._script(playbook), Breaker(), rank=rank, is_script=True))
            else:
                routes += await self._routes(name, rank, own or {}, own_only, routes, patience)

        def told(call: ModelCall) -> None:
            self._note(call)
            on_call(call)

        return Gateway(routes, self._tasks, told, self._is_off, patience or self._patience)

    async def _routes(
        self,
        name: str,
        rank: int,
        own: Mapping[str, str],
        own_only: Collection[str],
        before: Sequence[Route],
        patience: Patience | None,
    ) -> list[Route]:
        """Return how that model is asked: with the organisation's key, and with the operator's when that may be.

        Raises:
            UnknownModel
        """
        assert self._links is not None, "entered"
        assert self._tasks is not None, "entered"
        vendor, model = split_name(name)
        own_key, operators = own.get(vendor, ""), self._keys.get(vendor, "")
        if not own_key and not operators:
            raise UnknownModel(
                f"model {name!r} needs a key: set SALESOS_{vendor.upper()}_API_KEY, or save the organisation's own"
            )
        make, base_url, price = await load_provider(vendor), self._base_urls.get(vendor, ""), self._prices.get(name)
        provider = make(Access(own_key or operators, base_url), model, self._links)
        self._tasks.create_task(provider.warm(), name="llm.warm")
        if not own_key:
            bars = [route.breaker for route in before if route.own_key and vendor_of(route.name) in own_only]
            return [Route(name, provider, self._breaker(name, "", patience), price, rank, may_ask=unless_failed(bars))]
        breaker = self._breaker(name, own_key, patience)
        routes = [Route(name, provider, breaker, price, rank, own_key=True)]
        if operators and vendor not in own_only:
            stand_in = make(Access(operators, base_url), model, self._links)
            may_ask = once_failed(breaker)
            routes.append(Route(name, stand_in, self._breaker(name, "", patience), price, rank, may_ask=may_ask))
        return routes

    def _script(self, playbook: Playbook | None) -> ScriptedModel:
        assert playbook is not None, "a script follows one"
        return ScriptedModel(playbook, self._key_in_menu)

    def _note(self, call: ModelCall) -> None:
        self._on_call(call)
        if call.own_key and call.failure in OF_THE_ACCOUNT:
            log.warning("provider_key.failed", provider=call.provider, failure=call.failure)
        if self._fallbacks.note(call):
            log.warning("llm.fallback_share_high", share=round(self._fallbacks.share, 3))

    def _breaker(self, name: str, key: str, patience: Patience | None) -> Breaker:
        """One for each account: a key that is refused or used up says nothing of other keys."""
        account = hashlib.sha256(key.encode()).hexdigest()[:16] if key else ""
        place = (name, account, patience)
        breaker = self._breakers.setdefault(place, Breaker())
        self._breakers.move_to_end(place)
        if len(self._breakers) > BREAKERS_MAX:
            self._breakers.popitem(last=False)
        return breaker


def vendor_of(name: str) -> str:
    return name.partition(":")[0]


def split_name(name: str) -> tuple[str, str]:
    """Return vendor and model of a name such as `openai:gpt-4o`.

    Raises:
        UnknownModel: it has no such form, or nobody knows the vendor.
    """
    vendor, colon, model = name.partition(":")
    if vendor not in VENDORS or not colon or not model:
        known = ", ".join([SCRIPTED, *(f"{vendor}:MODEL" for vendor in sorted(VENDORS))])
        raise UnknownModel(f"unknown model {name!r}; known: {known}")
    return vendor, model


async def load_provider(vendor: str) -> MakeProvider:
    """Return what makes providers of that vendor; the first time it makes the vendor's SDK ready, in a thread."""
    return await asyncio.to_thread(_load, vendor)


@functools.cache
def _load(vendor: str) -> MakeProvider:
    module, name = VENDORS[vendor]
    made = cast(MakeProvider, getattr(importlib.import_module(module), name))
    rehearse(vendor, made)
    return made


def log_call(call: ModelCall) -> None:
    """Log what a request took. Nothing that was said is in it."""
    log.info(
        "llm.call",
        provider=call.provider,
        fate=call.fate.value,
        failure=call.failure.value if call.failure is not None else None,
        prompt_tokens=call.usage.prompt_tokens,
        completion_tokens=call.usage.completion_tokens,
        estimated=call.estimated,
        cost_millicredits=call.cost,
        first_token_ms=call.first_token_ms,
        total_ms=call.total_ms,
    )
