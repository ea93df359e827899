"""What a voice node is told of a call, whoever rang whom: the call plan, in the transaction that writes the call."""

from datetime import timedelta
from typing import Any, Final

from crm.agents.started import StartedAgent
from crm.calls.model import Call, PendingDial
from crm.calls.store import DialStore
from crm.calls.terms import Terms
from crm.database import utc_now
from crm.leads.model import Lead
from crm.providers.usecases import OwnKeys, keys_for
from crm.tools.transfer_number import SETTING as TRANSFER_NUMBER
from crm.understanding.store import ObjectionStore
from crm.understanding.taking import language_of
from crm.unit_of_work import UnitOfWork
from events import plan, wire
from events.queue import QueuePlan
from events.sealed_audio import new_key

# After the permit has expired for certain: a dial without an event by then was never made.
RELEASE_AFTER: Final = timedelta(seconds=90)


async def plan_call(
    call: Call,
    lead: Lead,
    started: StartedAgent,
    playbook: dict[str, Any],
    unit: UnitOfWork,
    terms: Terms,
    *,
    holder: plan.Holder | None = None,
    inbound: plan.Inbound | None = None,
    queue: QueuePlan | None = None,
) -> plan.CallPlan:
    """Raises KeyBlocked, NeedsModel."""
    store = DialStore(unit)
    organisation = await store.organisation()
    providers = terms.with_speech(started.providers(terms.models))
    keys = await _keys(unit, store, providers, terms)
    return plan.CallPlan(
        org_id=call.org_id,
        call_id=call.id,
        org_name=organisation.name,
        agent=started.in_plan(),
        prospect=plan.Prospect(lead.id, lead.name, lead.company, lead.time_zone),
        from_number=terms.from_number,
        playbook=playbook,
        prompt_version=call.prompt_version,
        prompt=started.prompt_in_plan(),
        providers=providers,
        sealed_keys=keys.sealed,
        own_only=keys.only,
        takes_over=bool(organisation.settings.get(TRANSFER_NUMBER)),
        tools=tuple(started.agent.tools),
        variables=started.variables(lead, organisation.name, utc_now()),
        record=plan.RecordWhen(organisation.record_when),
        max_duration_s=terms.max_call_s,
        sensitivity=plan.Sensitivity(organisation.sensitivity),
        held_by=holder,
        corrected=await ObjectionStore(unit).corrected(language_of(call)),
        inbound=inbound,
        queue=queue,
    )


def put_down(call: Call, unit: UnitOfWork) -> None:
    """Write the call down, and what gives its credits back when no voice node ever speaks for it."""
    unit.session.add(call)
    unit.session.add(
        PendingDial(
            call_id=call.id,
            org_id=call.org_id,
            stream=wire.event_stream(call.id),
            release_at=utc_now() + RELEASE_AFTER,
        )
    )


async def _keys(unit: UnitOfWork, store: DialStore, providers: plan.Providers, terms: Terms) -> OwnKeys:
    """Return what the call needs of secrets, none of them in clear; the organisation's first call makes its key.

    Raises:
        KeyBlocked
    """
    keys = await keys_for(
        unit,
        # Behind the others: a key that judges moods only keeps no call from being made.
        (providers.llm, *providers.llm_fallbacks, *filter(None, [providers.sentiment])),
        (providers.stt, *providers.stt_fallbacks),
        (providers.tts, *providers.tts_fallbacks),
    )
    master = terms.recording_master
    if master is not None:
        keys.sealed[plan.RECORDING_KEY] = await store.recording_key(lambda: master.wrap(new_key(), unit.org_id))
    return keys
