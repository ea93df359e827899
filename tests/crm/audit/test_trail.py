"""The audit log through the API: written beside the requests, kept while the database is away, read by who may."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from config.settings import Settings
from crm.audit.draining import drain
from crm.audit.journal import Journal
from crm.audit.store import AuditStore
from crm.database import Sessions, open_engine, open_sessions, utc_now
from crm.identity.store import PeopleStore
from crm.permissions import Role
from crm.unit_of_work import UnitOfWork
from events.ids import new_id
from tests.crm.conftest import Org, add_member, make_org, token_of
from tests.crm.keys.test_keys import bearer, key_of
from tests.crm.test_api import data, problem


def entry_of(org: Org, **more: Any) -> dict[str, Any]:
    return {
        "org_id": str(org.id),
        "id": str(new_id()),
        "at": utc_now().isoformat(),
        "user_id": str(org.user_id),
        "key_id": None,
        "action": "GET /x",
        "status": 403,
        **{"target": {}, "asked": {}, "address": "", "agent": "", "request_id": "", **more},
    }


async def test_who_did_what_and_who_was_refused(
    app: FastAPI, api: httpx.AsyncClient, client: httpx.AsyncClient, org: Org, sessions: Sessions, settings: Settings
) -> None:
    rep = await add_member(sessions, org, Role.REP)
    key = await key_of(api, "leads:read")
    data(await api.patch(f"/api/members/{rep.user_id}", json={"role": "manager"}))
    problem(await client.get("/api/calls", headers=bearer(key["key"])), 403, "scope_missing")
    problem(await client.get("/api/keys", headers=bearer(token_of(rep, settings))), 403, "forbidden")
    data(await api.get("/api/leads"))
    assert data(await api.get("/api/audit")) == [], "nothing waits for the database"
    assert await drain(app.state.audit, sessions) == 4

    first = await api.get("/api/audit?limit=3")
    found = data(first) + data(await api.get("/api/audit", params={"before": first.json()["pagination"]["next"]}))
    assert [(entry["action"], entry["status"], entry["user_id"], entry["key_id"]) for entry in found] == [
        ("GET /api/keys", 403, str(rep.user_id), None),
        ("GET /api/calls", 403, str(org.user_id), key["id"]),
        ("PATCH /api/members/{user_id}", 200, str(org.user_id), None),
        ("POST /api/keys", 201, str(org.user_id), None),
    ]
    assert found[2]["target"] == {"user_id": str(rep.user_id)}
    assert found[2]["asked"] == {"role": "manager"}
    assert found[3]["address"] == "127.0.0.1"
    assert [entry["status"] for entry in data(await api.get("/api/audit?refused=true"))] == [403, 403]
    assert len(data(await api.get(f"/api/audit?user_id={rep.user_id}"))) == 1
    assert len(data(await api.get("/api/audit", params={"action": "POST /api/keys"}))) == 1
    problem(await client.get("/api/audit", headers=bearer(token_of(rep, settings))), 403, "forbidden")


async def test_what_waits_survives_the_database_and_is_there_once(
    org: Org, sessions: Sessions, tmp_path: Path, unused_tcp_port: int
) -> None:
    away = open_engine(f"postgresql://nobody@127.0.0.1:{unused_tcp_port}/none")
    journal = Journal(tmp_path / "audit")
    entry = entry_of(org)
    journal.append(entry)
    with pytest.raises(DBAPIError):
        await drain(journal, open_sessions(away))
    await away.dispose()
    journal.append(entry_of(org))
    journal.append(entry)  # as after a crash between the database's yes and the file's end
    assert await drain(journal, sessions) == 3
    assert await drain(journal, sessions) == 0
    async with UnitOfWork(sessions, org.id) as unit:
        found = await AuditStore(unit).newest(None, 10, None, None, None)
    assert len(found) == 2
    assert str(found[1].id) == entry["id"]


async def test_an_organisation_that_is_gone_holds_up_nobody(org: Org, sessions: Sessions, tmp_path: Path) -> None:
    other = await make_org(sessions)
    journal = Journal(tmp_path / "audit")
    journal.append(entry_of(other))
    journal.append(entry_of(org))
    async with UnitOfWork(sessions, other.id) as unit:
        await PeopleStore(unit).delete_organisation()
        await unit.commit()
    assert await drain(journal, sessions) == 2
    async with UnitOfWork(sessions, org.id) as unit:
        assert len(await AuditStore(unit).newest(None, 10, None, None, None)) == 1


async def test_months_are_made_ahead_and_an_entry_without_one_waits(
    org: Org, sessions: Sessions, tmp_path: Path
) -> None:
    async with UnitOfWork(sessions) as unit:
        await unit.session.execute(text("SELECT make_audit_months()"))
        await unit.session.execute(text("SELECT make_audit_months()"))
        parts = (
            await unit.session.scalars(text("SELECT relname FROM pg_class WHERE relname LIKE 'audit_entries_p______'"))
        ).all()
        await unit.commit()
    now = datetime.now(UTC)
    months = [(now.year * 12 + now.month - 1 + ahead) for ahead in range(4)]
    assert {f"audit_entries_p{month // 12}{month % 12 + 1:02}" for month in months} <= set(parts)
    journal = Journal(tmp_path / "audit")
    journal.append(entry_of(org, id=str(UUID(int=2**127))))  # of no month that there is
    with pytest.raises(DBAPIError, match="no partition"):
        await drain(journal, sessions)
    assert len(journal.take()) == 1


@pytest.mark.parametrize("statement", ["UPDATE audit_entries SET status = 200", "DELETE FROM audit_entries"])
async def test_nobody_rewrites_it(statement: str, org: Org, sessions: Sessions) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        async with UnitOfWork(sessions, org.id) as unit:
            await unit.session.execute(text(statement))
