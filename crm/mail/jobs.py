"""The job that posts a letter."""

from typing import Final
from uuid import UUID

from crm.database import utc_now
from crm.jobs.backoff import tries_within
from crm.jobs.port import Args, Queue, Task
from crm.mail.links import address_of, sign
from crm.mail.model import PostedLetter
from crm.mail.port import Letter
from crm.unit_of_work import UnitOfWork
from crm.work import Work

TRIED_FOR_S: Final = 24 * 3_600


async def _post(work: Work, args: Args) -> None:
    org_id, letter_id = UUID(str(args["org_id"])), UUID(str(args["letter_id"]))
    async with UnitOfWork(work.sessions, org_id) as unit:
        row = await unit.session.get(PostedLetter, (org_id, letter_id))
    if row is None or row.sent_at is not None:
        return  # the organisation is gone, or the worker died between sending it and finishing the job
    # No transaction is held open while a server thinks.
    await work.post.send(
        Letter(row.to_address, row.subject, text_of(row, work.site_url, work.secret_key)), str(letter_id)
    )
    async with UnitOfWork(work.sessions, org_id) as unit:
        sent = await unit.session.get(PostedLetter, (org_id, letter_id))
        if sent is not None:
            sent.sent_at, sent.text, sent.link = utc_now(), "", None
        await unit.commit()


def text_of(row: PostedLetter, site_url: str, key: str) -> str:
    """Return the letter's text with its link in it."""
    said = row.link
    if said is None:
        return row.text
    token = sign(said["purpose"], said["claims"], said["expires_at_s"], key)
    return row.text.replace("{link}", address_of(site_url, said["path"], token))


POST: Final = Task("mail.post", _post, queue=Queue.CRITICAL, tries_max=tries_within(TRIED_FOR_S))
TASKS: Final = (POST,)
