"""The speech vendors of one process: keys, breakers and the group that holds their sockets' tasks.

From names in a call plan it makes one call's recogniser and voice, each with those that take over when it fails.
"""

import asyncio
import contextlib
import hashlib
import importlib
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, Final, Self

from agent.llm.breaker import Breaker
from agent.llm.links import Access
from agent.pipecat_bridge.services import SETTING as SERVICES_SETTING
from agent.pipecat_bridge.services import BridgedService
from agent.speech_process import SpeechProcess
from agent.stt import failover as stt_failover
from agent.stt import registry as stt
from agent.stt.embedded import EmbeddedRecognizers
from agent.stt.port import OnPartial, OnTurn, Recognizer, no_turns
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


class _Over(Exception):
    """The process ends."""


class UnknownSpeech(ValueError):
    """No recogniser or voice goes by that name, or there is no key for it; the message says what to do."""


class SpeechVendors:
    """Async context manager. `keys`: the operator's, by vendor; organisations may bring theirs for a call.

    `base_urls`: where vendors are, if not at their own addresses. `ears`, `mouth`: the embedded engines' processes;
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
        own: Mapping[str, str] | None = None,
    ) -> Recognizer:
        """Return a warm recogniser for one call.

        Raises:
            UnknownSpeech: a name that is not known, or a vendor that nobody has a key for.
            TranscriptionUnavailable: none of them can be had now.
        """
        routes = [await self._recognizer_route(name, language, own) for name in names]
        if len(routes) == 1:
            # Alone it is asked whatever it did: resting it would end calls that it might serve.
            return await routes[0].factory.open(phrases, on_partial, on_turn)
        factories = stt_failover.FailoverRecognizers(routes, asyncio.get_running_loop().time)
        return await factories.open(phrases, on_partial, on_turn)

    async def _recognizer_route(self, name: str, language: str, own: Mapping[str, str] | None) -> stt_failover.Route:
        """Raises UnknownSpeech."""
        if name == stt.EMBEDDED:
            return stt_failover.Route(name, EmbeddedRecognizers(self._ears), Breaker())
        if name == stt.WHISPER:
            if self._whisper is None:
                raise UnknownSpeech(f"{name!r} needs a model: set {WHISPER_SETTING} to the folder that it is in")
            whisper = WhisperRecognizers(self._whisper, language)
            return stt_failover.Route(name, whisper, self._breaker(name, name, None), WHISPER_HEDGE_AFTER_S)
        if name.startswith(BRIDGED):
            bridge = await _load(stt.BRIDGE)
            bridged = bridge(self._service(name), language, self._tasks)
            return stt_failover.Route(name, bridged, self._breaker(f"stt {name}", name, None))
        vendor, model = split_name(name, stt.VENDORS, "recogniser")
        access = self._access(name, vendor, own, stt.KEYLESS)
        factory = (await _load(stt.VENDORS[vendor]))(access, model, language, self._tasks)
        return stt_failover.Route(name, factory, self._breaker(f"stt {name}", vendor, own))

    async def open_voice(
        self,
        names: Sequence[str],
        embedded_voice: str,
        language: str,
        own: Mapping[str, str] | None = None,
        fixed: Collection[str] = (),
        stock: Collection[str] = (),
    ) -> "tts_failover.CallVoices":
        """Return the voices of one call, being warmed; `embedded_voice` is what `embedded` speaks with.

        `fixed`: phrases that may be kept; `stock`: those of them to have ready before they are needed.

        Raises:
            UnknownSpeech: a name that is not known, or a vendor that nobody has a key for.
        """
        routes: list[tts_failover.Route] = []
        for name in names:
            if name == tts.EMBEDDED:
                voice: Voice = EmbeddedVoice(self._mouth, embedded_voice)
                routes.append(tts_failover.Route(name, voice, Breaker()))
                continue
            vendor = ""
            if name.startswith(BRIDGED):
                service = self._service(name)
                called = (await _load(tts.BRIDGE))(service, language, self._tasks)
                place = service.fingerprint
            else:
                vendor, model = split_name(name, tts.VENDORS, "voice")
                access = self._access(name, vendor, own, tts.KEYLESS)
                called = (await _load(tts.VENDORS[vendor]))(access, model, language, self._tasks)
                place = access.base_url
            self._tasks.create_task(called.warm(), name="tts.warm")
            breaker = self._breaker(f"tts {name}", vendor, own)
            said = self._cached(called, f"{name} {language} {place}", fixed, stock)
            routes.append(tts_failover.Route(name, said, breaker, called.aclose))
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

    def _access(self, name: str, vendor: str, own: Mapping[str, str] | None, keyless: frozenset[str]) -> Access:
        key = (own or {}).get(vendor, "") or self._keys.get(vendor, "")
        if not key and vendor not in keyless:
            raise UnknownSpeech(
                f"{name!r} needs a key: set SALESOS_{vendor.upper()}_API_KEY, or save the organisation's own"
            )
        return Access(key, self._base_urls.get(vendor, ""))

    def _breaker(self, name: str, vendor: str, own: Mapping[str, str] | None) -> Breaker:
        """One for each account: a key that is refused or used up says nothing of other keys."""
        key = (own or {}).get(vendor, "")
        account = hashlib.sha256(key.encode()).hexdigest()[:16] if key else ""
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
