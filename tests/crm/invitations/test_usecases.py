"""Invitations through the API, by the links of the letters that were posted."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import update

from config.settings import DEVELOPMENT_SECRET as KEY
from crm.billing.plans import Plan, Plans
from crm.billing.seats import PlanLimit
from crm.database import Sessions, utc_now
from crm.identity.model import Member
from crm.identity.tokens import Identity
from crm.identity.usecases import sign_in
from crm.invitations.model import Invitation
from crm.invitations.usecases import GOOD_FOR, OPEN_MAX, PURPOSE, NewPerson, accept, invite
from crm.mail.links import UsedLink, sign
from crm.permissions import Role
from crm.unit_of_work import UnitOfWork
from tests.crm.conftest import Org, add_member, make_org
from tests.crm.mail.letters import letters_to, token_in
from tests.crm.test_api import data, problem

PASSWORD = "three words of mine and more"
BIG = Plan("big")
PLANS = Plans({"big": BIG}, BIG)
BOB = NewPerson("Bob Builder", PASSWORD)


def address() -> str:
    return f"{uuid4().hex}@example.net"


async def invited(api: httpx.AsyncClient, org: Org, sessions: Sessions, email: str, role: str = "rep") -> str:
    """Return the token of the link that somebody gets."""
    made = data(await api.post("/api/invitations", json={"email": email, "role": role}), 201)
    assert made["email"] == email
    letter = (await letters_to(email, org, sessions))[-1]
    assert letter.link is not None
    token = token_in(letter, KEY)
    assert token not in str(letter.link) + letter.text, "it is kept nowhere"
    return token


async def test_somebody_new_joins_and_signs_in(
    api: httpx.AsyncClient, client: httpx.AsyncClient, sessions: Sessions, org: Org
) -> None:
    email = address()
    token = await invited(api, org, sessions, email, "manager")
    asked = data(await client.post("/api/invitations/look", json={"token": token}))
    assert (asked["email"], asked["role"], asked["known"]) == (email, "manager", False)
    problem(await client.post("/api/invitations/accept", json={"token": token}), 400, "person_needed")
    weak = {"token": token, "full_name": "Bob", "password": "password1234"}
    unmet = problem(await client.post("/api/invitations/accept", json=weak), 400, "password_refused")["unmet"]
    assert {rule["rule"] for rule in unmet} == {"too_easy_to_guess", "common"}

    body = {"token": token, "full_name": "  Bob  ", "password": PASSWORD}
    data(await client.post("/api/invitations/accept", json=body), 201)
    signed_in = await sign_in(email, PASSWORD, sessions, KEY)
    assert (signed_in.identity.org_id, signed_in.identity.role) == (org.id, "manager")
    assert data(await api.get("/api/invitations")) == []


async def test_who_is_known_joins_with_the_password_they_have(
    api: httpx.AsyncClient, sessions: Sessions, org: Org
) -> None:
    other = await make_org(sessions)
    token = await invited(api, org, sessions, other.email)
    # A password that comes along is not taken: the link proves the address, not that it is theirs to change.
    asked = await accept(token, BOB, PLANS, sessions, KEY)
    assert asked.known
    signed_in = await sign_in(other.email, other.password, sessions, KEY)
    assert signed_in.identity.org_id == other.id
    async with UnitOfWork(sessions, org.id) as unit:
        assert (await unit.session.get_one(Member, (org.id, other.user_id))).role == "rep"


async def test_an_invitation_used_twice(api: httpx.AsyncClient, sessions: Sessions, org: Org) -> None:
    token = await invited(api, org, sessions, address())

    async def join() -> str:
        try:
            await accept(token, BOB, PLANS, sessions, KEY)
        except UsedLink:
            return "used"
        return "joined"

    async with asyncio.TaskGroup() as tasks:
        both = [tasks.create_task(join()) for _ in range(2)]
    assert sorted(task.result() for task in both) == ["joined", "used"]
    assert await join() == "used"


async def test_one_person_joins_two_organisations_at_once(sessions: Sessions, org: Org, api: httpx.AsyncClient) -> None:
    email = address()
    other = await make_org(sessions)
    first = await invited(api, org, sessions, email)
    async with UnitOfWork(sessions, other.id) as unit:
        row = Invitation(org_id=other.id, email=email, role="engineer", expires_at=utc_now() + GOOD_FOR)
        unit.session.add(row)
        await unit.commit()
    second = sign(PURPOSE, {"org": str(other.id), "invitation": str(row.id)}, int(row.expires_at.timestamp()), KEY)
    async with asyncio.TaskGroup() as tasks:
        for token in (first, second):
            tasks.create_task(accept(token, BOB, PLANS, sessions, KEY))
    for there in (org, other):
        async with UnitOfWork(sessions, there.id) as unit:
            signed_in = await sign_in(email, PASSWORD, sessions, KEY)
            assert await unit.session.get(Member, (there.id, signed_in.identity.user_id)) is not None


async def test_an_invitation_of_another_organisation(
    api: httpx.AsyncClient, client: httpx.AsyncClient, sessions: Sessions, org: Org
) -> None:
    other = await make_org(sessions)
    token = await invited(api, org, sessions, address())
    (mine,) = data(await api.get("/api/invitations"))
    # A link that names this invitation in another organisation opens nothing there, even when it is signed.
    expires_s = int((utc_now() + GOOD_FOR).timestamp())
    crossed = sign(PURPOSE, {"org": str(other.id), "invitation": mine["id"]}, expires_s, KEY)
    problem(await client.post("/api/invitations/look", json={"token": crossed}), 410, "link_used")
    async with UnitOfWork(sessions, other.id) as unit:
        theirs = Invitation(org_id=other.id, email=address(), role="admin", expires_at=utc_now() + GOOD_FOR)
        unit.session.add(theirs)
        await unit.commit()
    problem(await api.delete(f"/api/invitations/{theirs.id}"), 404, "invitation_not_found")
    assert [row["id"] for row in data(await api.get("/api/invitations"))] == [mine["id"]]
    data(await client.post("/api/invitations/look", json={"token": token}))


async def test_old_withdrawn_and_overtaken_links_are_of_no_use(
    api: httpx.AsyncClient, client: httpx.AsyncClient, sessions: Sessions, org: Org
) -> None:
    email = address()
    first = await invited(api, org, sessions, email)
    second = await invited(api, org, sessions, email, "engineer")
    problem(await client.post("/api/invitations/look", json={"token": first}), 410, "link_used")
    (row,) = data(await api.get("/api/invitations"))
    assert row["role"] == "engineer"
    assert (await api.delete(f"/api/invitations/{row['id']}")).status_code == 204
    problem(await client.post("/api/invitations/look", json={"token": second}), 410, "link_used")
    problem(await client.post("/api/invitations/look", json={"token": second[:-9]}), 400, "link_invalid")
    claims = {"org": str(org.id), "invitation": row["id"]}
    old = sign(PURPOSE, claims, int(utc_now().timestamp()), KEY)
    problem(await client.post("/api/invitations/look", json={"token": old}), 410, "link_expired")


async def test_a_link_is_good_for_two_days(api: httpx.AsyncClient, sessions: Sessions, org: Org) -> None:
    await invited(api, org, sessions, address())
    (row,) = data(await api.get("/api/invitations"))
    async with UnitOfWork(sessions, org.id) as unit:
        kept = await unit.session.get_one(Invitation, (org.id, UUID(row["id"])))
        assert timedelta(hours=48) - timedelta(minutes=1) < kept.expires_at - utc_now() <= timedelta(hours=48)
        await unit.session.execute(update(Invitation).values(expires_at=utc_now()))
        await unit.commit()
    assert data(await api.get("/api/invitations")) == []
    problem(await api.delete(f"/api/invitations/{row['id']}"), 404, "invitation_not_found")


async def test_who_belongs_already_and_too_many_are_refused(
    api: httpx.AsyncClient, sessions: Sessions, org: Org
) -> None:
    colleague = await add_member(sessions, org, Role.REP)
    body = {"email": colleague.email.upper(), "role": "admin"}
    problem(await api.post("/api/invitations", json=body), 409, "already_member")
    async with UnitOfWork(sessions, org.id) as unit:
        for _ in range(OPEN_MAX):
            unit.session.add(Invitation(org_id=org.id, email=address(), role="rep", expires_at=utc_now() + GOOD_FOR))
        await unit.commit()
    problem(await api.post("/api/invitations", json={"email": address(), "role": "rep"}), 409, "too_many_invitations")


async def test_the_plan_says_how_many_and_an_invitation_keeps_a_seat(sessions: Sessions, org: Org) -> None:
    two = Plan("small", seats=2)
    plans = Plans({"small": two}, two)
    admin = Identity(org.user_id, org.email, "admin", org.id)
    first = address()
    await invite(first, Role.REP, admin, plans, UnitOfWork(sessions, org.id))
    with pytest.raises(PlanLimit):
        await invite(address(), Role.REP, admin, plans, UnitOfWork(sessions, org.id))
    # Asking the same one again takes no other seat.
    again = await invite(first, Role.MANAGER, admin, plans, UnitOfWork(sessions, org.id))
    claims = {"org": str(org.id), "invitation": str(again.id)}
    token = sign(PURPOSE, claims, int(again.expires_at.timestamp()), KEY)
    one = Plan("tiny", seats=1)
    with pytest.raises(PlanLimit):
        await accept(token, BOB, Plans({"tiny": one}, one), sessions, KEY)
    assert (await accept(token, BOB, plans, sessions, KEY)).email == first


@pytest.mark.parametrize(
    "email",
    ["", "no", "ü@example.com", "a,b@example.com", "a@example.com\r\nBcc: b@c.de", "a@b.c\x00", "a" * 300 + "@b.com"],
)
async def test_what_is_no_address_is_refused(api: httpx.AsyncClient, email: str) -> None:
    body = {"email": email, "role": "rep"}
    details = problem(await api.post("/api/invitations", json=body), 400, "invalid_request")
    assert details["fields"][0]["field"] == "body.email"
