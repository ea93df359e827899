"""/internal/tools/{name}: what agents have done in live calls, asked by voice nodes. In the wire's own form."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Body, Depends, Response

from crm.access import Held, internal_caller
from crm.legs.permits import Authority
from crm.refusals import Refusal
from crm.tools.usecases import run_tool
from events.tool import PATH_PREFIX, ToolQuestion

router = APIRouter(dependencies=[Depends(internal_caller)])


@router.post(f"{PATH_PREFIX}{{name}}", include_in_schema=False)
async def post_tool(name: str, body: Annotated[dict[str, object], Body()], held: Held) -> Response:
    try:
        question = msgspec.convert(body, ToolQuestion)
    except msgspec.ValidationError as error:
        raise Refusal("invalid_request", {"fault": str(error)}) from None
    answer = await run_tool(name, question, held.sessions, Authority(held.rules, held.secret_key))
    return Response(msgspec.json.encode(answer), media_type="application/json")
