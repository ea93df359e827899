"""The phrases that a playbook gives the recogniser."""

from agent.llm.playbook import INTENT_WEIGHT, Intent, phrases
from tests.agent.llm.playbooks import energy_meeting


def test_phrases_come_as_often_as_their_intent_weighs() -> None:
    playbook = energy_meeting()
    lines = phrases(playbook)
    opt_out = playbook.intents[Intent.OPT_OUT]

    assert lines.count("take me off your list") == opt_out.weight * INTENT_WEIGHT


def test_days_hours_and_their_joints_can_be_heard() -> None:
    lines = set(phrases(energy_meeting()))

    assert {"tomorrow at ten", "monday morning", "half past two", "at three o'clock", "call me back tomorrow"} <= lines


def test_objections_and_backchannels_can_be_heard() -> None:
    playbook = energy_meeting()
    lines = set(phrases(playbook))

    assert all(phrase in lines for objection in playbook.objections for phrase in objection.phrases)
    assert all(phrase in lines for phrase in playbook.backchannels)
