"""Do-not-call for voice nodes, asked again at the moment of the dial. In the wire's own form, not the API's."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Body, Depends, Response

from crm.access import Held, internal_caller
from crm.compliance.gate import e164
from crm.leads.store import LeadStore
from crm.refusals import Refusal
from crm.unit_of_work import UnitOfWork
from events import wire
from events.wire import DoNotCallAnswer, DoNotCallQuestion

router = APIRouter(dependencies=[Depends(internal_caller)])


@router.post(wire.DO_NOT_CALL_PATH, include_in_schema=False)
async def post_do_not_call(body: Annotated[dict[str, object], Body()], held: Held) -> Response:
    try:
        question = msgspec.convert(body, DoNotCallQuestion)
    except msgspec.ValidationError as error:
        raise Refusal("invalid_request", {"fault": str(error)}) from None
    async with UnitOfWork(held.sessions, question.org_id) as unit:
        listed = await LeadStore(unit).is_do_not_call(e164(question.number) or question.number)
    return Response(msgspec.json.encode(DoNotCallAnswer(listed)), media_type="application/json")
