"""Models by name, with the keys they need."""

import asyncio
from contextlib import aclosing
from typing import Final

import pytest
from structlog.testing import capture_logs

from agent.llm.port import EventName, Failure, Message, ModelUnavailable, Request, Role, Text
from agent.llm.race import Patience
from agent.llm.registry import VENDORS, Models, UnknownModel, load_provider, split_name
from agent.llm.scripted import ScriptedModel
from agent.llm.usage import Fate, ModelCall
from bench.providers.anthropic_messages import AnthropicMessages
from bench.providers.chat_script import Answer, Fault, InTurn, Refusal
from bench.providers.chat_server import ChatServer
from bench.providers.openai_chat import OpenAIChat
from tests.agent.llm.playbooks import energy_meeting

KEYS: Final = {"openai": "k"}
GREET: Final = Request((Message(Role.EVENT, EventName.ANSWERED),), variables={"agent_name": "Al", "org_name": "Org"})


async def say(model: object, request: Request = GREET) -> str:
    async with asyncio.timeout(20), aclosing(model.reply(request)) as deltas:  # type: ignore[attr-defined]
        return "".join([delta.text async for delta in deltas if isinstance(delta, Text)])


async def test_the_scripted_model_alone_needs_no_gateway() -> None:
    async with Models({}) as models:
        assert isinstance(await models.open(["scripted"], energy_meeting()), ScriptedModel)


@pytest.mark.parametrize("name", ["gpt-9", "acme:gpt", "openai", "openai:", ""])
async def test_an_unknown_model_is_named_with_those_that_are_known(name: str) -> None:
    async with Models({}) as models:
        with pytest.raises(UnknownModel, match=r"anthropic:MODEL.*openai:MODEL"):
            await models.open([name], energy_meeting())


async def test_a_model_without_a_key_says_where_keys_go() -> None:
    async with Models({}) as models:
        with pytest.raises(UnknownModel, match="SALESOS_OPENAI_API_KEY"):
            await models.open(["openai:gpt-4o"], energy_meeting())


@pytest.mark.parametrize("vendor", sorted(VENDORS))
async def test_every_vendor_can_be_loaded(vendor: str) -> None:
    assert callable(await load_provider(vendor))
    assert split_name(f"{vendor}:a:b") == (vendor, "a:b")


async def test_an_organisation_s_key_goes_before_the_operator_s_and_fails_by_itself() -> None:
    calls: list[ModelCall] = []
    async with ChatServer(OpenAIChat(), InTurn((Answer(("Hello.",)),)), frozenset({"theirs", "ours"})) as server:
        url = server.base_url
        async with Models({"openai": "ours"}, base_urls={"openai": url}, on_call=calls.append) as models:
            own = await models.open(["openai:m"], energy_meeting(), {"openai": "theirs"})
            refused = await models.open(["openai:m"], energy_meeting(), {"openai": "stale"}, own_only=("openai",))
            plain = await models.open(["openai:m"], energy_meeting())
            assert await say(own) == "Hello."
            with pytest.raises(ModelUnavailable) as caught:
                await say(refused)
            assert await say(plain) == "Hello.", "their refused key does not shut ours out"
    assert caught.value.failure is Failure.REFUSED_KEY
    assert [seen.key for seen in server.seen if seen.method == "POST"] == ["theirs", "stale", "ours"]
    assert [(call.failure, call.own_key) for call in calls] == [
        (None, True),
        (Failure.REFUSED_KEY, True),
        (None, False),
    ]


async def test_the_operator_s_key_stands_in_for_a_refused_one_and_rests_it_meanwhile() -> None:
    calls: list[ModelCall] = []
    async with ChatServer(OpenAIChat(), InTurn((Answer(("Hello.",)),)), frozenset({"ours"})) as server:
        urls = {"openai": server.base_url}
        async with Models({"openai": "ours"}, base_urls=urls, on_call=calls.append) as models:
            model = await models.open(["openai:m"], energy_meeting(), {"openai": "stale"})
            with capture_logs() as logs:
                assert await say(model) == "Hello."
                assert await say(model) == "Hello."
    assert [seen.key for seen in server.seen if seen.method == "POST"] == ["stale", "ours", "ours"]
    assert [(call.own_key, call.rank, call.fate) for call in calls] == [
        (True, 0, Fate.FAILED),
        (False, 0, Fate.SPOKEN),
        (False, 0, Fate.SPOKEN),
    ], "the same model: no fall back to another one"
    alerts = [line for line in logs if line["event"] == "provider_key.failed"]
    assert [(line["provider"], line["failure"]) for line in alerts] == [("openai:m", "refused_key")]
    assert "stale" not in str(logs)


@pytest.mark.parametrize("fault", [Refusal(500), Answer((), fault=Fault.STALL)])
async def test_a_vendor_that_is_down_is_not_asked_again_with_the_operator_s_key(fault: Refusal | Answer) -> None:
    async with (
        ChatServer(OpenAIChat(), InTurn((fault,))) as down,
        ChatServer(AnthropicMessages(), InTurn((Answer(("Hello.",)),))) as good,
    ):
        urls = {"openai": down.base_url, "anthropic": good.base_url}
        async with Models({"openai": "ours", "anthropic": "ours"}, base_urls=urls) as models:
            model = await models.open(["openai:m", "anthropic:m"], energy_meeting(), {"openai": "theirs"})
            assert await say(model) == "Hello."
    assert {seen.key for seen in down.seen if seen.method == "POST"} == {"theirs"}


async def test_a_blocked_key_lets_no_other_account_of_the_operator_s_stand_in_but_an_outage_does() -> None:
    async with (
        ChatServer(OpenAIChat(), InTurn((Refusal(500), Answer(("Unused.",)))), frozenset({"theirs"})) as first,
        ChatServer(AnthropicMessages(), InTurn((Answer(("Hello.",)),))) as second,
    ):
        urls = {"openai": first.base_url, "anthropic": second.base_url}
        names = ["openai:m", "anthropic:m", "scripted"]
        async with Models({"anthropic": "ours"}, base_urls=urls) as models:
            own_only = ("openai",)
            down = await models.open(names, energy_meeting(), {"openai": "theirs"}, own_only=own_only)
            assert await say(down) == "Hello."
            refused = await models.open(names, energy_meeting(), {"openai": "stale"}, own_only=own_only)
            assert "this is Al" in await say(refused), "the script costs nobody anything"
            theirs = {"openai": "stale", "anthropic": "theirs"}
            other = await models.open(names, energy_meeting(), theirs, own_only=own_only)
            assert await say(other) == "Hello.", "with a key of the organisation's"
    assert [seen.key for seen in second.seen if seen.method == "POST"] == ["ours", "theirs"]


async def test_a_breaker_outlives_the_call_that_found_out() -> None:
    async with (
        ChatServer(OpenAIChat(), InTurn((Refusal(429, retry_after_s=600),))) as limited,
        ChatServer(AnthropicMessages(), InTurn((Answer(("Hello.",)),))) as good,
    ):
        urls = {"openai": limited.base_url, "anthropic": good.base_url}
        async with Models({"openai": "k", "anthropic": "k"}, base_urls=urls) as models:
            for _ in range(2):
                assert await say(await models.open(["openai:m", "anthropic:m"], energy_meeting())) == "Hello."
    assert sum(seen.method == "POST" for seen in limited.seen) == 1


async def test_the_script_speaks_when_every_vendor_is_down() -> None:
    calls: list[ModelCall] = []
    async with (
        ChatServer(OpenAIChat(), InTurn((Refusal(500),))) as server,
        Models(KEYS, base_urls={"openai": server.base_url}, on_call=calls.append) as models,
    ):
        model = await models.open(["openai:m", "scripted"], energy_meeting())
        assert "this is Al" in await say(model)
    assert [(call.provider, call.fate) for call in calls] == [("openai:m", Fate.FAILED), ("scripted", Fate.SPOKEN)]


async def test_switched_off_the_script_speaks_and_no_vendor_is_asked() -> None:
    async with (
        ChatServer(OpenAIChat(), InTurn((Answer(("Hi.",)),))) as server,
        Models(KEYS, base_urls={"openai": server.base_url}, is_off=lambda: True) as models,
    ):
        assert "this is Al" in await say(await models.open(["openai:m", "scripted"], energy_meeting()))
        with pytest.raises(ModelUnavailable) as caught:
            await say(await models.open(["openai:m"], energy_meeting()))
    assert caught.value.failure is Failure.SWITCHED_OFF
    assert [seen for seen in server.seen if seen.method == "POST"] == []


async def test_the_script_does_not_start_anew_in_another_s_sentence() -> None:
    async with Models({}) as models:
        model = await models.open(["scripted"], energy_meeting())
        request = Request(GREET.messages, variables=GREET.variables, said="Hello, this ")
        assert await say(model, request) == ""


async def test_whoever_asks_with_a_patience_of_its_own_keeps_no_call_from_its_model() -> None:
    unhurried = Patience(hedge_after_s=4.0, first_token_s=4.0, give_up_s=4.0)
    async with (
        ChatServer(OpenAIChat(), InTurn((Refusal(500),)), frozenset({"k"})) as server,
        Models(KEYS, base_urls={"openai": server.base_url}) as models,
    ):
        aside = await models.open(["openai:m"], None, patience=unhurried)
        asked = -1
        while len(server.seen) > asked:  # until its breaker is open, and it is not asked any more
            asked = len(server.seen)
            with pytest.raises(ModelUnavailable):
                await say(aside)
        server.script = InTurn((Answer(("Hello.",)),))
        assert await say(await models.open(["openai:m"], None)) == "Hello."


async def test_more_than_a_tenth_of_the_answers_by_another_model_is_an_alert() -> None:
    """S28: the expensive model behind the first one."""
    good, bad = Answer(("Hello.",)), Refusal(400)
    async with (
        ChatServer(OpenAIChat(), InTurn((*[good] * 18, bad, bad, bad, good))) as cheap,
        ChatServer(AnthropicMessages(), InTurn((good,))) as dear,
    ):
        urls = {"openai": cheap.base_url, "anthropic": dear.base_url}
        async with Models({"openai": "k", "anthropic": "k"}, base_urls=urls) as models:
            with capture_logs() as logs:
                for _ in range(22):
                    model = await models.open(["openai:m", "anthropic:m"], energy_meeting())
                    assert await say(model) == "Hello."
            assert models.fallback_share == pytest.approx(3 / 22)
    alerts = [line for line in logs if line["event"] == "llm.fallback_share_high"]
    assert [(line["log_level"], line["share"]) for line in alerts] == [("warning", 0.143)]
