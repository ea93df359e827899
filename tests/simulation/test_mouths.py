"""The simulated voices and models: the words they are given, and the faults that they are told to have."""

import random
from contextlib import aclosing

import pytest

from agent.llm.port import EventName, Message, ModelUnavailable, Request, Role, Text
from agent.llm.scripted import ScriptedModel
from agent.tts.port import SpeechUnavailable
from bench.sim import word_code
from bench.sim.loop import SimLoop, run_virtual
from bench.sim.models import ModelFault, SimModel
from bench.sim.mouths import Lexicon, SimVoice, VoiceFault
from bench.sim.providers import playbook


def _dice() -> random.Random:
    return random.Random(3)  # noqa: S311 - repeatable, no secret


def _quiet(who: str, text: str) -> None: ...


def _spoken(fault: VoiceFault) -> tuple[list[str], Lexicon, bool]:
    async def main(_: SimLoop) -> tuple[list[str], Lexicon, bool]:
        lexicon = Lexicon()
        voice = SimVoice("v", lexicon, _dice(), _quiet, fault=lambda: fault)
        sound = b""
        failed = False
        try:
            async with aclosing(voice.speak("Do you have a minute?")) as pieces:
                async for piece in pieces:
                    sound += piece.audio
        except SpeechUnavailable:
            failed = True
        numbers = dict.fromkeys(coded.number for _, coded in word_code.decode(sound))
        return [lexicon.words[number][0] for number in numbers], lexicon, failed

    return run_virtual(main)


def test_a_voice_says_its_words() -> None:
    words, lexicon, failed = _spoken(VoiceFault.NONE)
    assert " ".join(words) == "Do you have a minute?"
    assert [text for text, _ in lexicon.words] == words
    assert not failed


@pytest.mark.parametrize(("fault", "most"), [(VoiceFault.REFUSES, 0), (VoiceFault.BREAKS, 4)])
def test_a_voice_fails_where_it_should(fault: VoiceFault, most: int) -> None:
    words, _, failed = _spoken(fault)
    assert failed
    assert len(words) <= most


REQUEST = Request((Message(Role.EVENT, EventName.ANSWERED),), variables={"agent_name": "Alex", "org_name": "Northwind"})
GREETING = "Hello, this is Alex, the automated assistant of Northwind. This call is recorded. Do you have a minute?"


def _answered(fault: ModelFault, request: Request = REQUEST) -> tuple[str, bool]:
    async def main(_: SimLoop) -> tuple[str, bool]:
        model = SimModel("m", ScriptedModel(playbook()), _dice(), _quiet, fault=lambda: fault)
        text = ""
        try:
            async with aclosing(model.reply(request)) as deltas:
                async for delta in deltas:
                    text += delta.text if isinstance(delta, Text) else ""
        except ModelUnavailable:
            return text, True
        return text, False

    return run_virtual(main)


def test_a_model_says_what_the_playbook_would() -> None:
    assert _answered(ModelFault.NONE) == (f"{GREETING} ", False)


@pytest.mark.parametrize("fault", [ModelFault.REFUSES, ModelFault.EMPTY])
def test_a_model_that_refuses_says_nothing(fault: ModelFault) -> None:
    assert _answered(fault) == ("", True)


def test_a_model_that_is_cut_has_said_the_beginning() -> None:
    text, failed = _answered(ModelFault.CUT)
    assert failed
    assert text
    assert GREETING.startswith(text.strip())
    assert text.strip() != GREETING


def test_a_model_goes_on_behind_another_s_words_and_may_repeat_some() -> None:
    said = "Hello, this is Alex, the"
    request = Request(REQUEST.messages, variables=REQUEST.variables, said=said)
    text, _ = _answered(ModelFault.NONE, request)
    assert GREETING.endswith(text.strip())
    assert len(text.split()) in {len(GREETING.split()) - len(said.split()) + repeats for repeats in (0, 3, 4)}
