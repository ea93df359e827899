"""The contract of a language model's provider: each vendor, through its SDK, against a server of its wire format."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final, Protocol

import httpx2
import pytest

from agent.llm.anthropic import AnthropicModel
from agent.llm.gemini import GeminiModel
from agent.llm.links import Access, open_links
from agent.llm.openai import OpenAIModel
from agent.llm.port import (
    Delta,
    EventName,
    Failure,
    Finish,
    FinishReason,
    Message,
    Model,
    ModelUnavailable,
    Request,
    Role,
    Text,
    Tool,
    ToolCall,
    Usage,
)
from bench.providers import chat_script as script
from bench.providers.anthropic_messages import AnthropicMessages
from bench.providers.chat_dialect import Dialect
from bench.providers.chat_script import Answer, Call, Fault, InTurn, Reaction, Refusal
from bench.providers.chat_server import ChatServer
from bench.providers.gemini_generate import GeminiGenerate
from bench.providers.openai_chat import OpenAIChat

KEY: Final = "key-of-the-test"
ANSWER: Final = Answer(("Hello", " there,", " olá."), prompt_tokens=31, completion_tokens=5)
TOOL: Final = Tool(
    "note_fact", "Note a fact.", {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
)
REQUEST: Final = Request(
    (
        Message(Role.EVENT, EventName.ANSWERED),
        Message(Role.ASSISTANT, "Hi, this is", cut_short=True),
        Message(Role.USER, "Who is this?"),
    ),
    instructions="You are {agent_name}.",
    variables={"agent_name": "Alex"},
    tools=(TOOL,),
    temperature=0.5,
    max_tokens=200,
)


class Vendor(Model, Protocol):
    async def warm(self) -> bool: ...
    async def check(self) -> None: ...


class Make(Protocol):
    def __call__(self, access: Access, model: str, links: httpx2.AsyncClient) -> Vendor: ...


@dataclass(frozen=True)
class Kind:
    dialect: type[Dialect]
    make: Make


KINDS: Final = {
    "openai": Kind(OpenAIChat, OpenAIModel),
    "anthropic": Kind(AnthropicMessages, AnthropicModel),
    "gemini": Kind(GeminiGenerate, GeminiModel),
}


class Bench:
    """A vendor's server, and the product's provider pointed at it."""

    def __init__(self, kind: Kind, server: ChatServer, links: httpx2.AsyncClient) -> None:
        self.kind, self.server, self.links = kind, server, links
        self.model = self.with_key(KEY)

    def with_key(self, key: str) -> Vendor:
        return self.kind.make(Access(key, self.server.base_url), "some-model", self.links)

    def plays(self, *reactions: Reaction) -> None:
        self.server.script = InTurn(reactions)

    async def ask(self, request: Request = REQUEST) -> list[Delta]:
        async with asyncio.timeout(10), aclosing(self.model.reply(request)) as deltas:
            return [delta async for delta in deltas]

    async def fails(self, request: Request = REQUEST) -> tuple[str, ModelUnavailable]:
        """Return the text that came before the failure, and the failure."""
        said: list[Delta] = []
        try:
            async with asyncio.timeout(10), aclosing(self.model.reply(request)) as deltas:
                async for delta in deltas:
                    said += [delta]
        except ModelUnavailable as error:
            return text(said), error
        pytest.fail(f"it answered: {said}")


@pytest.fixture(params=sorted(KINDS))
async def bench(request: pytest.FixtureRequest) -> AsyncGenerator[Bench]:
    kind = KINDS[request.param]
    async with ChatServer(kind.dialect(), InTurn((ANSWER,)), frozenset({KEY})) as server, open_links() as links:
        yield Bench(kind, server, links)


def text(deltas: list[Delta]) -> str:
    return "".join(delta.text for delta in deltas if isinstance(delta, Text))


async def test_an_answer_arrives_piece_by_piece_with_its_tokens_and_its_end(bench: Bench) -> None:
    deltas = await bench.ask()
    assert [delta.text for delta in deltas if isinstance(delta, Text)] == list(ANSWER.pieces)
    assert [delta for delta in deltas if isinstance(delta, Usage)][-1] == Usage(31, 5)
    assert deltas[-1] == Finish(FinishReason.STOP)


async def test_the_vendor_gets_the_conversation_in_its_own_form(bench: Bench) -> None:
    await bench.ask()
    sent = bench.server.seen[0].body
    assert bench.server.seen[0].key == KEY
    shown = str(sent)
    for part in ("You are Alex.", "Who is this?", "Hi, this is [interrupted here]", "answered", "note_fact"):
        assert part in shown
    assert "200" in shown
    assert ("0.5" in shown) == (bench.kind.dialect is not AnthropicMessages), "that vendor takes no temperature"
    assert "{agent_name}" not in shown


async def test_pieces_are_handed_on_while_the_rest_is_not_yet_written(bench: Bench) -> None:
    bench.plays(Answer(("One.", "Two."), gap_s=30))
    async with asyncio.timeout(10), aclosing(bench.model.reply(REQUEST)) as deltas:
        async for delta in deltas:
            if isinstance(delta, Text):
                assert delta.text == "One."
                break
    await bench.server.until(left=1)


async def test_closing_the_answer_closes_the_socket_to_the_vendor(bench: Bench) -> None:
    bench.plays(Answer(tuple("abcdefghij"), gap_s=0.05, fault=Fault.STALL, fault_after=9))
    async with asyncio.timeout(10):
        deltas = bench.model.reply(REQUEST)
        while not isinstance(await anext(deltas), Text):
            pass
        await deltas.aclose()
    await bench.server.until(left=1)
    assert not bench.server.seen[0].whole


async def test_cancelling_whoever_waits_for_a_token_closes_the_socket(bench: Bench) -> None:
    bench.plays(Answer(("late",), first_token_s=30))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await bench.ask()
    await bench.server.until(left=1)


@pytest.mark.parametrize("words", [(), ("I will note that.",)], ids=["call alone", "with words"])
async def test_tools_are_called_with_their_arguments(bench: Bench, words: tuple[str, ...]) -> None:
    bench.plays(Answer(words, calls=(Call("note_fact", {"text": "ação, 3 €"}), Call("end_call", {}, "call_2"))))
    deltas = await bench.ask()
    calls = [delta for delta in deltas if isinstance(delta, ToolCall)]
    assert [(call.name, dict(call.arguments)) for call in calls] == [
        ("note_fact", {"text": "ação, 3 €"}),
        ("end_call", {}),
    ]
    assert len({call.id for call in calls}) == 2
    assert text(deltas) == "".join(words)


@pytest.mark.parametrize("arguments", ['{"text": ', "[1]"])
async def test_arguments_that_cannot_be_read_are_garbage(bench: Bench, arguments: str) -> None:
    bench.plays(Answer(("Well.",), calls=(Call("note_fact", arguments),)))
    said, error = await bench.fails()
    assert said == "Well."
    assert error.failure is Failure.GARBAGE


@pytest.mark.parametrize(
    ("wire", "reason"), [(script.Finish.LENGTH, FinishReason.LENGTH), (script.Finish.FILTERED, FinishReason.FILTERED)]
)
async def test_an_answer_that_was_cut_off_says_why(bench: Bench, wire: script.Finish, reason: FinishReason) -> None:
    bench.plays(Answer(("Half a",), finish=wire))
    assert (await bench.ask())[-1] == Finish(reason)


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        (400, Failure.REFUSED_REQUEST),
        (401, Failure.REFUSED_KEY),
        (404, Failure.REFUSED_REQUEST),
        (429, Failure.RATE_LIMITED),
        (500, Failure.UNAVAILABLE),
        (503, Failure.UNAVAILABLE),
        (529, Failure.UNAVAILABLE),
    ],
)
async def test_a_refusal_has_its_kind(bench: Bench, status: int, failure: Failure) -> None:
    bench.plays(Refusal(status))
    said, error = await bench.fails()
    assert (said, error.failure) == ("", failure)
    assert len(bench.server.seen) == 1, "the SDK asked again by itself"


async def test_a_vendor_that_says_how_long_to_wait_is_heard(bench: Bench) -> None:
    bench.plays(Refusal(429, retry_after_s=12))
    assert (await bench.fails())[1].retry_after_s == 12


async def test_a_refusal_that_is_no_json_is_a_refusal_all_the_same(bench: Bench) -> None:
    bench.plays(Refusal(503, body=b"<html>upstream \xff went away</html>"))
    assert (await bench.fails())[1].failure is Failure.UNAVAILABLE


async def test_a_wrong_key_is_told_from_everything_else(bench: Bench) -> None:
    bench.model = bench.with_key("wrong")
    _, error = await bench.fails()
    assert error.failure is Failure.REFUSED_KEY
    assert "wrong" not in str(error)


@pytest.mark.parametrize(
    ("fault", "failures"),
    [
        (Fault.CUT, {Failure.CUT, Failure.UNAVAILABLE}),  # SDKs tell a reset apart from a failed connection or not
        (Fault.TRUNCATED, {Failure.CUT}),
        (Fault.GARBAGE, {Failure.GARBAGE}),
        (Fault.ERROR_EVENT, {Failure.UNAVAILABLE}),
    ],
)
async def test_an_answer_that_breaks_keeps_what_was_said(bench: Bench, fault: Fault, failures: set[Failure]) -> None:
    bench.plays(Answer(("Hello", " there,", " olá."), gap_s=0.02, fault=fault, fault_after=2))
    said, error = await bench.fails()
    assert said == "Hello there,"
    assert error.failure in failures


@pytest.mark.parametrize("pieces", [(), (" ", "\n")], ids=["nothing", "blanks"])
async def test_an_empty_answer_is_a_failure(bench: Bench, pieces: tuple[str, ...]) -> None:
    bench.plays(Answer(pieces))
    assert (await bench.fails())[1].failure is Failure.EMPTY


async def test_a_server_that_is_not_there(bench: Bench) -> None:
    gone = "http://127.0.0.1:9"  # the discard port: nobody listens
    bench.model = bench.kind.make(Access(KEY, gone), "some-model", bench.links)
    assert (await bench.fails())[1].failure is Failure.UNAVAILABLE
    assert not await bench.model.warm()
    with pytest.raises(ModelUnavailable):
        await bench.model.check()


async def test_a_connection_opened_before_the_dial_carries_the_answers(bench: Bench) -> None:
    assert await bench.model.warm()
    await bench.ask()
    await bench.ask()
    assert bench.server.connections == 1


async def test_a_key_is_checked_with_a_question_that_costs_nothing(bench: Bench) -> None:
    await bench.model.check()
    assert [seen.method for seen in bench.server.seen] == ["GET"]
    with pytest.raises(ModelUnavailable) as caught:
        await bench.with_key("wrong").check()
    assert caught.value.failure is Failure.REFUSED_KEY


async def test_the_result_of_a_tool_goes_back_with_its_call(bench: Bench) -> None:
    bench.plays(Answer(calls=(Call("note_fact", {"text": "ação"}),)), ANSWER)
    asked = [delta for delta in await bench.ask() if isinstance(delta, ToolCall)]
    call = ToolCall("call_4_0", asked[0].name, asked[0].arguments, asked[0].signature)
    told = (Message(Role.ASSISTANT, "A moment.", calls=(call,)), Message(Role.TOOL, "noted it", call_id="call_4_0"))
    assert text(await bench.ask(replace(REQUEST, messages=REQUEST.messages + told))) == "Hello there, olá."
    sent = bench.server.seen[1].body
    match bench.kind.dialect():
        case OpenAIChat():
            *_, agents, result = sent["messages"]
            assert (agents["role"], agents["content"]) == ("assistant", "A moment.")
            assert agents["tool_calls"][0]["function"]["name"] == "note_fact"
            assert json.loads(agents["tool_calls"][0]["function"]["arguments"]) == {"text": "ação"}
            assert result == {"role": "tool", "tool_call_id": agents["tool_calls"][0]["id"], "content": "noted it"}
        case AnthropicMessages():
            agents, other = (turn["content"] for turn in sent["messages"][-2:])
            used = {"type": "tool_use", "id": "call_4_0", "name": "note_fact", "input": {"text": "ação"}}
            assert agents == [{"type": "text", "text": "A moment."}, used]
            assert other == [{"type": "tool_result", "tool_use_id": "call_4_0", "content": "noted it"}]
        case _:
            agents, other = (turn["parts"] for turn in sent["contents"][-2:])
            assert agents[1]["functionCall"] == {"name": "note_fact", "args": {"text": "ação"}}
            assert agents[1]["thoughtSignature"], "a call without one is refused"
            assert other[0]["functionResponse"] == {"name": "note_fact", "response": {"result": "noted it"}}


async def test_a_tool_that_must_be_called_is_asked_for_in_the_vendor_s_form(bench: Bench) -> None:
    await bench.ask()
    bench.plays(Answer(calls=(Call("note_fact", {"text": "x"}),)))
    await bench.ask(replace(REQUEST, must_call="note_fact"))
    plain, forced = (seen.body for seen in bench.server.seen)
    match bench.kind.dialect():
        case OpenAIChat():
            assert "tool_choice" not in plain
            assert forced["tool_choice"] == {"type": "function", "function": {"name": "note_fact"}}
        case AnthropicMessages():
            assert "tool_choice" not in plain
            assert forced["tool_choice"] == {"type": "tool", "name": "note_fact"}
        case _:
            assert "toolConfig" not in plain
            calling = forced["toolConfig"]["functionCallingConfig"]
            assert calling == {"mode": "ANY", "allowedFunctionNames": ["note_fact"]}


async def test_a_second_model_is_told_what_was_said_already(bench: Bench) -> None:
    called = (ToolCall("1", "note_fact", {}),)
    await bench.ask(Request((Message(Role.USER, "Go on"),), said="Well, as I", called=called))
    shown = str(bench.server.seen[0].body)
    assert "Well, as I" in shown
    assert "do not call them again: note_fact" in shown


def test_keys_do_not_show() -> None:
    assert KEY not in repr(Access(KEY))


async def test_any_answer_is_text_or_one_error(bench: Bench) -> None:
    """Whatever pieces come, they arrive as they are."""
    for pieces in (("a\u2028b", "\r\n", "data: x\n\n"), ("\u0000", "😀", '"}'), ("x" * 20_000,)):
        bench.plays(Answer(pieces))
        assert text(await bench.ask()) == "".join(pieces)
