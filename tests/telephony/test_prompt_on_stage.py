"""A live call whose agent's prompt changes: the next turn speaks by the new version, and the way back as well."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from bench.providers.chat_script import Answer, Call, Seen
from bench.providers.chat_server import ChatServer
from bench.providers.openai_chat import OpenAIChat
from events import call as events
from events.command import PromptFor, UsePrompt
from events.ids import new_id
from events.plan import Agent, Prompt, Providers
from tests.telephony.stage import set_stage

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("stage")]
NUMBER = "+12025550192"
FIRST = Prompt("1.0", "Sell {offer}.")
SECOND = Prompt("1.1", "Give {offer} away.")


def by_prompt(seen: Seen) -> Answer:
    """Say which prompt was told, and what was offered; part when it has changed back."""
    system = str(seen.body["messages"][0]["content"])
    turns = sum(message["role"] == "assistant" for message in seen.body["messages"])
    said = f"You pay for {'nothing' if 'Give' in system else 'it'}."
    return Answer((said,), calls=(Call("end_call", {"outcome": "no_response"}),) if turns == 2 else ())


async def test_the_next_turn_speaks_by_the_new_version(redis_url: str, tmp_path: Path) -> None:
    call_id = new_id()
    async with (
        ChatServer(OpenAIChat(), by_prompt) as vendor,
        set_stage(redis_url, tmp_path, openai_api_key=SecretStr("k"), openai_base_url=vendor.base_url) as stage,
    ):
        await stage.seat("silent", NUMBER)
        reply = await stage.dial(
            call_id,
            NUMBER,
            providers=Providers(llm="openai:m"),
            prompt=FIRST,
            variables={"offer": "lamps"},
            agent=Agent(new_id(), "Sol", temperature=0.3, max_tokens=77),
            tools=("end_call",),
        )
        assert reply.accepted, reply.reason
        await stage.until(call_id, events.TurnFinished)
        other = UsePrompt(new_id(), SECOND, (PromptFor(call_id, {"offer": "stolen"}),))
        assert (await stage.send(other)).calls == (), "another organisation's command finds nothing"
        changed = UsePrompt(stage.org_id, SECOND, (PromptFor(call_id, {"offer": "chairs"}), PromptFor(new_id(), {})))
        assert (await stage.send(changed)).calls == (call_id,)
        await stage.until_turns(call_id, 2)
        back = UsePrompt(stage.org_id, FIRST, (PromptFor(call_id, {"offer": "lamps"}),))
        assert (await stage.send(back)).accepted
        found = await stage.until(call_id, events.Closed)
    turns = [event.body for event in found if isinstance(event.body, events.TurnFinished)]
    assert [(turn.prompt_version, turn.heard_text) for turn in turns] == [
        ("1.0", "You pay for it."),
        ("1.1", "You pay for nothing."),
        ("1.0", "You pay for it."),
    ]
    asked = [seen.body for seen in vendor.seen if seen.method == "POST"]
    assert "Sell lamps." in str(asked[0])
    assert "square brackets" in str(asked[0]), "what holds on every telephone is told too"
    assert "Give chairs away." in str(asked[1])
    assert (asked[0]["temperature"], asked[0]["max_tokens"]) == (0.3, 77)
