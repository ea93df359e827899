"""The body of the port: a letter is a row and a job, written by the caller's own transaction."""

from typing import Final

from sqlalchemy.dialects.postgresql import insert

from crm.jobs.queue import JOBS
from crm.mail.jobs import POST
from crm.mail.model import PostedLetter
from crm.mail.port import Letter
from crm.mail.post import check
from crm.unit_of_work import UnitOfWork
from events.ids import new_id


class PostgresMail:
    """Implements crm.mail.port.Mail."""

    async def send(self, unit: UnitOfWork, letter: Letter, *, key: str) -> None:
        """See the port."""
        check(letter)
        link = letter.link
        said = link and {
            "purpose": link.purpose,
            "path": link.path,
            "claims": dict(link.claims),
            "expires_at_s": int(link.expires_at.timestamp()),
        }
        row = {"key": key, "to_address": letter.to, "subject": letter.subject, "text": letter.text, "link": said}
        put = insert(PostedLetter).values(org_id=unit.org_id, id=new_id(), **row)
        put = put.on_conflict_do_nothing(index_elements=["org_id", "key"])
        letter_id = await unit.session.scalar(put.returning(PostedLetter.id))
        if letter_id is not None:
            await JOBS.defer(unit, POST, {"org_id": str(unit.org_id), "letter_id": str(letter_id)})


MAIL: Final = PostgresMail()
