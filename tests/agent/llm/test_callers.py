"""A playbook as it is for who rings us."""

import msgspec
import pytest

from agent.llm.callers import for_callers
from agent.llm.playbook import Callers, Intent
from agent.llm.playbook_file import BadPlaybook, parse
from tests.agent.llm.playbooks import energy_meeting


def test_it_greets_and_asks_in_its_own_words_for_callers() -> None:
    plain = energy_meeting()
    assert plain.callers is not None
    made = for_callers(plain)
    assert made.opening.greeting == plain.callers.greeting
    assert made.opening.disclosure == plain.opening.disclosure, "what must be said is said to callers too"
    assert (made.steps[0].id, made.steps[0].ask, made.steps[0].say) == ("decision_maker", plain.callers.ask, "")
    assert [step.id for step in made.steps[1:]] == [step.id for step in plain.steps[2:]]


def test_a_numbers_greeting_goes_before() -> None:
    assert for_callers(energy_meeting(), "Front desk.").opening.greeting == "Front desk."


def test_one_without_words_for_callers_greets_as_ever() -> None:
    plain = msgspec.structs.replace(energy_meeting(), callers=None)
    made = for_callers(plain)
    assert (made.opening, made.steps) == (plain.opening, plain.steps)


def test_who_wants_to_leave_a_message_is_no_machine() -> None:
    assert Intent.MACHINE in energy_meeting().intents
    assert Intent.MACHINE not in for_callers(energy_meeting()).intents


@pytest.mark.parametrize("step", ["nowhere", "meeting"])
def test_it_begins_with_a_step_that_there_is_before_the_last(step: str) -> None:
    written = msgspec.to_builtins(energy_meeting())
    written["callers"] = msgspec.to_builtins(Callers("Hello.", "Who is it?", step))
    with pytest.raises(BadPlaybook, match=r"callers\.first_step.*permission, decision_maker"):
        parse(written, "test")
