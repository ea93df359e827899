"""From a plan to the keys that its calls may use."""

import pytest

from agent.minds import own_keys
from events.ids import new_id
from events.plan import RECORDING_KEY, Agent, CallPlan, Prospect
from events.sealed_secret import BadSecret, seal

SECRET = "the secret of all processes"


def plan(**sealed_keys: str) -> CallPlan:
    org_id = new_id()
    sealed = {name: seal(key, SECRET, org_id, name) for name, key in sealed_keys.items()}
    return CallPlan(
        org_id=org_id,
        call_id=new_id(),
        org_name="Acme",
        agent=Agent(new_id(), "Al"),
        prospect=Prospect(new_id()),
        from_number="+12025550100",
        playbook={},
        sealed_keys=sealed,
    )


def test_keys_of_vendors_are_opened_and_others_left_alone() -> None:
    made = plan(openai="sk-1", deepgram="d-3", acme="a-4", **{RECORDING_KEY: "r"})
    assert own_keys(made, SECRET) == {"openai": "sk-1", "deepgram": "d-3"}


def test_a_key_that_does_not_open_is_an_error_and_no_call_without_it() -> None:
    with pytest.raises(BadSecret, match="openai"):
        own_keys(plan(openai="sk-1"), "another secret")
