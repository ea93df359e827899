"""/internal/people/standing: asked by nodes about the people in their calls. In the wire's own form."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Body, Depends, Response

from crm.access import Held, internal_caller
from crm.people_on_calls.standing import judge
from crm.refusals import Refusal
from events.standing import PEOPLE_MAX, STANDING_PATH, StandingQuestion

router = APIRouter(dependencies=[Depends(internal_caller)])


@router.post(STANDING_PATH, include_in_schema=False)
async def post_standing(body: Annotated[dict[str, object], Body()], held: Held) -> Response:
    try:
        question = msgspec.convert(body, StandingQuestion)
    except msgspec.ValidationError as error:
        raise Refusal("invalid_request", {"fault": str(error)}) from None
    if len(question.people) > PEOPLE_MAX:
        raise Refusal("invalid_request", {"fault": f"people: ask about {PEOPLE_MAX} at most at once"})
    return Response(msgspec.json.encode(await judge(question, held.standings)), media_type="application/json")
