"""Conversations over HTTP: begun, listed, handed over, written in, read, and nobody else's."""

import json
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from config.settings import Settings
from crm.database import Sessions
from crm.inbox.model import Conversation, Message, ReadMark
from crm.outbox.model import OutboxEvent
from crm.permissions import Role
from events.ids import new_id
from tests.crm.call_story import rows
from tests.crm.conftest import Org, add_member, make_org, token_of
from tests.crm.test_api import data, problem

BASE = "/api/conversations"


async def begun(api: httpx.AsyncClient, org: Org, channel: str = "chat", **more: Any) -> str:
    body = {"lead_id": str(org.lead_id), "channel": channel} | more
    return str(data(await api.post(BASE, json=body), 201)["id"])


async def written(api: httpx.AsyncClient, conversation: str, content: str, role: str = "user") -> dict[str, Any]:
    path = f"{BASE}/{conversation}/messages"
    return dict(data(await api.post(path, json={"content": content, "role": role}), 201))


async def told(sessions: Sessions, org: Org, kind: str) -> list[dict[str, Any]]:
    """Return the bodies of the events of a kind."""
    return [event.body for event in await rows(sessions, org, OutboxEvent) if event.kind == kind]


async def test_a_conversation_is_begun_handed_over_and_closed(
    api: httpx.AsyncClient, org: Org, sessions: Sessions
) -> None:
    subject = {"subject": " Your offer ", "metadata": {"ticket": 7}}
    answer = await api.post(BASE, json={"lead_id": str(org.lead_id), "channel": "email"} | subject)
    made = data(answer, 201)
    assert (made["status"], made["subject"], made["metadata"]) == ("active", "Your offer", {"ticket": 7})
    assert (made["messages"], made["unread"], made["owner_id"]) == (0, 0, None)
    path, read = f"{BASE}/{made['id']}", {"If-Match": answer.headers["etag"]}
    body = {"owner_id": str(org.user_id), "status": "closed"}
    changed = await api.put(path, json=body, headers=read)
    assert (data(changed)["owner_id"], data(changed)["status"]) == (str(org.user_id), "closed")
    assert (data(changed)["subject"], data(changed)["channel"]) == ("", "email")
    problem(await api.put(path, json=body, headers=read), 412, "version_changed")
    data(await api.put(path, json=body, headers={"If-Match": changed.headers["etag"]}))
    # Told when it changes hands, not each time that it is saved.
    assert [body["owner_id"] for body in await told(sessions, org, "conversation.assigned")] == [str(org.user_id)]
    stranger = await make_org(sessions)
    details = problem(await api.put(path, json={"owner_id": str(stranger.user_id)}), 400, "invalid_request")
    assert details["fields"][0]["field"] == "body.owner_id"
    assert (await api.delete(path)).status_code == 405


async def test_messages_are_numbered_and_a_closed_conversation_is_opened_by_one(
    api: httpx.AsyncClient, org: Org, sessions: Sessions
) -> None:
    conversation = await begun(api, org, status="closed")
    first = await written(api, conversation, " when do you open? ")
    assert (first["content"], first["number"], first["direction"]) == ("when do you open?", 1, "in")
    assert (first["status"], first["delivery"], first["author_id"]) == ("delivered", "none", str(org.user_id))
    second = await written(api, conversation, "at nine", "assistant")
    assert (second["number"], second["direction"], second["status"]) == (2, "out", "queued")
    assert second["delivery"] == "no_channel", "nothing says that it was sent"
    third = await written(api, conversation, "call her instead", "system")
    assert (third["direction"], third["delivery"]) == ("internal", "none")
    now = data(await api.get(f"{BASE}/{conversation}"))
    assert (now["status"], now["messages"], now["last_message_at"]) == ("active", 3, third["created_at"])
    kinds = [(body["message_id"], body["delivery"]) for body in await told(sessions, org, "message.created")]
    assert kinds == [(first["id"], "none"), (second["id"], "no_channel"), (third["id"], "none")]


async def test_pages_of_messages_by_number_and_by_cursor(api: httpx.AsyncClient, org: Org) -> None:
    conversation = await begun(api, org)
    for number in range(5):
        await written(api, conversation, f"line {number}")
    path = f"{BASE}/{conversation}/messages"
    page = await api.get(path, params={"limit": 2, "page": 2})
    assert [message["number"] for message in data(page)] == [3, 2]
    assert page.json()["pagination"] == {
        **{"page": 2, "limit": 2, "total": 5, "pages": 3},
        **{"hasNext": True, "hasPrev": True},
    }
    for order, expected in (("asc", [1, 2, 3, 4, 5]), ("desc", [5, 4, 3, 2, 1])):
        seen: list[int] = []
        cursor: str | None = ""
        while cursor is not None:
            part = await api.get(path, params={"limit": 2, "order": order, "cursor": cursor})
            seen += [message["number"] for message in data(part)]
            cursor = part.json()["pagination"]["next"]
        assert seen == expected
    problem(await api.get(path, params={"cursor": "x"}), 400, "invalid_request")


async def test_what_is_unread_is_each_persons_own(
    api: httpx.AsyncClient, app: FastAPI, settings: Settings, org: Org, sessions: Sessions
) -> None:
    one, two = await begun(api, org), await begun(api, org)
    first = await written(api, one, "hello?")
    await written(api, one, "hello", "assistant")
    await written(api, one, "are you there?")
    await written(api, two, "good morning")
    other = await add_member(sessions, org, Role.REP)
    assert data(await api.get(f"{BASE}/unread")) == {"conversations": 2, "messages": 3}

    assert data(await api.post(f"{BASE}/{one}/read", json={"message_id": first["id"]}))["unread"] == 1
    assert data(await api.post(f"{BASE}/{one}/read", json={}))["unread"] == 0
    again = await api.post(f"{BASE}/{one}/read", json={"message_id": first["id"]})
    assert data(again)["unread"] == 0, "what was read stays read"
    assert data(await api.get(f"{BASE}/unread")) == {"conversations": 1, "messages": 1}
    assert [found["id"] for found in data(await api.get(BASE, params={"unread": True}))] == [two]
    assert [found["id"] for found in data(await api.get(BASE, params={"unread": False}))] == [one]
    assert [found["unread"] for found in data(await api.get(BASE))] == [1, 0], "the one written in last comes first"
    await written(api, one, "well?")
    assert data(await api.get(f"{BASE}/{one}"))["unread"] == 1
    api.headers["Authorization"] = f"Bearer {token_of(other, settings)}"
    assert data(await api.get(f"{BASE}/unread")) == {"conversations": 2, "messages": 4}
    problem(await api.post(f"{BASE}/{two}/read", json={"message_id": first["id"]}), 404, "message_not_found")


async def test_lists_are_filtered(api: httpx.AsyncClient, org: Org) -> None:
    mail = await begun(api, org, "email", owner_id=str(org.user_id))
    chat = await begun(api, org, status="closed")
    for asked, expected in (
        ({"channel": "email"}, [mail]),
        ({"status": "closed"}, [chat]),
        ({"owner_id": str(org.user_id)}, [mail]),
        ({"lead_id": str(org.lead_id)}, [chat, mail]),
        ({"lead_id": str(org.lead_id), "sort": "created_at", "order": "asc"}, [mail, chat]),
        ({"lead_id": str(new_id())}, []),
    ):
        found = await api.get(BASE, params=asked)
        assert [conversation["id"] for conversation in data(found)] == expected, asked
        assert found.json()["pagination"]["total"] == len(expected)
        after = await api.get(BASE, params={**asked, "cursor": "", "limit": 1})
        assert [conversation["id"] for conversation in data(after)] == expected[:1]
        assert after.json()["pagination"]["hasNext"] is (len(expected) > 1)
    for bad in ({"sort": "subject"}, {"channel": "fax"}, {"page": 0}, {"limit": 101}, {"unread": "perhaps"}):
        problem(await api.get(BASE, params=bad), 400, "invalid_request")


async def test_one_key_writes_one_message(api: httpx.AsyncClient, org: Org) -> None:
    conversation = await begun(api, org)
    path, headers = f"{BASE}/{conversation}/messages", {"Idempotency-Key": str(uuid4())}
    sent = [await api.post(path, json={"content": "once"}, headers=headers) for _ in range(2)]
    assert data(sent[0], 201) == data(sent[1], 201)
    assert len(data(await api.get(path))) == 1


async def test_nobody_is_written_to_who_has_no_address_or_refused(api: httpx.AsyncClient, org: Org) -> None:
    mail, sms = await begun(api, org, "email"), await begun(api, org, "sms")
    hello = {"content": "hello"}
    details = problem(await api.post(f"{BASE}/{mail}/messages", json=hello), 409, "no_address")
    assert details == {"channel": "email"}
    proof = {"channel": "sms", "source": "letter", "evidence": "of 4 May"}
    sent = data(await api.post(f"{BASE}/{sms}/messages", json=hello), 201)
    assert (sent["to"], sent["delivery"]) == ("+12025550142", "no_channel")
    data(await api.post(f"/api/leads/{org.lead_id}/refusals", json=proof), 201)
    problem(await api.post(f"{BASE}/{sms}/messages", json=hello), 409, "consent_refused")
    await written(api, sms, "and yet I write to you")
    assert data(await api.get(f"{BASE}/{mail}"))["messages"] == 0, "nothing is left of what was refused"


async def test_messages_are_in_the_leads_timeline(api: httpx.AsyncClient, org: Org) -> None:
    message = await written(api, await begun(api, org), "hello?")
    (item,) = data(await api.get(f"/api/leads/{org.lead_id}/timeline", params={"kind": "message"}))["items"]
    assert (item["id"], item["at"]) == (message["id"], message["created_at"])
    shown = {name: item["details"][name] for name in ("channel", "direction", "content", "conversation_id")}
    assert shown == {name: message[name] for name in shown}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"content": " "}, "body.content"),
        ({"content": "a\x00b"}, "body.content"),
        ({"content": "x" * 20_001}, "body.content"),
        ({"content": "x", "role": "prophet"}, "body.role"),
        ({"content": "x", "metadata": {"a": "\x00"}}, "body.metadata"),
        ({"content": "x", "metadata": {"a": "\ud800"}}, "body.metadata"),
        ({"content": "x", "metadata": {"a": "x" * 20_001}}, "body.metadata"),
        ({"content": "x", "to": "somebody"}, "body.to"),
    ],
)
async def test_what_is_no_message(api: httpx.AsyncClient, org: Org, body: dict[str, Any], field: str) -> None:
    path = f"{BASE}/{await begun(api, org)}/messages"
    # Half of a surrogate pair goes through JSON only as an escape.
    answer = await api.post(path, content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert problem(answer, 400, "invalid_request")["fields"][0]["field"] == field


async def test_conversations_of_others_are_none(api: httpx.AsyncClient, sessions: Sessions, org: Org) -> None:
    stranger = await make_org(sessions)
    body = {"lead_id": str(stranger.lead_id), "channel": "chat"}
    problem(await api.post(BASE, json=body), 404, "lead_not_found")
    for conversation in (new_id(), uuid4()):
        for answer in (
            await api.get(f"{BASE}/{conversation}"),
            await api.get(f"{BASE}/{conversation}/messages"),
            await api.get(f"{BASE}/{conversation}/messages", params={"cursor": ""}),
            await api.put(f"{BASE}/{conversation}", json={}),
            await api.post(f"{BASE}/{conversation}/messages", json={"content": "x"}),
            await api.post(f"{BASE}/{conversation}/read", json={}),
        ):
            problem(answer, 404, "conversation_not_found")


async def test_a_conversation_goes_with_its_lead(api: httpx.AsyncClient, org: Org, sessions: Sessions) -> None:
    lead = data(await api.post("/api/leads", json={"name": "Zoë"}), 201)["id"]
    body = {"lead_id": lead, "channel": "chat"}
    conversation = data(await api.post(BASE, json=body), 201)["id"]
    await written(api, conversation, "hello?")
    await api.post(f"{BASE}/{conversation}/read", json={})
    assert (await api.delete(f"/api/leads/{lead}")).status_code == 204
    problem(await api.get(f"{BASE}/{conversation}"), 404, "conversation_not_found")
    for table in (Conversation, Message, ReadMark):
        assert await rows(sessions, org, table) == []


async def test_a_merge_takes_conversations_along_with_their_messages(api: httpx.AsyncClient, org: Org) -> None:
    lead = data(await api.post("/api/leads", json={"name": "Dana P."}), 201)["id"]
    conversation = data(await api.post(BASE, json={"lead_id": lead, "channel": "chat"}), 201)["id"]
    message = await written(api, conversation, "hello?")
    path = f"/api/leads/{org.lead_id}"
    merge = data(await api.post(f"{path}/merge", json={"gone_id": lead, "choices": {}}))
    assert data(await api.get(f"{BASE}/{conversation}"))["lead_id"] == str(org.lead_id)
    items = data(await api.get(f"{path}/timeline", params={"kind": "message"}))["items"]
    assert [item["id"] for item in items] == [message["id"]]
    data(await api.post(f"/api/merges/{merge['merge_id']}/undo"))
    assert data(await api.get(f"{BASE}/{conversation}/messages"))[0]["lead_id"] == lead
