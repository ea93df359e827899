"""Reading the letters that were posted to somebody, as a test's person does."""

import re
from urllib.parse import parse_qs, urlsplit

from sqlalchemy import select

from crm.database import Sessions
from crm.mail.jobs import text_of
from crm.mail.model import PostedLetter
from crm.unit_of_work import UnitOfWork
from tests.crm.conftest import Org

SITE = "http://crm.test"


async def letters_to(email: str, org: Org, sessions: Sessions) -> list[PostedLetter]:
    """Return what waits to be posted or was, in an organisation's name; the oldest first."""
    async with UnitOfWork(sessions, org.id) as unit:
        found = select(PostedLetter).where(PostedLetter.to_address == email).order_by(PostedLetter.id)
        return list(await unit.session.scalars(found))


def token_in(letter: PostedLetter, key: str) -> str:
    """Return the token of the link that the letter is posted with."""
    (link,) = re.findall(r"http\S+", text_of(letter, SITE, key))
    return str(parse_qs(urlsplit(link).query)["token"][0])
