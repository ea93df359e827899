"""Every documented route, asked by another organisation: as each role, with an API key, and as nobody (S14).

Organisation A has one of everything. Whoever asks for what is A's gets the answer that they get for what never
existed, whatever they ask and whoever they are; no list, count or search of theirs moves when A's rows are there; no
answer holds anything of A's; and no row of A's is another one afterwards.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from redis.asyncio import Redis
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from config.settings import Settings
from crm.app import create_app
from crm.calls.model import DeadLetter, Turn
from crm.database import Sessions, open_engine
from crm.keys.scopes import SCOPES
from crm.leads.model import Lead
from crm.permissions import Role
from crm.prompts.usecases import Draft, write_prompt
from crm.resources import Resources
from crm.unit_of_work import UnitOfWork
from events.ids import new_id
from salesos.embedded.postgres import PostgresAddresses
from tests.crm.asking import Asked, Ids, questions
from tests.crm.conftest import Org, add_member, make_org, token_of
from tests.crm.fake_node import FakeNode
from tests.crm.one_of_everything import fill
from tests.crm.test_api import data, problem

# Words of A's that no answer to anybody else may hold.
MARK: Final = "quetzalcoatl"
# They end the session that asks, and name nobody's: asked last.
LAST: Final = frozenset({"DELETE /api/sessions", "DELETE /api/sessions/current"})
# The routes that take nobody's name.
OPEN: Final = frozenset(
    {
        "GET /exports/{token}",
        "GET /recordings/{token}",
        "POST /api/invitations/accept",
        "POST /api/invitations/look",
        "POST /api/passwords/judge",
        "POST /api/passwords/resets",
        "POST /api/passwords/resets/redeem",
        "POST /api/sessions",
        "POST /api/sessions/refresh",
        "POST /api/sign-ups",
        "POST /api/unlocks",
    }
)
# What A has, by the parameters and fields that name it. A table not named here has no id in any path.
TABLES: Final[Mapping[str, str]] = {
    "agent_id": "agents",
    "appointment_id": "appointments",
    "call_id": "calls",
    "conversation_id": "conversations",
    "suggestion_id": "merge_suggestions",
    "merge_id": "lead_merges",
    "field_id": "custom_fields",
    "gone_id": "leads",
    "export_id": "exports",
    "import_id": "imports",
    "delivery_id": "webhook_deliveries",
    "invitation_id": "invitations",
    "into_id": "tags",
    "key_id": "api_keys",
    "lead_id": "leads",
    "message_id": "messages",
    "note_id": "notes",
    "number_id": "phone_numbers",
    "pipeline_id": "pipelines",
    "queue_id": "queues",
    "stage_id": "stages",
    "objection_id": "objections",
    "tag_id": "tags",
    "task_id": "tasks",
    "webhook_id": "webhooks",
}
# They tell which kind of thing is meant, not which thing.
KINDS_OF_THINGS: Final = frozenset({"kind", "vendor"})
# Whoever holds the link may hear the recording: it names a call that nobody can guess (see crm.calls.recordings).
LINKS: Final = frozenset({"token"})
UUID_FORM: Final = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What can be told from an answer by whoever has asked."""

    status: int
    code: str
    details: str


@pytest.fixture
def config_folder(config_folder: Path, repository: Path) -> Path:
    """With a playbook that can be followed: a question is answered by it."""
    playbook = (repository / "config" / "playbooks" / "energy_meeting.yaml").read_text()
    (config_folder / "playbooks" / "meeting.yaml").write_text(playbook)
    return config_folder


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Admins may do what an operator can let them do."""
    return settings.model_copy(update={"admins_refund": True, "sign_up": True})


@pytest.fixture
async def served(settings: Settings, resources: Resources) -> AsyncIterator[FastAPI]:
    app = create_app(settings, resources)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def owner(postgres: PostgresAddresses) -> AsyncIterator[AsyncEngine]:
    """Past row security."""
    made = open_engine(postgres.admin_url)
    yield made
    await made.dispose()


def asker(app: FastAPI, token: str = "") -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://crm.test", headers=headers)


async def rows_of(owner: AsyncEngine, org_id: UUID) -> dict[str, list[str]]:
    """Return every row of an organisation, table by table."""
    found: dict[str, list[str]] = {}
    async with owner.connect() as connection:
        tables = await connection.scalars(
            text("""SELECT DISTINCT table_name FROM information_schema.columns
                JOIN pg_class ON relname = table_name AND relnamespace = current_schema()::regnamespace
                WHERE table_schema = current_schema() AND column_name = 'org_id' AND NOT relispartition""")
        )
        for table in tables.all():
            rows = await connection.scalars(
                text(f"SELECT to_jsonb(t)::text FROM {table} t WHERE org_id = :org ORDER BY 1"),  # noqa: S608 - the catalog's
                {"org": org_id},
            )
            found[table] = list(rows.all())
    return found


async def ids_of(rows: Mapping[str, list[str]], org: Org, sessions: Sessions) -> dict[str, str]:
    """Return what names the things of an organisation."""
    ids = {name: str(json.loads(rows[table][0])["id"]) for name, table in TABLES.items()}
    async with UnitOfWork(sessions, org.id) as unit:
        turn_id = await unit.session.scalar(select(Turn.id).where(Turn.org_id == org.id))
        letter_id = await unit.session.scalar(select(DeadLetter.id).where(DeadLetter.org_id == org.id))
        dead = update_dead(org)
        job_id = (await unit.session.execute(dead)).scalars().first()
        await unit.commit()
    more = {"turn_id": turn_id, "generation_id": turn_id, "letter_id": letter_id, "job_id": job_id}
    people = {"user_id": org.user_id, "owner_id": org.user_id, "assignee_id": org.user_id, "session_id": org.session_id}
    return ids | {name: str(value) for name, value in (more | people).items()} | {"organisation_id": str(org.id)}


def update_dead(org: Org) -> Any:
    """Let the organisation's waiting jobs be dead ones."""
    failed = "UPDATE procrastinate_jobs SET status = 'failed' WHERE args ->> 'org_id' = :org RETURNING id"
    return text(failed).bindparams(org=str(org.id))


def never(ids: Ids) -> dict[str, str]:
    """Return names of the same form, of things that never were."""
    return {name: str(new_id()) if UUID_FORM.fullmatch(value) else _other(value) for name, value in ids.items()}


def _other(value: str) -> str:
    return str(2**40 + 7) if value.isdigit() else "never-was"


async def ask(client: httpx.AsyncClient, asked: Asked) -> httpx.Response:
    # Some writes are refused without a key; a new one each time, so that none is a repetition.
    headers = {"Idempotency-Key": str(new_id())}
    if asked.file:
        return await client.request(asked.method, asked.url, content=asked.file, headers=headers)
    return await client.request(asked.method, asked.url, json=asked.body, headers=headers)


def told(answer: httpx.Response, ids: Ids) -> Answer:
    """Return what the answer tells, but for what was asked."""
    if answer.is_success or "json" not in answer.headers.get("content-type", ""):
        return Answer(answer.status_code, "", "")
    body = answer.json()
    words = json.dumps(body["details"])
    for value in ids.values():
        words = re.sub(rf"\b{re.escape(value)}\b", "*", words)
    return Answer(answer.status_code, body["code"], words)


async def lists_of(client: httpx.AsyncClient, document: Mapping[str, Any]) -> dict[str, str]:
    """Return what every list and count says that names nothing."""
    said = {}
    for asked in questions(document, {}):
        # The audit log tells of these very questions.
        if asked.method == "GET" and not asked.path_names and asked.path != "/api/audit":
            answer = await client.get(asked.url)
            assert answer.status_code == 200, asked.name
            said[asked.name] = re.sub(r'"(timestamp|used_at|now)":"[^"]*"', "", answer.text)
    said["search"] = (await client.get(f"/api/leads?q={MARK}")).text.partition('"timestamp"')[0]
    return said


class Crawl:
    """One pass through all routes as one asker."""

    def __init__(self, client: httpx.AsyncClient, document: Mapping[str, Any], theirs: Ids, own: Ids) -> None:
        self._client = client
        self._document = document
        self._theirs = theirs
        self._own = own
        self.seen: dict[str, Answer] = {}
        self.mixed: list[tuple[str, Answer]] = []  # of one's own with one thing of A's
        self.faults: list[str] = []

    async def walk(self, secrets: frozenset[str]) -> None:
        """Ask for A's, and for what never was; note every difference, and every word of A's that comes back."""
        fresh = never(self._theirs)
        asked = list(questions(self._document, self._theirs))
        blank = {one.name: one for one in questions(self._document, fresh)}
        for last in (False, True):
            for one in asked:
                if (one.name in LAST) is last:
                    await self._compare(one, blank[one.name], fresh, secrets)
            if not last:
                await self._walk_own(fresh, secrets)

    async def _walk_own(self, fresh: Ids, secrets: frozenset[str]) -> None:
        """Ask for the asker's own with one thing of A's in it, one after the other: their lead, A's tag."""
        names = {name: self._names(one) for name, one in self._by_name(self._theirs).items()}
        for name in sorted({name for several in names.values() for name in several}):
            real = self._by_name({**self._own, name: self._theirs[name]})
            unreal = self._by_name({**self._own, name: fresh[name]})
            for path, several in names.items():
                if name in several and path not in LAST:
                    await self._compare(real[path], unreal[path], fresh, secrets, noted=False)

    def _by_name(self, ids: Ids) -> dict[str, Asked]:
        return {one.name: one for one in questions(self._document, ids)}

    def _names(self, asked: Asked) -> set[str]:
        """Return what a question names, when that is more than one thing that is somebody's."""
        names = {*asked.path_names, *asked.query_names, *asked.body_names} & self._own.keys() & self._theirs.keys()
        return names if len(names) > 1 else set()

    async def _compare(
        self, real: Asked, unreal: Asked, fresh: Ids, secrets: frozenset[str], *, noted: bool = True
    ) -> None:
        names_something = real.url != unreal.url or real.body != unreal.body
        answer = await ask(self._client, real)
        first = told(answer, self._theirs)
        if noted:
            self.seen[real.name] = first
        else:
            self.mixed.append((real.name, first))
        if answer.status_code >= 500:
            self.faults.append(f"{real.name}: {answer.status_code}")
        words = answer.text
        for value in self._theirs.values():
            if value in real.url or value in json.dumps(real.body):
                words = words.replace(value, "*")
        if leaked := sorted(secret for secret in secrets if secret in words):
            self.faults.append(f"{real.name}: tells {leaked}")
        if names_something:
            second = told(await ask(self._client, unreal), fresh)
            if first != second:
                self.faults.append(f"{real.name}: {first} for what is there, {second} for what never was")


@pytest.mark.timeout(300)
async def test_nothing_of_another_organisation_is_read_counted_changed_or_guessed(
    served: FastAPI,
    settings: Settings,
    resources: Resources,
    redis: Redis,
    node: FakeNode,
    sessions: Sessions,
    owner: AsyncEngine,
) -> None:
    document = served.openapi()
    asking, told_of = await make_org(sessions), await make_org(sessions)
    await fill(asking, resources, redis)
    async with asker(served, token_of(asking, settings)) as admin:
        before = await lists_of(admin, document)
        await node.announce()  # what it says of itself is soon old
        await fill_marked(told_of, resources, redis)
        assert await lists_of(admin, document) == before, "what A has shows in a list of B's"
        scopes = {"name": "crawler", "scopes": sorted(SCOPES)}
        key = data(await admin.post("/api/keys", json=scopes), 201)["key"]
    theirs = await ids_of(await rows_of(owner, told_of.id), told_of, sessions) | {"slug": "only-theirs"}
    own = await ids_of(await rows_of(owner, asking.id), asking, sessions)
    assert names_in(document) <= set(theirs) | KINDS_OF_THINGS | LINKS | {"answer_id"}, "say in TABLES whose these are"
    async with asker(served, token_of(told_of, settings)) as them:
        question = {"messages": [{"role": "user", "text": MARK}]}
        theirs["answer_id"] = data(await them.post("/api/chat/answers", json=question), 201)["answer_id"]
        await until_answered(them, theirs["answer_id"])
    untouched = await rows_of(owner, told_of.id)
    # A short number may stand anywhere by chance.
    secrets = frozenset({MARK, told_of.email, *(value for value in theirs.values() if not value.isdigit())})

    tokens = {role.value: token_of(await add_member(sessions, asking, role), settings) for role in Role}
    for name, token in {**tokens, "key": key, "nobody": ""}.items():
        async with asker(served, token) as client:
            crawl = Crawl(client, document, theirs, own)
            await node.announce()
            await crawl.walk(secrets)
        assert crawl.faults == [], name
        if name == "admin":
            check_that_it_got_through(crawl.seen)
            assert {answer.code for _, answer in crawl.mixed} >= {"tag_not_found", "stage_not_found", "note_not_found"}
        if name == "nobody":
            assert {name for name, answer in crawl.seen.items() if answer.code != "not_signed_in"} <= OPEN
    assert await rows_of(owner, told_of.id) == untouched


def names_in(document: Mapping[str, Any]) -> set[str]:
    return {name for asked in questions(document, {}) for name in asked.path_names}


def check_that_it_got_through(seen: Mapping[str, Answer]) -> None:
    """An admin is stopped by whose a thing is, not before: by no missing right and no malformed question."""
    stopped = {
        name: answer.details
        for name, answer in seen.items()
        if answer.code in ("invalid_request", "forbidden") and " of this organisation" not in answer.details
    }
    assert stopped == {}
    named = {name: answer.status for name, answer in seen.items() if "_id}" in name}
    # Taking a vote back that was never given is no fault.
    assert {name for name, status in named.items() if status != 404} == {"DELETE /api/votes/{kind}/{generation_id}"}


async def fill_marked(org: Org, resources: Resources, redis: Redis) -> None:
    """Let an organisation have one of everything, with words of its own."""
    async with UnitOfWork(resources.sessions, org.id) as unit:
        marked = update(Lead).where(Lead.org_id == org.id).values(name=MARK, company=MARK, notes=MARK)
        await unit.session.execute(marked)
        await unit.commit()
    place = await fill(org, resources, redis)
    await write_prompt("only-theirs", MARK, Draft(MARK, {}), place.admin, UnitOfWork(place.sessions, org.id))


async def until_answered(client: httpx.AsyncClient, answer_id: str) -> None:
    """Wait until a model's answer has been made: it costs its organisation something."""
    async with asyncio.timeout(30), client.stream("GET", f"/api/chat/answers/{answer_id}/events") as answer:
        async for _ in answer.aiter_lines():
            pass


async def test_a_token_names_one_organisation(
    served: FastAPI, settings: Settings, org: Org, sessions: Sessions
) -> None:
    """Whichever route is asked for another one is refused, before anything else is looked at."""
    other = await make_org(sessions)
    async with asker(served, token_of(org, settings)) as client:
        client.headers["X-Tenant-ID"] = str(other.id)
        for asked in questions(served.openapi(), {}):
            answer = await ask(client, asked)
            if asked.name not in OPEN:
                problem(answer, 403, "tenant_mismatch")
