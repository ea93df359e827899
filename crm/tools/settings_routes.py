"""/api/settings/transfer: the number at which people take over calls."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from typing_extensions import TypedDict

from crm.access import Held, Needs, Unit
from crm.answers import Success, success
from crm.compliance.gate import Question, judge
from crm.compliance.hours import ANY_TIME
from crm.permissions import Permission
from crm.prompts.usecases import BadField
from crm.tools.transfer_number import set_transfer_number, transfer_number

router = APIRouter(prefix="/api/settings/transfer")


class TransferBody(BaseModel):
    """E.164; null: nobody is put through."""

    model_config = ConfigDict(extra="forbid")

    number: Annotated[str, StringConstraints(strip_whitespace=True, max_length=40)] | None


class TransferJson(TypedDict):
    number: Annotated[str | None, Field(examples=["+12025550150"])]


@router.get("")
async def get_transfer(unit: Unit) -> Success[TransferJson]:
    async with unit:
        return success({"number": await transfer_number(unit)})


@router.put("", dependencies=[Depends(Needs(Permission.SETTINGS_WRITE))])
async def put_transfer(body: TransferBody, unit: Unit, held: Held) -> Success[TransferJson]:
    if body.number is not None:
        # As the gate will ask in the call, but for the credits that the call has then.
        question = Question(
            body.number,
            lead_found=True,
            do_not_call=False,
            fundable_s=held.rules.minimum_funded_s,
            timing=ANY_TIME,
        )
        verdict = judge(question, held.rules)
        if not verdict.allowed:
            raise BadField("number", f"may not be called: {', '.join(reason.value for reason in verdict.reasons)}")
    await set_transfer_number(body.number, unit)
    return success({"number": body.number})
