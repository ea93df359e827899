"""What a call knows of the day and of its lead."""

from datetime import UTC, datetime

import pytest

from crm.agents.model import Agent
from crm.agents.started import StartedAgent, spoken_date
from crm.leads.model import Lead
from crm.prompts.template import BUILT_IN, Compiled

LATE = datetime(2026, 3, 1, 2, 5, tzinfo=UTC)


def started(language: str = "en-US") -> StartedAgent:
    return StartedAgent(Agent(name="Sol", language=language), Compiled("1.0", "", {"offer": "x", "agent_name": "no"}))


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "Sunday, 1 March 2026"), ("pt", "domingo, 1 de março de 2026"), ("de", "Sunday, 1 March 2026")],
)
def test_the_date_is_said_in_the_agents_language(language: str, said: str) -> None:
    assert spoken_date(LATE, language) == said


@pytest.mark.parametrize(
    ("zone", "today", "local_time"),
    [
        ("America/Sao_Paulo", "Saturday, 28 February 2026", "23:05"),
        ("", "Sunday, 1 March 2026", "02:05"),
        ("No/Where", "Sunday, 1 March 2026", "02:05"),
        ("../../etc", "Sunday, 1 March 2026", "02:05"),
    ],
)
def test_today_is_the_prospects(zone: str, today: str, local_time: str) -> None:
    known = started().variables(Lead(name="Dana", company="B", time_zone=zone, custom_fields={}), "Org", LATE)
    assert (known["today"], known["local_time"]) == (today, local_time)


def test_every_built_in_variable_is_filled_in_and_cannot_be_declared_away() -> None:
    known = started().variables(Lead(name="Dana", company="B", time_zone="", custom_fields={"offer": "y"}), "Org", LATE)
    assert known.keys() >= BUILT_IN
    assert (known["agent_name"], known["offer"]) == ("Sol", "y")
