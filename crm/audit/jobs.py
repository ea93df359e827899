"""The months of the audit log are made ahead, once a day in the whole cluster."""

from typing import Final

from sqlalchemy import text

from crm.jobs.port import Args, Queue, Task
from crm.unit_of_work import UnitOfWork
from crm.work import Work


async def make_months(work: Work, _args: Args) -> None:
    """Make this month and the next three, where they are not there: by a function of the owner, as the tables are."""
    async with UnitOfWork(work.sessions) as unit:
        await unit.session.execute(text("SELECT make_audit_months()"))
        await unit.commit()


MONTHS: Final = Task("audit.months", make_months, queue=Queue.CRITICAL, cron="17 3 * * *")
TASKS: Final = (MONTHS,)
