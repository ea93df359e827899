"""Models by name."""

import pytest

from agent.llm.registry import UnknownModel, open_model
from agent.llm.scripted import ScriptedModel
from tests.agent.llm.playbooks import energy_meeting


def test_the_scripted_model_is_known() -> None:
    assert isinstance(open_model("scripted", energy_meeting()), ScriptedModel)


def test_an_unknown_model_is_named_with_those_that_are_known() -> None:
    with pytest.raises(UnknownModel, match=r"gpt-9.*scripted"):
        open_model("gpt-9", energy_meeting())
