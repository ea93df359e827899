"""A simulated call's minds: the product's gateway, failovers and turn rules over simulated providers."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Final

import config
from agent.llm.attempt import Route
from agent.llm.breaker import Breaker
from agent.llm.gateway import Gateway
from agent.llm.playbook import Playbook, phrases
from agent.llm.playbook_file import load
from agent.llm.scripted import ScriptedModel
from agent.ports import Minds
from agent.stock_phrases import stock_phrases
from agent.stt.failover import FailoverRecognizers
from agent.stt.failover import Route as EarRoute
from agent.stt.port import OnPartial
from agent.tts.failover import CallVoices
from agent.tts.failover import Route as VoiceRoute
from agent.tts.phrase_cache import CachedVoice
from agent.turns.word_lists import lists_for
from agent.turns.wording import normals
from bench.sim.ears import EarTrouble, SimJudge, SimRecognizers, Speech
from bench.sim.models import ModelFault, SimModel
from bench.sim.mouths import Lexicon, SimPhrases, SimVoice, VoiceFault
from bench.sim.scenario import Scenario

PLAYBOOK: Final = Path(config.__file__).parent / "playbooks" / "energy_meeting.yaml"
_OFTEN: Final = 0.35  # how often a provider with a fault shows it

Note = Callable[[str, str], None]


@cache
def playbook() -> Playbook:
    return load(PLAYBOOK)


@cache
def _script() -> ScriptedModel:
    return ScriptedModel(playbook())


@cache
def _phrases() -> frozenset[str]:
    return normals(phrases(playbook()))


@dataclass(slots=True)
class Providers:
    """One call's, drawn from its scenario. Each has dice of its own, so that one's draws do not change another's."""

    scenario: Scenario
    speech: Speech
    note: Note
    lexicon: Lexicon
    tasks: asyncio.TaskGroup  # of the process: model requests outlive answers in it
    stt_failed: bool = False
    judge: SimJudge = field(init=False)

    def __post_init__(self) -> None:
        self.judge = SimJudge(self.speech, self._dice("judge"))

    async def open(self, on_partial: OnPartial) -> Minds:
        """Return the minds, as `agent.minds` would make them."""
        now_s = asyncio.get_running_loop().time
        scenario = self.scenario
        recognizers = FailoverRecognizers(
            [
                EarRoute(name, SimRecognizers(name, self.speech, self._ear(name), self.note), Breaker())
                for name in ("ear-a", "ear-b")
            ],
            now_s,
        )
        models = [Route(name, self._model(name), Breaker()) for name in ("model-a", "model-b")]
        voices = [VoiceRoute(name, self._voice(name), Breaker()) for name in ("voice-a", "voice-b")]
        gateway = Gateway(
            models, self.tasks, lambda call: self.note(call.provider, f"{call.fate.value} {call.failure}")
        )
        lists = replace(lists_for("en-US"), phrases=_phrases())
        return Minds(
            await recognizers.open((), on_partial),
            gateway,
            CallVoices(voices, now_s),
            normals(playbook().backchannels) | lists.backchannels,
            {"agent_name": "Alex", "org_name": "Northwind Energy", "prospect_name": "Sam"},
            lists=lists,
            ahead=gateway if scenario.speculates else None,
            judge=self.judge if scenario.has_judge else None,
        )

    def _dice(self, name: str) -> random.Random:
        return random.Random(f"{name} {self.scenario.dice_seed}")  # noqa: S311 - a repeatable experiment, no secret

    def _ear(self, name: str) -> EarTrouble:
        dice = self._dice(name)
        scenario = self.scenario

        def fails() -> bool:
            failed = scenario.has("stt_down") or (
                scenario.has("stt_fails") and name == "ear-a" and dice.random() < _OFTEN
            )
            self.stt_failed |= scenario.has("stt_down")  # with one of two left, nothing may be lost
            return failed

        return EarTrouble(scenario.stt_final_s, scenario.stt_lag_s, fails, dice.uniform(0.05, 0.8))

    def _model(self, name: str) -> SimModel:
        dice = self._dice(name)
        scenario = self.scenario
        mine = [
            fault
            for fault_name, fault in (
                ("model_slow", ModelFault.SLOW),
                ("model_late", ModelFault.LATE),
                ("model_refuses", ModelFault.REFUSES),
                ("model_cut", ModelFault.CUT),
                ("model_stalls", ModelFault.STALLS),
            )
            if scenario.has(fault_name) and name == "model-a"
        ]

        def fault() -> ModelFault:
            if scenario.has("models_down"):
                return ModelFault.REFUSES
            return dice.choice(mine) if mine and dice.random() < _OFTEN else ModelFault.NONE

        return SimModel(name, _script(), dice, self.note, scenario.first_token_s, fault)

    def _voice(self, name: str) -> CachedVoice:
        dice = self._dice(name)
        scenario = self.scenario
        mine = [
            fault
            for fault_name, fault in (
                ("voice_refuses", VoiceFault.REFUSES),
                ("voice_breaks", VoiceFault.BREAKS),
                ("voice_stalls", VoiceFault.STALLS),
            )
            if scenario.has(fault_name) and name == "voice-a"
        ]

        def fault() -> VoiceFault:
            return dice.choice(mine) if mine and dice.random() < _OFTEN else VoiceFault.NONE

        pace = 1.0 if name == "voice-a" else 1.15
        voice = SimVoice(name, self.lexicon, dice, self.note, scenario.first_audio_s, pace, fault)
        ready = frozenset(stock_phrases("en-US").all)
        return CachedVoice(voice, name, ready, SimPhrases(ready, self.lexicon, pace))
