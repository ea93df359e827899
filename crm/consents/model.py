"""What people said about being reached, channel by channel, with the proof of it. Written once, never changed."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from crm.database import Row, utc_now
from events.ids import new_id


class Channel(StrEnum):
    PHONE = "phone"
    SMS = "sms"
    WHATSAPP = "whatsapp"
    EMAIL = "email"


class Said(StrEnum):
    GRANTED = "granted"
    REFUSED = "refused"


class Consent(Row):
    """One word of one person: the latest of an address holds. It belongs to the address, so it outlasts the lead."""

    __tablename__ = "consents"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    channel: Mapped[str]
    address: Mapped[str]  # E.164, or a mail address in lower case
    said: Mapped[str]
    said_at: Mapped[datetime]
    source: Mapped[str]  # such as "call", "form", "letter"
    evidence: Mapped[str]  # what proves it: the words, a document's number, a page's address
    lead_id: Mapped[UUID | None]
    call_id: Mapped[UUID | None]
    recorded_by: Mapped[UUID | None]  # a user; None: by ourselves, from a call
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


def refusal_of_calls(
    org_id: UUID,
    number: str,
    at: datetime,
    source: str,
    evidence: str,
    *,
    lead_id: UUID | None = None,
    call_id: UUID | None = None,
    by: UUID | None = None,
) -> Consent:
    """Return the word that nobody of a number is to be called."""
    word = {"channel": Channel.PHONE.value, "address": number, "said": Said.REFUSED.value, "said_at": at}
    proof = {"source": source, "evidence": evidence, "lead_id": lead_id, "call_id": call_id, "recorded_by": by}
    return Consent(org_id=org_id, **word, **proof)
