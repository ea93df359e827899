"""/internal/calls/legs: asked by nodes before somebody else is telephoned in a call. In the wire's own form."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Body, Depends, Response

from crm.access import Held, internal_caller
from crm.legs.permits import Authority
from crm.legs.usecases import decide_leg
from crm.refusals import Refusal
from events.legs import LEG_PATH, LegQuestion

router = APIRouter(dependencies=[Depends(internal_caller)])


@router.post(LEG_PATH, include_in_schema=False)
async def post_leg(body: Annotated[dict[str, object], Body()], held: Held) -> Response:
    try:
        question = msgspec.convert(body, LegQuestion)
    except msgspec.ValidationError as error:
        raise Refusal("invalid_request", {"fault": str(error)}) from None
    answer = await decide_leg(question, held.sessions, Authority(held.rules, held.secret_key))
    return Response(msgspec.json.encode(answer), media_type="application/json")
