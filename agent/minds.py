"""From a call plan to what the agent hears, thinks and speaks with; opened and warm before the dial."""

import contextlib
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Self

from agent import briefing
from agent.fixed_phrases import fixed_phrases
from agent.greeting_files import greeting_words, recognizer_phrases
from agent.llm.callers import for_callers
from agent.llm.gateway import Gateway
from agent.llm.playbook import Playbook, phrases
from agent.llm.playbook_file import BadPlaybook, parse
from agent.llm.port import Failure
from agent.llm.registry import SCRIPTED, VENDORS, Models, UnknownModel
from agent.llm.usage import ModelCall
from agent.pipecat_bridge.services import BridgedService
from agent.ports import Minds
from agent.speech_process import SpeechProcess
from agent.speech_vendors import VENDORS as SPEECH_VENDORS
from agent.speech_vendors import OwnKeys, SpeechVendors, UnknownSpeech
from agent.stock_phrases import stock_phrases
from agent.stt.port import OnPartial, OnTurn, TranscriptionUnavailable, no_turns, no_words
from agent.stt.whisper_process import WhisperProcess
from agent.tools.catalog import offered
from agent.tts.phrase_cache import PhraseCache
from agent.turns.judge import SmartTurnProcess
from agent.turns.word_lists import lists_for
from agent.turns.wording import normals
from agent.understanding.senses import open_senses
from events.plan import CallPlan
from events.sealed_secret import BadSecret, unseal

# Each phrase of a machine so often among those of the playbook: seldom heard, but then it matters.
GREETING_WEIGHT: Final = 3


class BadPlan(Exception):
    """The plan names a provider that is not here, or its playbook is malformed; the message says which."""


class MindsUnavailable(Exception):
    """The plan is good, but what it needs cannot be had just now; `code` is for who wanted the call."""

    def __init__(self, message: str, code: str = "speech_away") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class SpeechKeys:
    """What the operator has for speech: keys and addresses by vendors' names, a Whisper model's folder, and services
    of pipecat's by the names that plans give."""

    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    base_urls: Mapping[str, str] = field(default_factory=dict)
    whisper_model: Path | None = None
    phrases: Path | None = None  # a folder for the speech of fixed phrases
    services: Mapping[str, BridgedService] = field(default_factory=dict)


class MindMaker:
    """Opens minds for calls; holds the speech processes that they share.

    One listens and one speaks: the recogniser never lets go of its interpreter's lock, and in one process with it the
    voice of one call would wait for the words of all others.
    """

    def __init__(
        self,
        ears: SpeechProcess,
        mouth: SpeechProcess,
        speech: SpeechVendors,
        models: Models,
        secret_key: str,
        judge: SmartTurnProcess | None = None,
        *,
        speculate: bool = False,
    ) -> None:
        self._ears = ears
        self._mouth = mouth
        self._speech = speech
        self._models = models
        self._secret_key = secret_key  # opens the keys that plans carry
        self.judge = judge
        self._speculate = speculate

    @classmethod
    @contextlib.asynccontextmanager
    async def start(
        cls,
        models: Models,
        secret_key: str,
        keys: SpeechKeys | None = None,
        *,
        smart_turn: bool = False,
        speculate: bool = False,
    ) -> AsyncGenerator[Self]:
        """`keys`: the operator's for speech. Raises BadModelFolder: the Whisper model does not load."""
        keys = keys or SpeechKeys()
        async with contextlib.AsyncExitStack() as stack:
            ears, mouth = [await stack.enter_async_context(SpeechProcess()) for _ in range(2)]
            whisper = None
            if keys.whisper_model is not None:
                whisper = await stack.enter_async_context(WhisperProcess.start(keys.whisper_model))
            phrases_kept = PhraseCache(keys.phrases) if keys.phrases is not None else None
            vendors = SpeechVendors(
                ears,
                mouth,
                keys.keys,
                keys.base_urls,
                whisper=whisper,
                phrases=phrases_kept,
                services=keys.services,
            )
            speech = await stack.enter_async_context(vendors)
            judge = await stack.enter_async_context(SmartTurnProcess.start()) if smart_turn else None
            yield cls(ears, mouth, speech, models, secret_key, judge, speculate=speculate)

    @property
    def ready(self) -> bool:
        """True while both speech processes are up."""
        return self._ears.alive and self._mouth.alive

    async def make(
        self,
        plan: CallPlan,
        on_partial: OnPartial,
        on_model: Callable[[ModelCall], None] = lambda _: None,
        on_turn: OnTurn = no_turns,
        on_key_failed: Callable[[str, Failure], None] = lambda _vendor, _failure: None,
    ) -> Minds:
        """Return warm minds for one call; `on_model` is told what each request to a language model took,
        `on_key_failed` when a vendor of speech did not serve the organisation's own key.

        Raises:
            BadPlan: a provider or the playbook.
            MindsUnavailable: the recogniser cannot be had now, or the operator has stopped all models.
        """
        try:
            playbook = _playbook(plan)
            own, providers, language = own_keys(plan, self._secret_key), plan.providers, plan.agent.language
            models = (providers.llm, *providers.llm_fallbacks)
            if self._models.off and SCRIPTED not in models:
                raise MindsUnavailable("language models are switched off", "models_off")
            model = await self._models.open(models, playbook, own, on_model, own_only=plan.own_only)
            senses = await open_senses(plan, self._models, own, on_model)
            speech_keys = OwnKeys(own, plan.own_only, on_key_failed)
            voices, recognizers = (providers.tts, *providers.tts_fallbacks), (providers.stt, *providers.stt_fallbacks)
            stock = stock_phrases(language)
            voice = await self._speech.open_voice(
                voices, plan.agent.voice, language, speech_keys, fixed_phrases(playbook, stock), stock.all
            )
        except (BadPlaybook, UnknownModel, UnknownSpeech, BadSecret) as error:
            raise BadPlan(str(error)) from None
        greetings = recognizer_phrases(language) * GREETING_WEIGHT
        try:
            recognizer = await self._speech.open_recognizer(
                recognizers, language, phrases(playbook) + greetings, on_partial, on_turn, speech_keys
            )
        except UnknownSpeech as error:
            await voice.aclose()
            raise BadPlan(str(error)) from None
        except TranscriptionUnavailable as error:
            await voice.aclose()
            refused = error.failure is Failure.REFUSED_KEY
            raise MindsUnavailable(str(error), "speech_key_refused" if refused else "speech_away") from None
        lists = replace(lists_for(plan.agent.language), phrases=normals(phrases(playbook)))
        minds = Minds(
            recognizer,
            model,
            voice,
            normals(playbook.backchannels) | lists.backchannels,
            _variables(plan),
            _instructions(playbook, plan),
            offered(plan.tools, plan.agent.language),
            plan.agent.temperature,
            plan.agent.max_tokens,
            lists=lists,
            prompts=len(playbook.silence.prompts),
            judge=self.judge if plan.smart_turn else None,
            phrases=stock,
            greetings=greeting_words(),
            belongings=(voice.aclose,),
            senses=senses,
            open_ear=lambda: self._speech.open_recognizer(
                recognizers, language, phrases(playbook), no_words, own=speech_keys
            ),
            rung=plan.inbound is not None,
            ahead=model if self._speculate and plan.speculate and isinstance(model, Gateway) else None,
        )
        if plan.prompt is not None:
            minds.tell(plan.prompt, {})
        return minds


def _playbook(plan: CallPlan) -> Playbook:
    """Raises BadPlaybook."""
    playbook = parse(plan.playbook, "plan.playbook")
    return playbook if plan.inbound is None else for_callers(playbook, plan.inbound.greeting)


def _instructions(playbook: Playbook, plan: CallPlan) -> str:
    text = briefing.instructions(playbook)
    return text if plan.inbound is None else briefing.rung(text)


def _variables(plan: CallPlan) -> dict[str, str]:
    known = {"agent_name": plan.agent.name, "org_name": plan.org_name, "prospect_name": plan.prospect.name}
    return known | plan.variables


def own_keys(plan: CallPlan, secret_key: str) -> dict[str, str]:
    """Return the organisation's own keys for model and speech vendors, in clear.

    Raises:
        BadSecret: one does not open.
    """
    return {
        vendor: unseal(sealed, secret_key, plan.org_id, vendor)
        for vendor, sealed in plan.sealed_keys.items()
        if vendor in VENDORS or vendor in SPEECH_VENDORS
    }
