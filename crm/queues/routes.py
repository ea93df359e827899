"""/api/queues: where callers wait for people, and who those are."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from typing_extensions import TypedDict

from crm.access import Needs, Unit
from crm.answers import Success, shown, success
from crm.idempotency.writes import Attempted, once
from crm.permissions import Permission
from crm.queues.usecases import (
    MEMBERS_MAX,
    QueueFields,
    Whole,
    add_queue,
    change_queue,
    list_queues,
    read_queue,
    remove_queue,
)
from crm.text_patterns import NO_CONTROL
from events.queue import Strategy, Then

SENTENCE_CHARS_MAX: Final = 500

router = APIRouter(prefix="/api/queues")

WRITES: Final = Depends(Needs(Permission.QUEUES_WRITE))
Sentence = Annotated[str, StringConstraints(strip_whitespace=True, max_length=SENTENCE_CHARS_MAX, pattern=NO_CONTROL)]


class QueueBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60, pattern=NO_CONTROL)]
    strategy: Strategy = Strategy.RING_ALL
    ring_s: Annotated[int, Field(ge=5, le=120, description="How long one member is rung")] = 20
    wait_s: Annotated[int, Field(ge=5, le=1800, description="How long a caller waits in all")] = 180
    then: Annotated[Then, Field(description="What becomes of a caller whom nobody took")] = Then.AGENT
    greeting: Annotated[Sentence, Field(description="Said once, by the agent's voice")] = ""
    patience: Annotated[Sentence, Field(description="Said now and then; {position} is the caller's place")] = ""
    goodbye: Annotated[Sentence, Field(description="Said before the call is ended by `hang_up`")] = ""
    member_ids: Annotated[list[UUID], Field(max_length=MEMBERS_MAX)]

    def fields(self) -> QueueFields:
        return QueueFields(
            self.name,
            self.strategy,
            self.ring_s,
            self.wait_s,
            self.then,
            self.greeting,
            self.patience,
            self.goodbye,
            tuple(self.member_ids),
        )


class _OwnJson(TypedDict):
    id: UUID
    name: Annotated[str, Field(examples=["Sales"])]
    strategy: Strategy
    ring_s: int
    wait_s: int
    then: Then
    greeting: str
    patience: str
    goodbye: str
    created_at: datetime
    updated_at: datetime


class QueueJson(_OwnJson):
    member_ids: list[UUID]


@router.get("")
async def get_queues(unit: Unit) -> Success[list[QueueJson]]:
    return success([queue_json(whole) for whole in await list_queues(unit)])


@router.get("/{queue_id}")
async def get_queue(queue_id: UUID, unit: Unit) -> Success[QueueJson]:
    return success(queue_json(await read_queue(queue_id, unit)))


@router.post("", status_code=201, dependencies=[WRITES])
async def post_queue(body: QueueBody, unit: Unit, attempt: Attempted) -> Success[QueueJson]:
    made = await once(unit, attempt, lambda part: add_queue(body.fields(), part), queue_json)
    return success(made, status=201)


@router.put("/{queue_id}", dependencies=[WRITES])
async def put_queue(queue_id: UUID, body: QueueBody, unit: Unit) -> Success[QueueJson]:
    return success(queue_json(await change_queue(queue_id, body.fields(), unit)))


@router.delete("/{queue_id}", status_code=204, dependencies=[WRITES])
async def delete_queue(queue_id: UUID, unit: Unit) -> Response:
    await remove_queue(queue_id, unit)
    return Response(status_code=204)


def queue_json(whole: Whole) -> QueueJson:
    queue, members = whole
    return {**shown(_OwnJson, queue), "member_ids": members}
