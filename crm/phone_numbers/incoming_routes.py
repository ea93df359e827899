"""/internal/calls/…: calls that come in, asked about by voice nodes. In the wire's own form, not the API's."""

from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import APIRouter, Body, Depends, Response

from crm.access import Held, internal_caller
from crm.refusals import Refusal
from events.incoming import GIVEN_UP_PATH, INCOMING_PATH, GivenUp, IncomingQuestion

router = APIRouter(dependencies=[Depends(internal_caller)])

Asked = TypeVar("Asked")


@router.post(INCOMING_PATH, include_in_schema=False)
async def post_incoming(body: Annotated[dict[str, Any], Body()], held: Held) -> Response:
    answer = await held.reception.take(_read(body, IncomingQuestion))
    return Response(msgspec.json.encode(answer), media_type="application/json")


@router.post(GIVEN_UP_PATH, include_in_schema=False)
async def post_given_up(body: Annotated[dict[str, Any], Body()], held: Held) -> Response:
    await held.reception.give_up(_read(body, GivenUp))
    return Response(status_code=204)


def _read(body: dict[str, Any], kind: type[Asked]) -> Asked:
    """Raises Refusal: `invalid_request`."""
    try:
        return msgspec.convert(body, kind)
    except msgspec.ValidationError as error:
        raise Refusal("invalid_request", {"fault": str(error)}) from None
