"""What people do with scores: have one explained, set one by hand, give it back, and weigh."""

from dataclasses import dataclass
from uuid import UUID

from crm.database import utc_now
from crm.leads.model import Lead
from crm.leads.store import LeadStore
from crm.leads.telling import tell_changed
from crm.leads.usecases import ANY_VERSION, LeadNotFound
from crm.scoring.jobs import ask_for_all_scores
from crm.scoring.rules import Scheme, Scored, score
from crm.scoring.scheme import keep_scheme, read_scheme
from crm.scoring.store import ScoreStore
from crm.unit_of_work import UnitOfWork
from crm.versions import Precondition


@dataclass(frozen=True, slots=True)
class Explained:
    """What a lead's score is, and what it would be by the rules, from what is known now."""

    lead: Lead
    scored: Scored
    scheme: Scheme


async def explain(lead_id: UUID, unit: UnitOfWork) -> Explained:
    """Raises LeadNotFound."""
    async with unit:
        lead = await LeadStore(unit).get(lead_id)
        if lead is None:
            raise LeadNotFound(lead_id)
        return await _explained(lead, unit)


async def set_score(
    lead_id: UUID, score: int, by: UUID, unit: UnitOfWork, read: Precondition = ANY_VERSION
) -> Explained:
    """Set a score by hand (0 to 100), which stays until it is set again or given back.

    Raises:
        LeadNotFound, VersionChanged
    """
    async with unit:
        lead = await _locked(lead_id, unit, read)
        lead.score, lead.score_set_by, lead.score_set_at = score, by, utc_now()
        await tell_changed(lead, unit)
        explained = await _explained(lead, unit)
        await unit.commit()
        return explained


async def give_back(lead_id: UUID, unit: UnitOfWork, read: Precondition = ANY_VERSION) -> Explained:
    """Let the rules say the score again, at once. Raises LeadNotFound, VersionChanged."""
    async with unit:
        lead = await _locked(lead_id, unit, read)
        explained = await _explained(lead, unit)
        lead.score, lead.score_set_by, lead.score_set_at = explained.scored.total, None, None
        await unit.commit()
        return explained


async def weigh(scheme: Scheme, unit: UnitOfWork) -> None:
    """Set the organisation's weights, and have all scores worked out by them."""
    async with unit:
        await keep_scheme(scheme, unit)
        await ask_for_all_scores(unit)
        await unit.commit()


async def _locked(lead_id: UUID, unit: UnitOfWork, read: Precondition) -> Lead:
    lead = await LeadStore(unit).lock(lead_id)
    if lead is None:
        raise LeadNotFound(lead_id)
    read.check(lead.version)
    return lead


async def _explained(lead: Lead, unit: UnitOfWork) -> Explained:
    scheme = await read_scheme(unit)
    known = (await ScoreStore(unit).facts([lead.id]))[lead.id]
    return Explained(lead, score(known, scheme), scheme)
