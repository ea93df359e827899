"""What is kept of a request to a model (S74): counts. Nothing of what was said, whatever the vendor does or quotes."""

import logging
from contextlib import aclosing
from typing import Final

import msgspec
import pytest
from structlog.testing import capture_logs

from agent.llm.port import Message, ModelUnavailable, Request, Role, Tool
from agent.llm.registry import Models
from agent.llm.usage import ModelCall
from agent.report import model_used
from bench.providers.chat_script import Answer, Call, Fault, InTurn, Reaction, Refusal
from bench.providers.chat_server import ChatServer
from tests.agent.llm.test_vendors import KINDS

KEY: Final = "sk-a-key-that-nobody-may-read"
# Of a person, and in each place where a request has words: asked, told, answered, noted.
SECRETS: Final = (
    "dana.whitfield@bakery.example",
    "+1 212 555 0142",
    "twelve Elm Street",
    "my husband is ill",
    "four one one one",
    KEY,
)
REQUEST: Final = Request(
    (
        Message(Role.ASSISTANT, f"I have {SECRETS[0]} here."),
        Message(Role.USER, f"It is {SECRETS[1]}, and {SECRETS[3]}."),
    ),
    instructions=f"You speak with Dana of {SECRETS[2]}.",
    tools=(Tool("note_fact", "Note it.", {"type": "object", "properties": {"text": {"type": "string"}}}),),
    temperature=0.5,
)
QUOTING: Final = f'{{"error": {{"message": "cannot serve: {" ".join(SECRETS)}"}}}}'.encode()
NOTE: Final = Call("note_fact", {"text": SECRETS[4]})
REACTIONS: Final[dict[str, Reaction]] = {
    "answers": Answer((f"You live in {SECRETS[2]}.", " Right?"), calls=(NOTE,)),
    "refuses and quotes": Refusal(400, body=QUOTING),
    "fails and quotes": Refusal(500, body=QUOTING),
    "refuses the key": Refusal(401, body=QUOTING),
    "has us wait": Refusal(429, body=QUOTING),
    "sends garbage": Answer((f"{SECRETS[2]}", "x"), fault=Fault.GARBAGE, fault_after=1),
    "breaks off": Answer((f"{SECRETS[2]}", "x"), fault=Fault.CUT, fault_after=1),
    "tells an error": Answer((f"{SECRETS[2]}", "x"), fault=Fault.ERROR_EVENT, fault_after=1),
    "writes no JSON": Answer(calls=(Call("note_fact", f"{{{SECRETS[4]}"),)),
}

FIELDS: Final = frozenset(
    {"event", "log_level", "provider", "fate", "failure", "prompt_tokens", "completion_tokens"}
    | {"estimated", "cost_millicredits", "first_token_ms", "total_ms"}
)


@pytest.mark.parametrize("vendor", sorted(KINDS))
@pytest.mark.parametrize("reaction", sorted(REACTIONS))
async def test_neither_log_nor_record_has_a_word_of_it(
    vendor: str, reaction: str, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[ModelCall] = []
    failure = ""
    with caplog.at_level(logging.INFO), capture_logs() as lines:
        async with (
            ChatServer(KINDS[vendor].dialect(), InTurn((REACTIONS[reaction],))) as server,
            Models({vendor: KEY}, base_urls={vendor: server.base_url}) as models,
        ):
            model = await models.open([f"{vendor}:m"], None, on_call=calls.append)
            try:
                async with aclosing(model.reply(REQUEST)) as deltas:
                    async for _ in deltas:
                        pass
            except ModelUnavailable as error:
                failure = f"{error} {error!r} {error.__cause__} {error.__context__}"
    assert calls, "each request leaves a record"
    records = [msgspec.json.encode(model_used(call)).decode() for call in calls]
    assert [line["event"] for line in lines].count("llm.call") == len(calls)
    kept = "\n".join([failure, caplog.text, str(lines), *map(str, calls), *records])
    for secret in SECRETS:
        for part in {secret, secret.replace(" ", "%20"), secret.split("@")[0]}:
            assert part not in kept, f"{part!r} is kept"
    for line in lines:
        assert line["event"] != "llm.call" or set(line) <= FIELDS, "a new field may hold words: decide, and name it"
