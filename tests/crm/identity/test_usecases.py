"""Signing in, and the end of an organisation."""

import pytest
from redis.asyncio import Redis
from sqlalchemy import delete, text
from sqlalchemy.ext.asyncio import AsyncEngine

from crm.appointments.model import Appointment
from crm.call_events import EventConsumer
from crm.calls.dial import DialRequest
from crm.calls.idempotency import Attempt
from crm.calls.model import Erasure, EventCursor
from crm.database import Sessions, open_engine, utc_now
from crm.identity.model import Member
from crm.identity.tokens import Identity
from crm.identity.usecases import NotSignedIn, SignInFailed, delete_organisation, identify, sign_in
from crm.prompts.usecases import Draft, write_prompt
from crm.providers.model import ProviderKey
from crm.resources import Resources
from crm.tenancy import JOB_TABLES, MIGRATION_TABLES
from crm.tools.model import ToolRun
from crm.understanding.model import CallNotes, Objection
from crm.unit_of_work import UnitOfWork
from crm.votes.model import Vote
from events.call import Answered, FactKind, FactNoted, Speaker, TurnFinished
from events.ids import new_id
from salesos.embedded.postgres import PostgresAddresses
from tests.crm.conftest import Org, make_org
from tests.crm.fake_node import CallScript, FakeNode, publish

KEY = "a-key-that-is-long-enough-for-hs256-0000"


async def test_signing_in(sessions: Sessions, org: Org) -> None:
    token = await sign_in(f"  {org.email.upper()} ", org.password, sessions, KEY)
    assert await identify(token, sessions, KEY) == Identity(org.user_id, org.email, "admin", org.id)


async def test_a_wrong_password_and_an_unknown_address_are_alike(sessions: Sessions, org: Org) -> None:
    with pytest.raises(SignInFailed):
        await sign_in(org.email, org.password + "x", sessions, KEY)
    with pytest.raises(SignInFailed):
        await sign_in("nobody@example.com", org.password, sessions, KEY)


async def test_a_withdrawn_membership_is_refused_at_once(sessions: Sessions, org: Org) -> None:
    token = await sign_in(org.email, org.password, sessions, KEY)
    async with UnitOfWork(sessions, org.id) as unit:
        await unit.session.execute(delete(Member).where(Member.user_id == org.user_id))
        await unit.commit()
    with pytest.raises(NotSignedIn):
        await identify(token, sessions, KEY)
    with pytest.raises(SignInFailed):
        await sign_in(org.email, org.password, sessions, KEY)


async def rows_with(owner: AsyncEngine, org: Org) -> dict[str, int]:
    """Count, past row security, what is left of an organisation in every table."""
    left: dict[str, int] = {}
    async with owner.connect() as connection:
        columns = (
            await connection.execute(
                text("""SELECT table_name, column_name FROM information_schema.columns
                    JOIN pg_class ON relname = table_name AND relnamespace = current_schema()::regnamespace
                    WHERE table_schema = current_schema() AND NOT relispartition AND relkind IN ('r', 'p')
                    AND (column_name IN ('org_id', 'user_id') OR (table_name, column_name) IN
                        (('organisations', 'id'), ('users', 'id')))""")
            )
        ).all()
        for table, column in columns:
            found = await connection.scalar(
                text(f"SELECT count(*) FROM {table} WHERE {column} IN (:org, :user)"),  # noqa: S608 - the catalog's
                {"org": org.id, "user": org.user_id},
            )
            left[table] = left.get(table, 0) + int(found or 0)
    return left


async def test_deleting_an_organisation_removes_everything(
    resources: Resources, node: FakeNode, sessions: Sessions, redis: Redis, org: Org, postgres: PostgresAddresses
) -> None:
    other = await make_org(sessions)
    request = DialRequest(lead_id=org.lead_id, attempt=Attempt("key", "body"))
    answer = await resources.dialler.dial(request, org.id)
    async with UnitOfWork(sessions) as unit:
        await unit.session.execute(delete(EventCursor))
        await unit.commit()
    script = CallScript(org.id, answer.call_id)
    good = [
        script.event(Answered()),
        script.event(TurnFinished(1, Speaker.CALLER, "hello", "hello", 1, 2)),
        script.event(FactNoted(FactKind.CALLBACK_REQUESTED, when="soon")),
    ]
    waiting = script.event(Answered(), seq=9)
    bad = script.event(TurnFinished(2, Speaker.CALLER, "\x00", "", 1, 2))
    await publish(redis, *good, waiting, bad)
    await EventConsumer(sessions, redis, block_ms=10).turn()
    async with UnitOfWork(sessions, org.id) as unit:
        unit.session.add(Erasure(org_id=org.id, call_id=answer.call_id, scope="recording", reason="request"))
        key = ProviderKey(org_id=org.id, vendor="openai", sealed="x", hint="1234", checked_at=utc_now())
        unit.session.add(key)
        run = {"call_id": answer.call_id, "tool_call_id": "call_1", "name": "book_slot", "fingerprint": "x"}
        unit.session.add(ToolRun(org_id=org.id, answer={}, **run))
        unit.session.add(CallNotes(org_id=org.id, call_id=answer.call_id))
        made = {"call_id": answer.call_id, "lead_id": org.lead_id, "epoch": 1, "turn": 1, "at": utc_now()}
        unit.session.add(Objection(org_id=org.id, kind="price", quote="too much", **made))
        voted = {"kind": "turn", "generation_id": new_id(), "call_id": answer.call_id, "user_id": org.user_id}
        unit.session.add(Vote(org_id=org.id, vote=1, prompt_hash="x", answer_hash="y", **voted))
        unit.session.add(Appointment(org_id=org.id, lead_id=org.lead_id, starts_at=utc_now(), minutes=30))
        await unit.commit()

    admin = Identity(org.user_id, org.email, "admin", org.id)
    await write_prompt("meeting", "", Draft("Be polite.", {}), admin, UnitOfWork(sessions, org.id))

    owner = open_engine(postgres.admin_url)
    try:
        before = await rows_with(owner, org)
        untouched = await rows_with(owner, other)
        full = {table for table, count in before.items() if count}
        assert full == set(before) - JOB_TABLES - MIGRATION_TABLES | {"dead_letters"}, "every table has a row to lose"
        await delete_organisation(org.id, sessions)
        assert {table: count for table, count in (await rows_with(owner, org)).items() if count} == {}
        assert await rows_with(owner, other) == untouched
    finally:
        await owner.dispose()


async def test_a_person_of_two_organisations_stays(sessions: Sessions, org: Org) -> None:
    second = await make_org(sessions)
    async with UnitOfWork(sessions, second.id) as unit:
        unit.session.add(Member(org_id=second.id, user_id=org.user_id, role="rep"))
        await unit.commit()
    await delete_organisation(org.id, sessions)
    token = await sign_in(org.email, org.password, sessions, KEY)
    assert await identify(token, sessions, KEY) == Identity(org.user_id, org.email, "rep", second.id)
