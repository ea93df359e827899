"""What an agent may name is what voice knows."""

import pytest

from agent.llm import registry as models
from agent.stt import registry as stt
from agent.tts import registry as tts
from crm.agents.limits import (
    PROVIDERS,
    RECOGNISER_VENDORS,
    RECOGNISERS,
    SCRIPTED,
    VOICE_VENDORS,
    fault_of_model,
    fault_of_stt,
    fault_of_temperature,
    fault_of_voice,
)


def test_the_names_are_those_of_the_registries() -> None:
    assert set(PROVIDERS) == set(models.VENDORS)
    assert SCRIPTED == models.SCRIPTED
    assert set(stt.VENDORS) == RECOGNISER_VENDORS
    assert {stt.EMBEDDED, stt.WHISPER} == RECOGNISERS
    assert set(tts.VENDORS) == VOICE_VENDORS


@pytest.mark.parametrize("name", ["", "scripted", "openai:gpt", "gemini:a:b"])
def test_models_that_can_be_asked(name: str) -> None:
    assert fault_of_model(name) == ""


@pytest.mark.parametrize("name", ["embedded", "whisper", "deepgram:nova-3"])
def test_recognisers_that_can_be_had(name: str) -> None:
    assert fault_of_stt(name) == ""


@pytest.mark.parametrize("name", ["en-us", "pt-br", "elevenlabs:abc"])
def test_voices_that_can_be_had(name: str) -> None:
    assert fault_of_voice(name) == ""


@pytest.mark.parametrize(("model", "highest"), [("openai:m", 2.0), ("anthropic:m", 1.0), ("gemini:m", 2.0), ("", 1.0)])
def test_temperatures_end_where_the_provider_ends(model: str, highest: float) -> None:
    assert fault_of_temperature(model, highest) == ""
    assert fault_of_temperature(model, 0.0) == ""
    assert fault_of_temperature(model, highest + 0.01)
    assert fault_of_temperature(model, float("nan"))
