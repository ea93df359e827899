"""A part of a unit of work: made last with the whole, undone alone."""

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from crm.database import Sessions
from crm.leads.model import Lead
from crm.unit_of_work import UnitOfWork
from events.ids import new_id
from tests.crm.conftest import Org


async def names(sessions: Sessions, org: Org) -> set[str]:
    async with UnitOfWork(sessions, org.id) as unit:
        return set(await unit.session.scalars(select(Lead.name))) - {"Dana"}


def lead(org: Org, name: str) -> Lead:
    return Lead(org_id=org.id, id=new_id(), name=name)


async def add_twice(unit: UnitOfWork, there: Lead) -> None:
    async with unit:
        unit.session.add(Lead(org_id=there.org_id, id=there.id, name="twice"))
        await unit.commit()


async def test_a_part_is_made_last_with_the_whole(sessions: Sessions, org: Org) -> None:
    async with UnitOfWork(sessions, org.id) as whole:
        part = whole.part()
        for name in ("one", "two"):  # entered again it is a new part
            async with part as inner:
                inner.session.add(lead(org, name))
                await inner.commit()
        assert await names(sessions, org) == set(), "nothing is seen before the whole commits"
        await whole.commit()
    assert await names(sessions, org) == {"one", "two"}


async def test_a_part_is_lost_with_the_whole(sessions: Sessions, org: Org) -> None:
    async with UnitOfWork(sessions, org.id) as whole, whole.part() as part:
        part.session.add(lead(org, "one"))
        await part.commit()
    assert await names(sessions, org) == set()


async def test_a_part_that_is_not_committed_is_undone_alone(sessions: Sessions, org: Org) -> None:
    kept = lead(org, "kept")
    async with UnitOfWork(sessions, org.id) as whole:
        whole.session.add(kept)
        await whole.session.flush()
        async with whole.part() as part:
            part.session.add(lead(org, "left"))
            await part.session.flush()
        whole.session.expunge(kept)
        with pytest.raises(IntegrityError):
            await add_twice(whole.part(), kept)
        await whole.commit()
    assert await names(sessions, org) == {"kept"}
