"""/api/phone-numbers, and who finds them."""

import httpx

from crm.database import Sessions
from crm.phone_numbers.store import owner_of
from crm.phone_numbers.usecases import NumberFields, add_number
from crm.unit_of_work import UnitOfWork
from events.ids import new_id
from tests.crm.conftest import Org, make_org
from tests.crm.phone_numbers.ringing import our_number
from tests.crm.test_api import data, problem


async def test_a_number_from_adding_it_to_giving_it_up(api: httpx.AsyncClient, sessions: Sessions, org: Org) -> None:
    number = our_number(org)
    body = {"number": f" {number[:5]} {number[5:]} ", "label": "Front desk", "agent_id": str(org.agent_id)}
    added = data(await api.post("/api/phone-numbers", json=body), 201)
    assert (added["number"], added["route"], added["voicemail"], added["enabled"]) == (number, "agent", True, True)
    assert await owner_of(number, sessions) == org.id
    path = f"/api/phone-numbers/{added['id']}"
    changed = data(await api.put(path, json={"route": "rep", "user_id": str(org.user_id), "greeting": "Hello."}))
    assert (changed["route"], changed["greeting"], changed["label"]) == ("rep", "Hello.", "")
    assert data(await api.get("/api/phone-numbers")) == [changed] == [data(await api.get(path))]
    assert (await api.delete(path)).status_code == 204
    problem(await api.get(path), 404, "number_not_found")
    assert await owner_of(number, sessions) is None


async def test_a_number_rings_in_one_place(api: httpx.AsyncClient, sessions: Sessions, org: Org) -> None:
    other = await make_org(sessions)
    await add_number(our_number(other), NumberFields(), UnitOfWork(sessions, other.id))
    taken = problem(await api.post("/api/phone-numbers", json={"number": our_number(other)}), 409, "number_taken")
    assert taken == {"number": our_number(other)}, "not whose it is"
    assert await owner_of("+12025550100", sessions) != other.id


async def test_what_cannot_be_routed_is_refused_by_its_field(api: httpx.AsyncClient, org: Org) -> None:
    good = {"number": our_number(org)}
    for wrong, field in (
        ({"number": "555 0100"}, "body.number"),
        ({"route": "rep"}, "body.user_id"),
        ({"route": "queue"}, "body.queue_id"),
        ({"user_id": str(new_id())}, "body.user_id"),
        ({"greeting": "a\x00b"}, "body.greeting"),
        ({"greeting": "x" * 401}, "body.greeting"),
    ):
        found = problem(await api.post("/api/phone-numbers", json=good | wrong), 400, "invalid_request")
        assert [fault["field"] for fault in found["fields"]] == [field], wrong
    problem(await api.post("/api/phone-numbers", json=good | {"agent_id": str(new_id())}), 404, "agent_not_found")
