"""What a prompt's text may name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.llm.port import Message, Request, Role
from agent.llm.rendering import system_text
from crm.prompts.template import BUILT_IN, VALUE_CHARS_MAX, Compiled, faults_of


def test_what_calls_know_and_what_is_declared_is_fine() -> None:
    assert faults_of("You are {agent_name}. Offer {offer}. " + " ".join(f"{{{n}}}" for n in BUILT_IN), ["offer"]) == []


@pytest.mark.parametrize("text", ["{ofer}", "Hi {prospect_name}, {ofer}!", "{ ofer}", "{ofer }"])
def test_a_name_that_nobody_knows_is_told_with_the_remedy(text: str) -> None:
    [fault] = faults_of(text, ["offer"])
    assert "{ofer} is not known" in fault
    assert "declare it" in fault


@pytest.mark.parametrize("text", ["{Prospect_Name}", "{prospect name}", "{prospect-name}", "{x.y}"])
def test_a_name_that_would_never_be_filled_in_is_refused(text: str) -> None:
    [fault] = faults_of(text, [])
    assert "small letters" in fault


@pytest.mark.parametrize("text", ["{}", "{1}", '{"json": true}', "{\n}", "no braces", "}{"])
def test_other_braces_are_text(text: str) -> None:
    assert faults_of(text, []) == []


@given(st.text(st.sampled_from("{}ab _A1\n"), max_size=30))
def test_what_can_be_saved_has_no_variable_left_when_the_gateway_has_filled_it_in(text: str) -> None:
    known = {"a": "1", "b": "2", "ab": "3"} | dict.fromkeys(BUILT_IN, "x")
    if faults_of(text, known):
        return
    filled = system_text(Request((Message(Role.USER, "hi"),), text, known))
    assert not any(f"{{{name}}}" in filled for name in known)


def test_a_leads_own_values_go_before_the_defaults() -> None:
    compiled = Compiled("1.0", "", {"offer": "ten", "day": "Monday", "size": "?", "far": "no"})
    own = {"offer": "x" * 900, "size": 4, "far": ["a", "list"], "other": "not declared"}
    assert compiled.values(own) == {"offer": "x" * VALUE_CHARS_MAX, "day": "Monday", "size": "4", "far": "no"}
