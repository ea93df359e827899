"""/api/chat: a model's answer, streamed, and resumed after a break (S22)."""

from typing import Annotated, Final, Literal, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from agent.llm.port import Message, Role
from crm.access import Held, Person, Unit
from crm.answers import Success, success
from crm.chat.answer_log import AnswerLog
from crm.chat.reading import events
from crm.chat.usecases import Desk, Question, ask
from crm.refusals import Refusal

MESSAGES_MAX: Final = 100
TEXT_CHARS_MAX: Final = 8_000
INSTRUCTIONS_CHARS_MAX: Final = 32_000
TOKENS_MAX: Final = 4_000

router = APIRouter()


def desk_of(request: Request) -> Desk:
    return cast(Desk, request.app.state.desk)


AtDesk = Annotated[Desk, Depends(desk_of)]


class MessageBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    role: Literal["user", "assistant"]
    text: str = Field(min_length=1, max_length=TEXT_CHARS_MAX)


class QuestionBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    messages: list[MessageBody] = Field(min_length=1, max_length=MESSAGES_MAX)
    agent_id: UUID | None = None
    instructions: str = Field("", max_length=INSTRUCTIONS_CHARS_MAX)
    temperature: float | None = Field(None, ge=0.0, le=2.0)
    max_tokens: int | None = Field(None, ge=1, le=TOKENS_MAX)


LastEventId = Annotated[str, Header(alias="Last-Event-ID", pattern=r"^\d{1,9}$")]


class AskedJson(TypedDict):
    answer_id: UUID
    events: Annotated[str, Field(examples=["/api/chat/answers/0196f3a2-5c1e-7d42-9a3b-1f0e8c6d7b54/events"])]


@router.post("/api/chat/answers", status_code=201)
async def post_question(body: QuestionBody, unit: Unit, held: Held, desk: AtDesk) -> Success[AskedJson]:
    question = Question(
        tuple(Message(Role(message.role), message.text) for message in body.messages),
        body.agent_id,
        body.instructions,
        body.temperature,
        body.max_tokens,
    )
    answer_id = await ask(question, unit, held.redis, desk)
    return success({"answer_id": answer_id, "events": f"/api/chat/answers/{answer_id}/events"}, status=201)


@router.get("/api/chat/answers/{answer_id}/events", response_class=StreamingResponse)
async def get_events(
    answer_id: UUID, person: Person, held: Held, last_event_id: LastEventId = "0"
) -> StreamingResponse:
    written = AnswerLog(held.redis, person.org_id, answer_id)
    if not await written.exists():
        raise Refusal("answer_not_found")
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(events(written, int(last_event_id)), media_type="text/event-stream", headers=headers)


@router.delete("/api/chat/answers/{answer_id}", status_code=204)
async def delete_answer(answer_id: UUID, person: Person, held: Held) -> None:
    """Stop it; what was said stands."""
    if not await AnswerLog(held.redis, person.org_id, answer_id).stop():
        raise Refusal("answer_not_found")
