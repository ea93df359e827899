"""What people do with consents: record a refusal or a grant, with its proof, and read what holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from crm.consents.model import Channel, Consent, Said
from crm.consents.store import ConsentStore
from crm.database import utc_now
from crm.identity.tokens import Identity
from crm.leads.model import Lead
from crm.leads.store import LeadStore
from crm.leads.usecases import LeadNotFound
from crm.refusals import bad_field
from crm.scoring.jobs import ask_for_scores
from crm.unit_of_work import UnitOfWork

SHOWN_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Proof:
    channel: Channel
    source: str
    evidence: str
    said_at: datetime | None = None  # None: now


@dataclass(frozen=True, slots=True)
class Standing:
    """What was said, newest first, and what holds on each channel that the lead has an address for."""

    history: Sequence[Consent]
    current: Mapping[Channel, Said | None]  # None: nothing was said


async def record(lead_id: UUID, said: Said, proof: Proof, person: Identity, unit: UnitOfWork) -> Consent:
    """Keep one word of a lead. On the telephone it holds for every lead of the number at once.

    Raises:
        LeadNotFound
        Refusal: the lead has no address on the channel, or it was said in the future.
    """
    now = utc_now()
    said_at = proof.said_at or now
    if said_at > now:
        raise bad_field("body.said_at", "is in the future")
    async with unit:
        leads = LeadStore(unit)
        lead = await leads.lock(lead_id)
        if lead is None:
            raise LeadNotFound(lead_id)
        address = address_of(lead, proof.channel)
        if address is None:
            raise bad_field("body.channel", "the lead has no address on this channel: save it first")
        word = Consent(
            org_id=unit.org_id,
            channel=proof.channel.value,
            address=address,
            said=said.value,
            said_at=said_at,
            source=proof.source,
            evidence=proof.evidence,
            lead_id=lead.id,
            recorded_by=person.user_id,
        )
        unit.session.add(word)
        await unit.session.flush()
        if proof.channel is Channel.PHONE:
            # A word that is older than another one changes nothing of what holds.
            if await ConsentStore(unit).is_refused(Channel.PHONE, address):
                await leads.stop_calling(address, said_at)
            else:
                await leads.allow_calling(address, now)
            await ask_for_scores(unit)
        await unit.commit()
        return word


async def standing_of(lead_id: UUID, unit: UnitOfWork) -> Standing:
    """Raises LeadNotFound."""
    async with unit:
        lead = await LeadStore(unit).get(lead_id)
        if lead is None:
            raise LeadNotFound(lead_id)
        store = ConsentStore(unit)
        current: dict[Channel, Said | None] = {}
        for channel in Channel:
            address = address_of(lead, channel)
            if address is not None:
                word = await store.latest(channel, address)
                current[channel] = Said(word.said) if word is not None else None
        addresses = [address for address in (lead.phone, lead.email) if address is not None]
        return Standing(await store.history(lead_id, addresses, SHOWN_MAX), current)


def address_of(lead: Lead, channel: Channel) -> str | None:
    return lead.email if channel is Channel.EMAIL else lead.phone
