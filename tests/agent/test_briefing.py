"""What a model is told, and what it may do."""

from agent import briefing
from agent.llm.port import Request
from agent.llm.rendering import system_text
from tests.agent.llm.playbooks import energy_meeting


def test_a_model_is_told_all_that_must_be_said() -> None:
    playbook = energy_meeting()
    text = briefing.instructions(playbook)
    for line in (playbook.opening.greeting, playbook.opening.disclosure, playbook.voicemail.message):
        assert line in text
    assert all(step.ask in text for step in playbook.steps)
    assert all(objection.answer in text for objection in playbook.objections)


def test_its_variables_are_filled_in() -> None:
    variables = {"agent_name": "Al", "org_name": "Acme", "prospect_name": "Jo", "when": "on Monday"}
    text = system_text(Request((), briefing.instructions(energy_meeting()), variables))
    assert "You are Al, the automated assistant of Acme." in text
    assert "{agent_name}" not in text


def test_who_rang_us_is_known() -> None:
    assert briefing.rung("Sell.").startswith("Sell.\n\n")
    assert "has rung you" in briefing.rung("Sell.")
