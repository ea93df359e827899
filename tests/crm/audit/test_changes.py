"""What a request changed, as its audit entry tells it."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from crm.audit.changes import collected, fields_changed
from crm.audit.draining import drain
from crm.audit.rules import TEXT_CHARS_MAX
from crm.database import Sessions
from crm.identity.model import Organisation
from crm.permissions import Role
from crm.unit_of_work import UnitOfWork
from tests.crm.conftest import Org, add_member
from tests.crm.test_api import data, problem

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=5,
)


async def test_an_entry_has_each_field_before_and_after(
    app: FastAPI, api: httpx.AsyncClient, org: Org, sessions: Sessions
) -> None:
    rep = await add_member(sessions, org, Role.REP)
    data(await api.patch("/api/organisation", json={"domain": "before.example", "sensitivity": "high"}))
    data(await api.patch("/api/organisation", json={"domain": "after.example", "sensitivity": "high"}))
    data(await api.patch(f"/api/members/{rep.user_id}", json={"role": "manager"}))
    data(await api.put("/api/settings/transfer", json={"number": "+12025550199"}))
    data(await api.put("/api/settings/scoring", json={"profile": 0.5, "engagement": 0.5}))
    lead = data(await api.post("/api/leads", json={"name": "Ana", "email": "ana@example.com"}), 201)
    assert (await api.delete(f"/api/leads/{lead['id']}")).status_code == 204
    problem(await api.patch("/api/organisation", json={"domain": "not a domain"}), 400, "invalid_request")
    await drain(app.state.audit, sessions)

    told = [entry["changes"] for entry in reversed(data(await api.get("/api/audit")))]
    assert len(told) == 6
    assert told[1] == [
        {"table": "organisations", "id": str(org.id), "fields": {"domain": ["before.example", "after.example"]}}
    ]
    assert [change["fields"] for change in told[2] if change["table"] == "members"] == [{"role": ["rep", "manager"]}]
    assert told[3][0]["fields"] == {"settings.transfer_number": [None, "[phone]"]}
    (scoring,) = told[4]
    assert list(scoring["fields"]) == ["settings.scoring"]
    gone = told[5][0]
    assert (gone["table"], gone["id"]) == ("leads", lead["id"])
    assert gone["fields"]["email"] == ["[email]", None]
    assert "notes" not in gone["fields"], "what was empty is not missed"


async def test_only_what_is_committed_is_told(org: Org, sessions: Sessions) -> None:
    async def rename(name: str, unit: UnitOfWork) -> None:
        (await unit.session.get_one(Organisation, unit.org_id)).name = name
        await unit.session.flush()

    with collected() as found:
        async with UnitOfWork(sessions, org.id) as unit:
            await rename("Lost", unit)
        assert found == []
        async with UnitOfWork(sessions, org.id) as unit:
            async with unit.part() as part:
                await rename("Kept", part)
                await part.commit()
            assert found == [], "the whole may yet be lost"
            await unit.commit()
    assert [change["fields"]["name"][1] for change in found] == ["Kept"]
    async with UnitOfWork(sessions, org.id) as unit:
        await rename("Nobody's", unit)
        await unit.commit()
    assert len(found) == 1, "what nobody asked for is not collected"


def test_what_is_told_of_fields() -> None:
    before = {"name": "A", "secret_hash": "x", "settings": {"a": 1, "b": 2}, "version": 1, "at": None}
    after = {"name": "A", "secret_hash": "y", "settings": {"a": 1, "b": 3, "api_key": "z"}, "version": 2}
    after["at"] = datetime(2026, 1, 1, tzinfo=UTC)
    assert fields_changed(before, after) == {
        "at": [None, "2026-01-01 00:00:00+00:00"],
        "secret_hash": ["[secret]", "[secret]"],
        "settings.api_key": ["[secret]", "[secret]"],
        "settings.b": [2, 3],
    }
    who = UUID("01890000-0000-7000-8000-000000000001")
    assert fields_changed({"owner_id": None}, {"owner_id": who}) == {"owner_id": [None, str(who)]}
    long = fields_changed({"notes": ""}, {"notes": "x" * 5_000})["notes"][1]
    assert len(long) == TEXT_CHARS_MAX
    assert fields_changed({"notes": ["call +12025550142"]}, {"notes": []})["notes"] == ['["call [phone]"]', "[]"]


@given(st.dictionaries(st.text(max_size=6), JSON, max_size=4), st.dictionaries(st.text(max_size=6), JSON, max_size=4))
def test_whatever_changed_can_be_kept(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Postgres keeps no NUL and no half of a surrogate pair, and an entry has a bound."""
    told = fields_changed(before, after)
    for was, now in told.values():
        for value in (was, now):
            assert value is None or isinstance(value, bool | int | float | str)
            if isinstance(value, str):
                assert "\x00" not in value
                assert len(value) <= TEXT_CHARS_MAX
                value.encode()
