"""Mail to the people who use the system: invitations, unlocking, warnings. Not the inbox of leads."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from crm.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Link:
    """What a link of ours says; it is signed when its letter is posted (see links), and kept nowhere."""

    purpose: str
    path: str  # of the page
    claims: Mapping[str, str]  # ids and times
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Letter:
    to: str  # one address
    subject: str  # one line
    text: str  # plain; lines are wrapped on the way; `{link}` stands where the link goes
    link: Link | None = None


class Mail(Protocol):
    async def send(self, unit: UnitOfWork, letter: Letter, *, key: str) -> None:
        """Post a letter, in the transaction of `unit`, which is entered: it goes out after that has committed.

        It is tried for a day and then lies with the dead letters. Sent twice only when the mail server died with it
        between its yes and our note of it.

        Args:
            key: a second letter of the organisation with the same key is not posted, silently.

        Raises:
            ValueError: the address is none, or a line break stands in it or in the subject.
            sqlalchemy.exc.SQLAlchemyError: the transaction is lost, and the letter with it.
        """
        ...
