"""A whole call over real sockets that language models hold: one breaks off in mid-sentence, another goes on."""

from collections import Counter
from pathlib import Path

import pytest
from pydantic import SecretStr

from agent.stock_phrases import stock_phrases
from bench.providers.anthropic_messages import AnthropicMessages
from bench.providers.chat_script import Answer, Call, Fault, InTurn, Refusal
from bench.providers.chat_server import ChatServer
from bench.providers.openai_chat import OpenAIChat
from events import call as events
from events.ids import new_id
from events.plan import Providers
from events.sealed_secret import seal
from events.wire import MODELS_OFF
from tests.telephony.stage import finished, set_stage

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("stage")]
NUMBER = "+12025550191"
OWN = "the-organisation-s-own-key"
GREETING = Answer(("Hello, this is Alex.", " Do you have", " a minute?"), gap_s=0.02)
BROKEN = Answer(("I will call you", " another day"), gap_s=0.02, fault=Fault.CUT, fault_after=1)
REST = Answer((" you another", " time. Goodbye."), calls=(Call("end_call", {"outcome": "no_response"}),))


async def test_a_call_held_by_models(redis_url: str, tmp_path: Path) -> None:
    call_id = new_id()
    async with (
        ChatServer(OpenAIChat(), InTurn((GREETING, BROKEN)), frozenset({OWN})) as first,
        ChatServer(AnthropicMessages(), InTurn((REST,))) as second,
        set_stage(
            redis_url,
            tmp_path,
            openai_api_key=SecretStr("the operator's, which this vendor refuses"),
            openai_base_url=first.base_url,
            anthropic_api_key=SecretStr("k"),
            anthropic_base_url=second.base_url,
        ) as stage,
    ):
        await stage.seat("silent", NUMBER)
        secret_key = stage.settings.secret_key.get_secret_value()
        reply = await stage.dial(
            call_id,
            NUMBER,
            providers=Providers(llm="openai:m", llm_fallbacks=("anthropic:m",)),
            sealed_keys={"openai": seal(OWN, secret_key, stage.org_id, "openai")},
            tools=("note_fact", "end_call"),
        )
        assert reply.accepted, reply.reason
        found = await stage.until(call_id, events.Closed)
    said = [
        event.body.heard_text
        for event in found
        if isinstance(event.body, events.TurnFinished) and event.body.speaker is events.Speaker.AGENT
    ]
    assert said == ["Hello, this is Alex. Do you have a minute?", "I will call you another time. Goodbye."]
    assert finished(found).outcome is events.Outcome.NO_RESPONSE
    used = [event.body for event in found if isinstance(event.body, events.ModelUsed)]
    assert [(one.provider, one.fate, one.failure, one.rank) for one in used] == [
        ("openai:m", "spoken", "", 0),
        ("openai:m", "spoken", "unavailable", 0),
        ("anthropic:m", "spoken", "", 1),
    ]
    assert (used[0].prompt_tokens, used[0].completion_tokens, used[0].estimated) == (20, 7, False)
    asked = [seen.body for seen in first.seen if seen.method == "POST"]
    assert "The call was answered" in str(asked[0])
    assert "automated assistant of Northwind Energy" in str(asked[0])
    assert "The caller says nothing" in str(asked[1])
    assert "I will call " in str(next(seen.body for seen in second.seen if seen.method == "POST"))


def said_by_agent(found: list[events.Event]) -> list[str]:
    turns = [event.body for event in found if isinstance(event.body, events.TurnFinished)]
    return [turn.heard_text for turn in turns if turn.speaker is events.Speaker.AGENT]


def notes(found: list[events.Event]) -> list[events.FactNoted]:
    return [event.body for event in found if isinstance(event.body, events.FactNoted)]


async def test_all_models_down_the_call_ends_with_an_apology_and_a_call_back(redis_url: str, tmp_path: Path) -> None:
    call_id = new_id()
    async with (
        ChatServer(OpenAIChat(), InTurn((GREETING, Refusal(500)))) as first,
        ChatServer(AnthropicMessages(), InTurn((Answer((), fault=Fault.STALL),))) as second,
        set_stage(
            redis_url,
            tmp_path,
            openai_api_key=SecretStr("k"),
            openai_base_url=first.base_url,
            anthropic_api_key=SecretStr("k"),
            anthropic_base_url=second.base_url,
        ) as stage,
    ):
        await stage.seat("silent", NUMBER)
        models = Providers(llm="openai:m", llm_fallbacks=("anthropic:m",))
        reply = await stage.dial(call_id, NUMBER, providers=models, tools=("end_call",))
        assert reply.accepted, reply.reason
        found = await stage.until(call_id, events.Closed)
    phrases = stock_phrases()
    assert said_by_agent(found)[1].endswith(phrases.sorry)
    end = finished(found)
    assert (end.outcome, end.reason) == (events.Outcome.SERVICE_FAILURE, "model_unavailable")
    assert notes(found) == [events.FactNoted(events.FactKind.BROKEN_OFF, "model_unavailable")]


async def test_switched_off_in_mid_call_the_sentence_ends_and_the_call_is_closed_politely(
    redis_url: str, tmp_path: Path
) -> None:
    call_id = new_id()
    own_redis = redis_url.rpartition("/")[0] + "/11"
    async with (
        ChatServer(OpenAIChat(), InTurn((GREETING,))) as vendor,
        set_stage(own_redis, tmp_path, openai_api_key=SecretStr("k"), openai_base_url=vendor.base_url) as stage,
    ):
        await stage.seat("silent", NUMBER)
        assert (await stage.dial(call_id, NUMBER, providers=Providers(llm="openai:m"), tools=("end_call",))).accepted
        await vendor.until(whole=1, timeout_s=30)
        await stage.redis.set(MODELS_OFF, "the model says odd things")
        found = await stage.until(call_id, events.Closed)
        await stage.redis.flushdb()
    assert said_by_agent(found) == ["Hello, this is Alex. Do you have a minute?", stock_phrases().closing]
    end = finished(found)
    assert (end.outcome, end.reason) == (events.Outcome.SERVICE_FAILURE, "models_off")
    assert [note.kind for note in notes(found)] == [events.FactKind.BROKEN_OFF]
    assert sum(seen.method == "POST" for seen in vendor.seen) == 1


async def test_answers_are_begun_before_the_caller_has_certainly_ended(redis_url: str, tmp_path: Path) -> None:
    """Every answer that was heard is one answer to one utterance, whatever was thrown away."""
    call_id = new_id()
    more = Answer(("I see.", " And when suits you?"), gap_s=0.02)
    bye = Answer(("Goodbye.",), calls=(Call("end_call", {"outcome": "callback_requested"}),))
    async with (
        ChatServer(OpenAIChat(), InTurn((GREETING, more, more, more, bye))) as vendor,
        set_stage(
            redis_url,
            tmp_path,
            openai_api_key=SecretStr("k"),
            openai_base_url=vendor.base_url,
            speculate=True,
        ) as stage,
    ):
        await stage.seat("eager", NUMBER)
        assert (await stage.dial(call_id, NUMBER, providers=Providers(llm="openai:m"), tools=("end_call",))).accepted
        found = await stage.until(call_id, events.Closed)
    fates = Counter(event.body.fate for event in found if isinstance(event.body, events.ModelUsed))
    turns = [event.body for event in found if isinstance(event.body, events.TurnFinished)]
    answers = [turn for turn in turns if turn.speaker is events.Speaker.AGENT]
    assert answers
    # Unheard ones were left by a caller who went on.
    assert fates["spoken"] >= len(answers)
    assert sum(fates.values()) == sum(seen.method == "POST" for seen in vendor.seen)
    assert set(fates) <= {"spoken", "thrown_away", "abandoned"}


async def test_a_plan_for_a_vendor_without_a_key_is_refused_before_the_dial(redis_url: str, tmp_path: Path) -> None:
    async with set_stage(redis_url, tmp_path) as stage:
        reply = await stage.dial(new_id(), NUMBER, providers=Providers(llm="gemini:m"))
    assert not reply.accepted
