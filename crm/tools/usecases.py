"""What agents have the CRM do in a call: each thing once for its key, in one transaction with the record of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import select

from crm.agents.started import spoken_date
from crm.appointments.slots import NoSlot
from crm.appointments.usecases import book, coming_of, find, zone_of
from crm.calls.model import Call
from crm.calls.store import CallStore
from crm.calls.summary import CallNotFound
from crm.calls.usecases import CallOver
from crm.database import Sessions, utc_now
from crm.idempotency.keys import KeyReused, fingerprint_of
from crm.leads.addresses import LeadAddresses
from crm.leads.model import Lead, Task
from crm.leads.store import LeadStore
from crm.legs.permits import Authority, left_s, permit_leg
from crm.notes.model import Note
from crm.refusals import Refusal
from crm.tools.model import ToolRun
from crm.tools.transfer_number import transfer_number
from crm.unit_of_work import UnitOfWork
from events import permit as permits
from events.ids import new_id
from events.permit import Permit, Purpose
from events.tool import (
    HAND_OVER,
    NEED_CRM,
    BadArguments,
    BookSlot,
    FindSlots,
    ToolAnswer,
    ToolName,
    ToolQuestion,
    TransferCall,
    UpdateLead,
    read_arguments,
    read_local_time,
)

NOTES_TOLD_CHARS: Final = 1_500  # the newest; a model pays for each
OPEN: Final = "open"
TRANSFER_KIND: Final = "transfer"


@dataclass(frozen=True, slots=True)
class Setting:
    """What a tool works on: the call that asked, with its lead locked, and what time it is there."""

    unit: UnitOfWork
    call: Call
    lead: Lead
    zone: ZoneInfo
    now: datetime
    authority: Authority

    def local(self, at: datetime) -> dict[str, str]:
        there = at.astimezone(self.zone)
        language = str((self.call.agent or {}).get("language", "en")).partition("-")[0]
        return {"starts_at": f"{there:%Y-%m-%dT%H:%M}", "when": f"{spoken_date(there, language)}, {there:%H:%M}"}

    def moment(self, local_time: str) -> datetime:
        """Raises BadArguments."""
        return read_local_time(local_time).replace(tzinfo=self.zone)


async def run_tool(name: str, question: ToolQuestion, sessions: Sessions, authority: Authority) -> ToolAnswer:
    """Do it, or give the answer that the same request got before.

    Raises:
        CallNotFound, CallOver, KeyReused
        Refusal: `not_found`, there is no such tool; `invalid_request`, the arguments do not fit.
    """
    if name not in NEED_CRM:
        raise Refusal("not_found")
    tool = ToolName(name)
    fingerprint = fingerprint_of({"name": name, "arguments": question.arguments})
    async with UnitOfWork(sessions, question.org_id) as unit:
        # Locked, so that of two copies of one request the second finds what the first has done.
        call = await CallStore(unit).lock(question.call_id)
        if call is None:
            raise CallNotFound(question.call_id)
        before = await _run_of(question, unit)
        if before is not None:
            if before.fingerprint != fingerprint:
                raise KeyReused
            return msgspec.convert(before.answer, ToolAnswer)
        if call.closed or call.ended_at is not None:
            raise CallOver(call.state)
        by_operator = tool is ToolName.TRANSFER_CALL and question.tool_call_id == HAND_OVER
        if name not in call_tools(call) and not by_operator:
            raise Refusal("forbidden", {"tool": name})
        lead = await LeadStore(unit).lock(call.lead_id)
        assert lead is not None, "a call's lead outlives it"
        setting = Setting(unit, call, lead, await zone_of(lead, unit), utc_now(), authority)
        try:
            answer = await _TOOLS[tool](read_arguments(tool, question.arguments), setting)
        except BadArguments as error:
            raise Refusal("invalid_request", {"fault": str(error)}) from None
        if tool in _CHANGING:
            unit.session.add(
                ToolRun(
                    org_id=unit.org_id,
                    call_id=call.id,
                    tool_call_id=question.tool_call_id,
                    name=name,
                    fingerprint=fingerprint,
                    answer=msgspec.to_builtins(answer),
                )
            )
        await unit.commit()
        return answer


def call_tools(call: Call) -> tuple[str, ...]:
    """Return what the call's agent was allowed when the call began."""
    return tuple((call.agent or {}).get("tools", ()))


async def _run_of(question: ToolQuestion, unit: UnitOfWork) -> ToolRun | None:
    return (
        await unit.session.scalars(
            select(ToolRun).where(
                ToolRun.org_id == unit.org_id,
                ToolRun.call_id == question.call_id,
                ToolRun.tool_call_id == question.tool_call_id,
            )
        )
    ).one_or_none()


async def _look_up_lead(_arguments: Any, on: Setting) -> ToolAnswer:
    lead = on.lead
    tasks = await LeadStore(on.unit).tasks_of(lead.id)
    coming = await coming_of(on.unit, lead.id, on.now)
    return ToolAnswer(
        {
            "name": lead.name,
            "company": lead.company,
            "email": lead.email or "",
            "status": lead.status,
            "score": lead.score,
            "next_step": lead.next_step,
            "notes": lead.notes[-NOTES_TOLD_CHARS:],
            "fields": lead.custom_fields,
            "open_tasks": [f"{task.title} {task.due_text}".strip() for task in tasks if task.status == OPEN],
            "appointments": [on.local(one.starts_at)["when"] for one in coming],
        }
    )


async def _update_lead(arguments: UpdateLead, on: Setting) -> ToolAnswer:
    lead, changed = on.lead, []
    for name in ("name", "company"):
        value = getattr(arguments, name)
        if value is not None:
            setattr(lead, name, value)
            changed.append(name)
    if arguments.email is not None:
        changed.append(await _set_email(arguments.email.strip().lower(), on))
    if arguments.note is not None:
        if arguments.note.strip():
            _note(arguments.note.strip(), on)
        changed.append("note")
    if not changed:
        raise BadArguments("give at least one of name, email, company, note")
    return ToolAnswer({"changed": changed})


def _note(text: str, on: Setting) -> None:
    mine = {"lead_id": on.lead.id, "call_id": on.call.id}
    on.unit.session.add(Note(org_id=on.unit.org_id, text=text, **mine))


async def _set_email(email: str, on: Setting) -> str:
    """Set the lead's address, or note it where another lead has it: which of the two is meant a person decides."""
    lead, addresses = on.lead, LeadAddresses(on.unit)
    if await addresses.holder(email, lead.id) is not None and email != lead.email:
        _note(f"E-mail, which another lead has: {email}", on)
        return "note"
    if email != lead.email:
        before, lead.email, lead.email_twin = lead.email, email, None
        await on.unit.session.flush()
        await addresses.settle(before)
    return "email"


async def _find_slots(arguments: FindSlots, on: Setting) -> ToolAnswer:
    first = None
    if arguments.day is not None:
        try:
            first = date.fromisoformat(arguments.day)
        except ValueError:
            raise BadArguments(f"{arguments.day} is no day") from None
    found = await find(on.unit, first, on.now)
    return ToolAnswer({"free": [on.local(at) for at in found]})


async def _book_slot(arguments: BookSlot, on: Setting) -> ToolAnswer:
    at = on.moment(arguments.starts_at)
    made = await book(on.unit, on.lead, at, arguments.title or "", on.call.id, on.now)
    if isinstance(made, NoSlot):
        free = await find(on.unit, max(at, on.now).astimezone(on.zone).date(), on.now)
        near = sorted(sorted(free, key=lambda other: abs(other - at))[:3])
        return ToolAnswer({"refused": made.value, "free": [on.local(other) for other in near]}, refused=True)
    return ToolAnswer({"booked": True, **on.local(at), "minutes": made.minutes})


async def _transfer_call(arguments: TransferCall, on: Setting) -> ToolAnswer:
    """Let the node connect the prospect with the organisation's number: through the gate, as every dial."""
    number = await transfer_number(on.unit)
    if number is None:
        return ToolAnswer({"refused": "nobody can be reached now: offer that somebody calls back"}, refused=True)
    granted = await permit_leg(
        on.call, new_id(), number, Purpose.TRANSFER, left_s(on.call, on.now), on.now, on.unit, on.authority
    )
    if not isinstance(granted, Permit):
        return ToolAnswer({"refused": granted.value}, refused=True)
    if not await _is_announced(on):
        on.unit.session.add(
            Task(
                org_id=on.call.org_id,
                lead_id=on.lead.id,
                call_id=on.call.id,
                kind=TRANSFER_KIND,
                title=f"{on.lead.name} is put through: {arguments.reason}",
            )
        )
    told = "granted: say in one sentence that you put them through now"
    return ToolAnswer({"result": told}, permit=permits.seal(granted, on.authority.secret_key))


async def _is_announced(on: Setting) -> bool:
    """True when this call was put through before, and the prospect came back or did not wait."""
    tasks = await LeadStore(on.unit).tasks_of(on.lead.id)
    return any(task.kind == TRANSFER_KIND and task.call_id == on.call.id and task.status == OPEN for task in tasks)


_TOOLS: Final[dict[ToolName, Callable[[Any, Setting], Awaitable[ToolAnswer]]]] = {
    ToolName.LOOK_UP_LEAD: _look_up_lead,
    ToolName.UPDATE_LEAD: _update_lead,
    ToolName.FIND_SLOTS: _find_slots,
    ToolName.BOOK_SLOT: _book_slot,
    ToolName.TRANSFER_CALL: _transfer_call,
}
# A look-up may simply be made again, and a permit is good for a minute.
_CHANGING: Final = frozenset({ToolName.UPDATE_LEAD, ToolName.BOOK_SLOT})
