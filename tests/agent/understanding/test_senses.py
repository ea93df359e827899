"""From a plan to what a call understands with."""

from agent.llm.registry import Models
from agent.understanding.objections import find_objections
from agent.understanding.senses import open_senses
from events.ids import new_id
from events.plan import Agent, CallPlan, Prospect, Providers
from events.understanding import CorrectedObjection, ObjectionKind


def plan(language: str = "en-US", sentiment: str = "", corrected: tuple[CorrectedObjection, ...] = ()) -> CallPlan:
    return CallPlan(
        org_id=new_id(),
        call_id=new_id(),
        org_name="Acme",
        agent=Agent(new_id(), "Al", language=language),
        prospect=Prospect(new_id()),
        from_number="+12025550100",
        playbook={},
        providers=Providers(sentiment=sentiment),
        corrected=corrected,
    )


async def test_the_lexicon_is_the_agent_s_language_s_and_asks_nobody() -> None:
    async with Models({}) as models:
        senses = await open_senses(plan("pt-BR"), models, {}, lambda _: None)
    assert senses.lexicon.language == "pt"
    assert senses.model is None


async def test_a_named_model_is_opened_with_the_organisation_s_key() -> None:
    async with Models({}) as models:
        senses = await open_senses(plan(sentiment="openai:m"), models, {"openai": "k"}, lambda _: None)
        assert senses.model is not None
        assert senses.model_name == "openai:m"


async def test_a_model_that_cannot_be_had_costs_the_call_nothing() -> None:
    async with Models({}) as models:
        for name in ("openai:m", "nobody:m", "scripted", "openai"):
            senses = await open_senses(plan(sentiment=name), models, {}, lambda _: None)
            assert senses.model is None
            assert not senses.lexicon.is_empty


async def test_corrections_travel_in_the_plan() -> None:
    async with Models({}) as models:
        corrected = (CorrectedObjection("the church owns it", "authority"),)
        senses = await open_senses(plan(corrected=corrected), models, {}, lambda _: None)
    [found] = find_objections("well the church owns it", senses.lexicon, senses.examples)
    assert found.kind is ObjectionKind.AUTHORITY
