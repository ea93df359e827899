"""Forgetting organisations that somebody signed up for and nobody came to."""

from functools import partial
from typing import Final
from uuid import UUID

from crm.identity.standings import Standings, ask_database
from crm.identity.store import PeopleStore
from crm.identity.usecases import delete_organisation
from crm.jobs.port import Args, Task
from crm.unit_of_work import UnitOfWork
from crm.work import Work


async def _forget(work: Work, args: Args) -> None:
    org_id = UUID(str(args["org_id"]))
    async with UnitOfWork(work.sessions, org_id) as unit:
        members = await PeopleStore(unit).members()
    if not members:
        # The invitation has expired: nobody can come in between.
        standings = Standings(partial(ask_database, work.sessions), work.redis)
        await delete_organisation(org_id, work.sessions, standings)


FORGET: Final = Task("sign_up.forget", _forget)
TASKS: Final = (FORGET,)
