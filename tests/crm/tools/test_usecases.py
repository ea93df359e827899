"""What agents have done, asked as voice nodes ask it: each thing once, within one organisation, in live calls only."""

import asyncio
import time
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest
from redis.asyncio import Redis

from config.settings import Settings
from crm.billing.ledger import Ledger
from crm.call_events import EventConsumer
from crm.calls.dial import DialRequest
from crm.compliance.model import Decision
from crm.database import Sessions
from crm.leads.model import Lead
from crm.resources import Resources
from crm.unit_of_work import UnitOfWork
from events.call import Answered, Body, Closed, FactKind, FactNoted, Finished, MessageRequested, Outcome, State
from events.money import credits_to_milli
from events.permit import Purpose, unseal
from events.tool import HAND_OVER, NEED_CRM, PATH_PREFIX, ToolAnswer, ToolName
from tests.crm.conftest import Org, make_org
from tests.crm.fake_node import CallScript, FakeNode, publish
from tests.crm.test_api import data, problem

# Its own days, so that neither weekends nor the hour at which the tests run matter.
HOURS = {"days": list(range(7)), "opens": "00:00", "closes": "23:59", "minutes": 60, "notice_minutes": 60}
TOMORROW = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%d")


class Voice:
    """A voice node's tools."""

    def __init__(self, client: httpx.AsyncClient, org_id: UUID, call_id: UUID) -> None:
        self.client, self.org_id, self.call_id = client, org_id, call_id
        self.count = 0

    async def post(self, name: str, arguments: Any = None, key: str = "", **changes: Any) -> httpx.Response:
        self.count += 1
        body = {
            "org_id": str(self.org_id),
            "call_id": str(self.call_id),
            "tool_call_id": key or f"call_{self.count}",
            "arguments": arguments or {},
        }
        return await self.client.post(f"{PATH_PREFIX}{name}", json=body | changes)

    async def ask(self, name: str, arguments: Any = None, key: str = "") -> ToolAnswer:
        reply = await self.post(name, arguments, key)
        assert reply.status_code == 200, reply.text
        return msgspec.json.decode(reply.content, type=ToolAnswer)


@pytest.fixture
async def voice(
    api: httpx.AsyncClient,
    client: httpx.AsyncClient,
    resources: Resources,
    node: FakeNode,
    org: Org,
    settings: Settings,
) -> Voice:
    body = {"name": "Sol", "playbook": "meeting", "tools": [name.value for name in ToolName], "language": "pt-BR"}
    agent = data(await api.post("/api/agents", json=body), 201)
    data(await api.put("/api/settings/booking", json=HOURS | {"time_zone": "UTC"}))
    answer = await resources.dialler.dial(DialRequest(lead_id=org.lead_id, agent_id=UUID(agent["id"])), org.id)
    client.headers["Authorization"] = f"Bearer {settings.internal_key.get_secret_value()}"
    return Voice(client, org.id, answer.call_id)


async def together(*asked: Coroutine[Any, Any, ToolAnswer]) -> list[ToolAnswer]:
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(one) for one in asked]
    return [one.result() for one in running]


async def lead_of(sessions: Sessions, org: Org) -> Lead:
    async with UnitOfWork(sessions, org.id) as unit:
        return await unit.session.get_one(Lead, (org.id, org.lead_id))


async def test_the_lead_of_the_call_is_looked_up_and_updated(voice: Voice, sessions: Sessions, org: Org) -> None:
    found = (await voice.ask("look_up_lead")).result
    assert (found["name"], found["company"], found["appointments"]) == ("Dana", "Bakery", [])
    changed = await voice.ask("update_lead", {"email": "dana@bakery.example", "note": "likes mornings"})
    assert changed.result == {"changed": ["email", "note"]}
    lead = await lead_of(sessions, org)
    assert (lead.email, lead.notes, lead.name) == ("dana@bakery.example", "likes mornings", "Dana")
    assert (await voice.ask("look_up_lead")).result["notes"] == "likes mornings"


async def test_an_address_that_another_lead_has_is_noted_for_a_person_to_decide(
    voice: Voice, api: httpx.AsyncClient, sessions: Sessions, org: Org
) -> None:
    data(await api.post("/api/leads", json={"name": "Eli", "email": "shop@bakery.example"}), 201)
    changed = await voice.ask("update_lead", {"email": "Shop@Bakery.example", "company": "Shop"})
    assert changed.result == {"changed": ["company", "note"]}
    lead = await lead_of(sessions, org)
    assert (lead.email, lead.company) == (None, "Shop")
    assert lead.notes == "E-mail, which another lead has: shop@bakery.example"


async def test_a_meeting_is_booked_once_for_its_key_however_often_it_is_asked_for(
    voice: Voice, api: httpx.AsyncClient
) -> None:
    wanted = {"starts_at": f"{TOMORROW}T10:00", "title": "demo"}
    answers = await together(*(voice.ask("book_slot", wanted, key="call_7") for _ in range(4)))
    assert all(answer == answers[0] for answer in answers)
    assert answers[0].result["booked"] is True
    assert " de " in answers[0].result["when"], "in the agent's language"
    [kept] = data(await api.get("/api/appointments"))
    assert (kept["starts_at"], kept["minutes"], kept["title"]) == (f"{TOMORROW}T10:00:00+00:00", 60, "demo")
    assert kept["call_id"] == str(voice.call_id)
    problem(
        await voice.post("book_slot", {"starts_at": f"{TOMORROW}T11:00"}, key="call_7"), 409, "idempotency_key_reused"
    )


async def test_a_time_that_is_taken_is_refused_with_others_that_are_free(voice: Voice, api: httpx.AsyncClient) -> None:
    wanted = {"starts_at": f"{TOMORROW}T10:00"}
    assert (await voice.ask("book_slot", wanted)).result["booked"]
    # The same lead's own meeting is moved, so it is not in its own way.
    moved = await voice.ask("book_slot", {"starts_at": f"{TOMORROW}T11:00"})
    assert moved.result["booked"]
    statuses = [one["status"] for one in data(await api.get("/api/appointments"))]
    assert statuses == ["cancelled", "booked"]

    taken = await voice.ask("book_slot", {"starts_at": f"{TOMORROW}T11:20"})
    assert taken.refused
    assert taken.result["refused"] == "between"
    assert len(taken.result["free"]) == 3
    past = await voice.ask("book_slot", {"starts_at": "2020-01-01T10:00"})
    assert (past.refused, past.result["refused"]) == (True, "past")


async def test_two_calls_never_get_the_last_slot_both(
    voice: Voice, api: httpx.AsyncClient, resources: Resources, sessions: Sessions, org: Org
) -> None:
    lead = data(await api.post("/api/leads", json={"name": "Eli", "phone": "+12025550143"}), 201)
    agent = data(await api.get("/api/agents"))[-1]
    async with UnitOfWork(sessions, org.id) as unit:
        await Ledger(unit).fund(credits_to_milli(1_000), "fund:more")
        await unit.commit()
    placed = await resources.dialler.dial(DialRequest(lead_id=UUID(lead["id"]), agent_id=UUID(agent["id"])), org.id)
    other = Voice(voice.client, org.id, placed.call_id)
    wanted = {"starts_at": f"{TOMORROW}T09:00"}
    first, second = await together(voice.ask("book_slot", wanted), other.ask("book_slot", wanted))
    assert sorted([first.refused, second.refused]) == [False, True]
    refused = first if first.refused else second
    assert refused.result["refused"] == "taken"
    assert all(slot["starts_at"] != wanted["starts_at"] for slot in refused.result["free"])


async def test_free_slots_are_told_in_the_prospects_time(
    voice: Voice, api: httpx.AsyncClient, sessions: Sessions, org: Org
) -> None:
    async with UnitOfWork(sessions, org.id) as unit:
        (await unit.session.get_one(Lead, (org.id, org.lead_id))).time_zone = "America/Sao_Paulo"
        await unit.commit()
    data(await api.put("/api/settings/booking", json=HOURS | {"time_zone": "UTC", "opens": "12:00", "closes": "14:00"}))
    free = (await voice.ask("find_slots", {"day": TOMORROW})).result["free"]
    assert [slot["starts_at"] for slot in free[:2]] == [f"{TOMORROW}T09:00", f"{TOMORROW}T10:00"]
    booked = await voice.ask("book_slot", {"starts_at": free[0]["starts_at"]})
    assert booked.result["starts_at"] == f"{TOMORROW}T09:00"
    [kept] = data(await api.get("/api/appointments"))
    assert kept["starts_at"] == f"{TOMORROW}T12:00:00+00:00"
    again = (await voice.ask("find_slots", {"day": TOMORROW})).result["free"]
    assert again[0]["starts_at"] == f"{TOMORROW}T10:00"
    cancelled = data(await api.post(f"/api/appointments/{kept['id']}/cancel"))
    assert cancelled["status"] == "cancelled"
    assert (await voice.ask("find_slots", {"day": TOMORROW})).result["free"] == free
    problem(await api.post(f"/api/appointments/{uuid4()}/cancel"), 404, "appointment_not_found")


@pytest.mark.parametrize(
    ("name", "arguments", "why"),
    [
        ("book_slot", {}, "starts_at"),
        ("book_slot", {"starts_at": "tomorrow"}, "starts_at"),
        ("book_slot", {"starts_at": "2026-02-30T10:00"}, "no day"),
        ("find_slots", {"day": "2026-13-01"}, "no day"),
        ("update_lead", {}, "at least one"),
        ("update_lead", {"email": "dana at bakery"}, "email"),
        ("update_lead", {"score": 100}, "score"),
        ("look_up_lead", {"lead_id": "other"}, "lead_id"),
    ],
)
async def test_arguments_that_do_not_fit_change_nothing(
    name: str, arguments: dict[str, Any], why: str, voice: Voice, api: httpx.AsyncClient
) -> None:
    details = problem(await voice.post(name, arguments), 400, "invalid_request")
    assert why in details["fault"]
    assert data(await api.get("/api/appointments")) == []


async def test_only_our_nodes_ask_and_only_within_the_calls_organisation(
    voice: Voice, client: httpx.AsyncClient, sessions: Sessions
) -> None:
    other = await make_org(sessions)
    problem(await voice.post("look_up_lead", org_id=str(other.id)), 404, "call_not_found")
    problem(await voice.post("look_up_lead", call_id=str(uuid4())), 404, "call_not_found")
    problem(await voice.post("look_up_lead", call_id="x"), 400, "invalid_request")
    problem(await voice.post("end_call"), 404, "not_found")
    problem(await voice.post("fly"), 404, "not_found")
    client.headers["Authorization"] = "Bearer wrong"
    for name in NEED_CRM:
        problem(await voice.post(name), 401, "not_signed_in")


async def test_a_tool_that_the_agent_was_not_given_is_refused(
    voice: Voice, resources: Resources, api: httpx.AsyncClient, sessions: Sessions, org: Org
) -> None:
    agents = data(await api.get("/api/agents"))
    assert agents[0]["tools"] == ["note_fact", "end_call", "press_keys"]
    async with UnitOfWork(sessions, org.id) as unit:
        await Ledger(unit).fund(credits_to_milli(1_000), "fund:more")
        await unit.commit()
    placed = await resources.dialler.dial(DialRequest(lead_id=org.lead_id, agent_id=UUID(agents[0]["id"])), org.id)
    plain = Voice(voice.client, org.id, placed.call_id)
    assert problem(await plain.post("look_up_lead"), 403, "forbidden") == {"tool": "look_up_lead"}
    assert problem(await plain.post("look_up_lead", key=HAND_OVER), 403, "forbidden") == {"tool": "look_up_lead"}


async def test_a_node_hands_over_by_itself_whatever_tools_the_agent_was_given(
    voice: Voice, resources: Resources, api: httpx.AsyncClient, sessions: Sessions, org: Org
) -> None:
    data(await api.put("/api/settings/transfer", json={"number": REP}))
    plain_agent = data(await api.get("/api/agents"))[0]["id"]
    async with UnitOfWork(sessions, org.id) as unit:
        await Ledger(unit).fund(credits_to_milli(1_000), "fund:more")
        await unit.commit()
    placed = await resources.dialler.dial(DialRequest(lead_id=org.lead_id, agent_id=UUID(plain_agent)), org.id)
    plain = Voice(voice.client, org.id, placed.call_id)
    reason = {"reason": "the language models were stopped"}
    assert problem(await plain.post("transfer_call", reason), 403, "forbidden") == {"tool": "transfer_call"}
    assert (await plain.ask("transfer_call", reason, HAND_OVER)).permit
    titles = [task["title"] for task in data(await api.get(f"/api/leads/{org.lead_id}"))["tasks"]]
    assert titles == ["Dana is put through: the language models were stopped"]


async def test_after_the_call_nothing_new_is_done_but_what_was_done_is_told(
    voice: Voice, redis: Redis, consumer: EventConsumer, api: httpx.AsyncClient, org: Org
) -> None:
    wanted = {"starts_at": f"{TOMORROW}T10:00"}
    before = await voice.ask("book_slot", wanted, key="call_1")
    script = CallScript(org.id, voice.call_id)
    message = MessageRequested("call_9", "sms", "The address is 5 Elm Street.")
    call_back = FactNoted(FactKind.CALLBACK_REQUESTED, "", "Tuesday at ten", {"at": f"{TOMORROW}T10:00"})
    ends: list[Body] = [Answered(), message, call_back, Finished(State.ENDED, Outcome.HUNG_UP), Closed()]
    await publish(redis, *script.events(ends))
    async with asyncio.timeout(10):
        while not data(await api.get(f"/api/calls/{voice.call_id}"))["closed"]:
            await consumer.turn()
    assert await voice.ask("book_slot", wanted, key="call_1") == before
    problem(await voice.post("book_slot", wanted, key="call_2"), 409, "call_over")
    tasks = data(await api.get(f"/api/leads/{org.lead_id}"))["tasks"]
    assert [(task["kind"], task["title"]) for task in tasks] == [
        ("send_sms", "Send Dana the SMS that was promised"),
        ("call_back", "Call Dana back"),
    ]
    assert (tasks[1]["due_text"], tasks[1]["due_at"]) == ("Tuesday at ten", f"{TOMORROW}T10:00:00+00:00")
    told = data(await api.get(f"/api/calls/{voice.call_id}/events"))["events"]
    assert any(event["body"].get("text") == message.text for event in told)
    data(await api.delete(f"/api/calls/{voice.call_id}/content"))
    told = data(await api.get(f"/api/calls/{voice.call_id}/events"))["events"]
    assert message.text not in str(told)


REP = "+12025550150"


async def test_nobody_is_put_through_where_no_number_is_set(voice: Voice, api: httpx.AsyncClient) -> None:
    assert data(await api.get("/api/settings/transfer")) == {"number": None}
    answer = await voice.ask("transfer_call", {"reason": "price"})
    assert (answer.refused, answer.permit) == (True, "")


async def test_a_transfer_is_a_dial_with_its_decision_its_permit_and_a_task(
    voice: Voice, api: httpx.AsyncClient, settings: Settings, sessions: Sessions, org: Org
) -> None:
    data(await api.put("/api/settings/transfer", json={"number": REP}))
    answer = await voice.ask("transfer_call", {"reason": "price"})
    assert not answer.refused
    permit = unseal(answer.permit, settings.secret_key.get_secret_value(), time.time())
    assert (permit.number, permit.purpose, permit.call_id) == (REP, Purpose.TRANSFER, voice.call_id)
    assert 0 < permit.funded_s <= 1800, "no longer than the call is paid for"
    async with UnitOfWork(sessions, org.id) as unit:
        decision = await unit.session.get_one(Decision, (org.id, permit.decision_id))
    assert (decision.allowed, decision.number) == (True, REP)
    tasks = data(await api.get(f"/api/leads/{org.lead_id}"))["tasks"]
    assert [task["title"] for task in tasks] == ["Dana is put through: price"]
    again = await voice.ask("transfer_call", {"reason": "price"})
    assert len(data(await api.get(f"/api/leads/{org.lead_id}"))["tasks"]) == 1, "one prospect, one task"
    other = unseal(again.permit, settings.secret_key.get_secret_value(), time.time())
    assert other.id != permit.id, "each permit is good for one dial"


async def test_the_gate_is_asked_for_a_transfer_as_for_every_dial(voice: Voice, api: httpx.AsyncClient) -> None:
    data(await api.put("/api/settings/transfer", json={"number": REP}))
    data(await api.post("/api/leads", json={"name": "Rep", "phone": REP, "do_not_call": True}), 201)
    answer = await voice.ask("transfer_call", {"reason": "price"})
    assert (answer.refused, answer.result, answer.permit) == (True, {"refused": "do_not_call"}, "")


@pytest.mark.parametrize("number", ["911", "+1911", "12025550150", "+35312345678", ""])
async def test_a_number_that_could_not_be_dialled_is_not_saved(number: str, api: httpx.AsyncClient) -> None:
    [fault] = problem(await api.put("/api/settings/transfer", json={"number": number}), 400, "invalid_request")[
        "fields"
    ]
    assert fault["field"] == "body.number"
    assert data(await api.get("/api/settings/transfer")) == {"number": None}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"days": []}, "days"),
        ({"days": [7]}, "days.0"),
        ({"opens": "nine"}, "opens"),
        ({"opens": "10:00:30"}, "opens"),
        ({"minutes": 4}, "minutes"),
        ({"time_zone": "Brasil"}, "time_zone"),
        ({"opens": "09:00", "closes": "09:30"}, ""),
        ({"days": [0], "at_once": 0}, "at_once"),
    ],
)
async def test_hours_that_hold_no_slot_are_refused(change: dict[str, Any], field: str, api: httpx.AsyncClient) -> None:
    refused = await api.put("/api/settings/booking", json=HOURS | {"time_zone": "UTC"} | change)
    [fault] = problem(refused, 400, "invalid_request")["fields"]
    assert fault["field"] == f"body.{field}".rstrip(".")
    assert data(await api.get("/api/settings/booking"))["minutes"] == 30, "what holds without a setting"
