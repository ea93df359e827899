"""The speech vendors of one process: keys, breakers and the group that holds their sockets' tasks.

From names in a call plan it makes one call's recogniser and voice, each with those that take over when it fails.
"""

import asyncio
import contextlib
import hashlib
import importlib
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Final, Self

import structlog

from agent.llm.breaker import OF_THE_ACCOUNT, Breaker, always, once_failed, unheard, unless_failed
from agent.llm.links import Access
from agent.llm.port import Failure
from agent.pipecat_bridge.services import SETTING as SERVICES_SETTING
from agent.pipecat_bridge.services import BridgedService
from agent.speech_process import SpeechProcess
from agent.stt import failover as stt_failover
from agent.stt import registry as stt
from agent.stt.embedded import EmbeddedRecognizers
from agent.stt.port import OnPartial, OnTurn, Recognizer, TranscriptionUnavailable, no_turns
from agent.stt.whisper import WhisperRecognizers
from agent.stt.whisper_folder import SETTING as WHISPER_SETTING
from agent.stt.whisper_process import WhisperProcess
from agent.tts import failover as tts_failover
from agent.tts import registry as tts
from agent.tts.embedded import EmbeddedVoice
from agent.tts.phrase_cache import CachedVoice, PhraseCache
from agent.tts.port import Voice

BRIDGED: Final = "pipecat:"
WHISPER_HEDGE_AFTER_S: Final = 1.2  # it begins when the utterance is over, and shares its process with other calls
BREAKERS_MAX: Final = 1_000  # accounts times names; the one that was used longest ago is forgotten
VENDORS: Final = frozenset(stt.VENDORS) | frozenset(tts.VENDORS)


log = structlog.get_logger()


class _Over(Exception):
    """The process ends."""


class UnknownSpeech(ValueError):
    """No recogniser or voice goes by that name, or there is no key for it; the message says what to do."""


@dataclass(frozen=True, slots=True)
class OwnKeys:
    """An organisation's own keys by vendor; for vendors in `only`, nothing of the operator's may stand in."""

    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    only: Collection[str] = ()
    on_failed: Callable[[str, Failure], None] = lambda _vendor, _failure: None  # told of failures of the account

    def failed(self, vendor: str) -> Callable[[Failure], None]:
        def tell(failure: Failure) -> None:
            if failure in OF_THE_ACCOUNT:
                log.warning("provider_key.failed", provider=vendor, failure=failure)
                self.on_failed(vendor, failure)

        return tell


@dataclass(frozen=True, slots=True)
class _Way:
    """One key with which a vendor is asked."""

    access: Access
    breaker: Breaker
    may_ask: Callable[[], bool] = always
    on_failed: Callable[[Failure], None] = unheard
    stands_in: bool = False


class SpeechVendors:
    """Async context manager. `keys`: the operator's, by vendor; organisations may bring theirs for a call.

    `base_urls`: where vendors are, if not at their own addresses; a name such as `deepgram:nova-2` may have an address
    of its own: a stand-in of the same vendor can be elsewhere. `ears`, `mouth`: the embedded engines' processes;
    `whisper`: that of the operator's Whisper model; `phrases`: where the speech of fixed phrases is kept; `services`:
    the operator's pipecat services, by name.
    """

    def __init__(
        self,
        ears: SpeechProcess,
        mouth: SpeechProcess,
        keys: Mapping[str, str] | None = None,
        base_urls: Mapping[str, str] | None = None,
        *,
        whisper: WhisperProcess | None = None,
        phrases: PhraseCache | None = None,
        services: Mapping[str, BridgedService] | None = None,
    ) -> None:
        self._services = services or {}
        self._ears = ears
        self._mouth = mouth
        self._whisper = whisper
        self._phrases = phrases
        self._readied: set[str] = set()  # voices whose stock phrases were seen to
        self._keys = dict(keys or {})
        self._base_urls = dict(base_urls or {})
        self._breakers: OrderedDict[tuple[str, str], Breaker] = OrderedDict()
        self._stack = AsyncExitStack()
        self._tasks: asyncio.TaskGroup

    async def __aenter__(self) -> Self:
        self._tasks = await self._stack.enter_async_context(asyncio.TaskGroup())
        for vendor in self._keys:
            for vendors in (stt.VENDORS, tts.VENDORS):
                if vendor in vendors:
                    await _load(vendors[vendor])
        if self._services:
            for bridge in (stt.BRIDGE, tts.BRIDGE):
                await _load(bridge)
        return self

    async def __aexit__(self, *error: object) -> None:
        """Sockets of calls that were not closed end here: nothing may keep a process from ending."""
        with contextlib.suppress(BaseExceptionGroup):
            await self._stack.__aexit__(_Over, _Over(), None)

    async def open_recognizer(
        self,
        names: Sequence[str],
        language: str,
        phrases: tuple[str, ...],
        on_partial: OnPartial,
        on_turn: OnTurn = no_turns,
        own: OwnKeys | None = None,
    ) -> Recognizer:
        """Return a warm recogniser for one call.

        Raises:
            UnknownSpeech: a name that is not known, or a vendor that nobody has a key for.
            TranscriptionUnavailable: none of them can be had now.
        """
        own = own or OwnKeys()
        routes: list[stt_failover.Route] = []
        bars: list[Breaker] = []
        for name in names:
            routes += await self._recognizer_routes(name, language, own, bars)
        if len(routes) == 1:
            # Alone it is asked whatever it did: resting it would end calls that it might serve.
            try:
                return await routes[0].factory.open(phrases, on_partial, on_turn)
            except TranscriptionUnavailable as error:
                routes[0].on_failed(error.failure)
                raise
        factories = stt_failover.FailoverRecognizers(routes, asyncio.get_running_loop().time)
        return await factories.open(phrases, on_partial, on_turn)

    async def _recognizer_routes(
        self, name: str, language: str, own: OwnKeys, bars: list[Breaker]
    ) -> list[stt_failover.Route]:
        """Return how that recogniser is asked; `bars`: keys nothing of the operator's may stand in for, added to.

        Raises:
            UnknownSpeech
        """
        if name == stt.EMBEDDED:
            return [stt_failover.Route(name, EmbeddedRecognizers(self._ears), Breaker())]
        if name == stt.WHISPER:
            if self._whisper is None:
                raise UnknownSpeech(f"{name!r} needs a model: set {WHISPER_SETTING} to the folder that it is in")
            whisper = WhisperRecognizers(self._whisper, language)
            return [stt_failover.Route(name, whisper, self._breaker(name), WHISPER_HEDGE_AFTER_S)]
        if name.startswith(BRIDGED):
            bridge = await _load(stt.BRIDGE)
            bridged = bridge(self._service(name), language, self._tasks)
            breaker = self._breaker(f"stt {name}")
            return [stt_failover.Route(name, bridged, breaker, may_ask=unless_failed(tuple(bars)))]
        vendor, model = split_name(name, stt.VENDORS, "recogniser")
        make = await _load(stt.VENDORS[vendor])
        return [
            stt_failover.Route(
                name,
                make(way.access, model, language, self._tasks),
                way.breaker,
                may_ask=way.may_ask,
                on_failed=way.on_failed,
            )
            for way in self._ways("stt", name, vendor, own, stt.KEYLESS, bars)
        ]

    async def open_voice(
        self,
        names: Sequence[str],
        embedded_voice: str,
        language: str,
        own: OwnKeys | None = None,
        fixed: Collection[str] = (),
        stock: Collection[str] = (),
    ) -> "tts_failover.CallVoices":
        """Return the voices of one call, being warmed; `embedded_voice` is what `embedded` speaks with.

        `fixed`: phrases that may be kept; `stock`: those of them to have ready before they are needed.

        Raises:
            UnknownSpeech: a name that is not known, or a vendor that nobody has a key for.
        """
        own = own or OwnKeys()
        routes: list[tts_failover.Route] = []
        bars: list[Breaker] = []
        for name in names:
            if name == tts.EMBEDDED:
                voice: Voice = EmbeddedVoice(self._mouth, embedded_voice)
                routes.append(tts_failover.Route(name, voice, Breaker()))
                continue
            if name.startswith(BRIDGED):
                service = self._service(name)
                bridged = (await _load(tts.BRIDGE))(service, language, self._tasks)
                self._tasks.create_task(bridged.warm(), name="tts.warm")
                said = self._cached(bridged, f"{name} {language} {service.fingerprint}", fixed, stock)
                breaker, may_ask = self._breaker(f"tts {name}"), unless_failed(tuple(bars))
                routes.append(tts_failover.Route(name, said, breaker, bridged.aclose, may_ask))
                continue
            vendor, model = split_name(name, tts.VENDORS, "voice")
            make = await _load(tts.VENDORS[vendor])
            for way in self._ways("tts", name, vendor, own, tts.KEYLESS, bars):
                called = make(way.access, model, language, self._tasks)
                if not way.stands_in:
                    self._tasks.create_task(called.warm(), name="tts.warm")
                said = self._cached(called, f"{name} {language} {way.access.base_url}", fixed, stock)
                routes.append(tts_failover.Route(name, said, way.breaker, called.aclose, way.may_ask, way.on_failed))
        return tts_failover.CallVoices(routes, asyncio.get_running_loop().time)

    def _cached(self, voice: Voice, name: str, fixed: Collection[str], stock: Collection[str]) -> Voice:
        """Return the voice with fixed phrases from the cache, and see to its stock phrases once a process."""
        if self._phrases is None:
            return voice
        cached = CachedVoice(voice, name, fixed, self._phrases)
        if name not in self._readied:
            self._readied.add(name)
            self._tasks.create_task(cached.have_ready(stock), name="tts.phrases")
        return cached

    def _service(self, name: str) -> BridgedService:
        """Raises UnknownSpeech: the operator offers none of that name."""
        service = self._services.get(name.removeprefix(BRIDGED))
        if service is None:
            known = ", ".join(f"{BRIDGED}{one}" for one in sorted(self._services)) or "none"
            raise UnknownSpeech(f"unknown service {name!r}; {SERVICES_SETTING} has: {known}")
        return service

    def _ways(
        self, kind: str, name: str, vendor: str, own: OwnKeys, keyless: frozenset[str], bars: list[Breaker]
    ) -> list[_Way]:
        """Return with which keys a vendor is asked, one after the other. Raises UnknownSpeech: nobody has one."""
        own_key, operators = own.keys.get(vendor, ""), self._keys.get(vendor, "")
        if not own_key and not operators and vendor not in keyless:
            raise UnknownSpeech(
                f"{name!r} needs a key: set SALESOS_{vendor.upper()}_API_KEY, or save the organisation's own"
            )
        base_url = self._base_urls.get(name) or self._base_urls.get(vendor, "")
        if not own_key:
            may_ask = unless_failed(tuple(bars))
            return [_Way(Access(operators, base_url), self._breaker(f"{kind} {name}"), may_ask)]
        breaker = self._breaker(f"{kind} {name}", own_key)
        ways = [_Way(Access(own_key, base_url), breaker, on_failed=own.failed(vendor))]
        if vendor in own.only:
            bars.append(breaker)
        elif operators:
            way = _Way(
                Access(operators, base_url), self._breaker(f"{kind} {name}"), once_failed(breaker), stands_in=True
            )
            ways.append(way)
        return ways

    def _breaker(self, name: str, own_key: str = "") -> Breaker:
        """One for each account: a key that is refused or used up says nothing of other keys."""
        account = hashlib.sha256(own_key.encode()).hexdigest()[:16] if own_key else ""
        breaker = self._breakers.setdefault((name, account), Breaker())
        self._breakers.move_to_end((name, account))
        if len(self._breakers) > BREAKERS_MAX:
            self._breakers.popitem(last=False)
        return breaker


def split_name(name: str, vendors: Mapping[str, object], kind: str) -> tuple[str, str]:
    """Return vendor and model of a name such as `deepgram:nova-3`.

    Raises:
        UnknownSpeech: it has no such form, or nobody knows the vendor.
    """
    vendor, colon, model = name.partition(":")
    if vendor not in vendors or not colon or not model:
        known = ", ".join(["embedded", *(f"{vendor}:NAME" for vendor in sorted(vendors))])
        raise UnknownSpeech(f"unknown {kind} {name!r}; known: {known}")
    return vendor, model


async def _load(place: tuple[str, str]) -> Any:
    """Return what makes a vendor's provider; the first time it imports the vendor's SDK, in a thread."""
    module, name = place
    return getattr(await asyncio.to_thread(importlib.import_module, module), name)
