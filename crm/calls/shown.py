"""What the API shows of calls. Sans-I/O. Money is in thousandths of a credit."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field
from typing_extensions import TypedDict

from crm.billing.statement import TransactionJson
from crm.calls.model import Direction
from crm.understanding.shown import CallNotesJson, ObjectionJson

StateShown = Annotated[str, Field(examples=["ended"])]
OutcomeShown = Annotated[str | None, Field(examples=["goal_reached"])]
AnsweredBy = Annotated[str | None, Field(examples=["human"])]


class PlacedByJson(TypedDict):
    """The member who called, to talk in the call; the name is gone with the member."""

    user_id: UUID
    name: Annotated[str | None, Field(examples=["Ada"])]


class HeadlineJson(TypedDict):
    """What a list shows of a call."""

    call_id: UUID
    lead_id: UUID
    lead_name: Annotated[str, Field(examples=["Dana"])]
    number: Annotated[str, Field(description="Of the other side; empty where who called withheld it")]
    direction: Direction
    our_number: Annotated[str, Field(description="That was called; empty where we called")]
    state: StateShown
    outcome: OutcomeShown
    reason: str
    answered_by: AnsweredBy
    duration_s: float
    closed: bool
    angry_at: datetime | None
    placed_by: UUID | None
    created_at: datetime


class TurnJson(TypedDict):
    """`heard_text` is what was heard of an agent's words; times are of the call's own timeline."""

    speaker: Annotated[str, Field(examples=["caller"])]
    text: str | None
    heard_text: str | None
    started_ms: int | None
    ended_ms: int | None
    response_ms: int | None
    interrupted: bool
    prompt_version: str
    id: UUID
    turn: int
    epoch: int
    mood: Annotated[str | None, Field(examples=["neutral"])]
    sentiment: float | None
    sentiment_confidence: float | None


class BargeInJson(TypedDict):
    at_ms: int
    stopped_after_ms: int


class WaterfallJson(TypedDict):
    """Where the time before an agent's turn went, from the end of the caller's words; null where it is not known."""

    turn: int
    vad_ms: int | None
    end_of_turn_ms: int | None
    transcript_ms: int | None
    first_token_ms: int | None
    first_audio_ms: int | None
    sent_ms: int | None
    played_ms: int | None


class RecordingJson(TypedDict):
    """`path` is where it lies on this machine's disk; null in a remote store."""

    uri: str
    path: str | None
    channels: int
    duration_s: float


class LeadStandingJson(TypedDict):
    id: UUID
    status: Annotated[str, Field(examples=["meeting_booked"])]
    score: int
    do_not_call: bool


class CallMoneyJson(TypedDict):
    reserved: int
    settled: int | None
    refunded: int
    balance_before: int | None
    balance_after: int | None


class ErasedJson(TypedDict):
    recording_at: datetime
    content_at: datetime | None


class ModelUsageJson(TypedDict):
    """Of one provider, and one that became of its answers; `cost` is null where a price is unknown."""

    provider: Annotated[str, Field(examples=["openai:gpt-5-mini"])]
    fate: Annotated[str, Field(examples=["spoken"])]
    requests: int
    prompt_tokens: int
    completion_tokens: int
    cost: int | None


class StateChangeJson(TypedDict):
    state: StateShown
    previous: Annotated[str, Field(examples=["speaking"])]
    reason: str
    at: datetime


class LegJson(TypedDict):
    """Somebody whom a person in the call had telephoned; money in thousandths of a credit."""

    id: UUID
    purpose: Annotated[str, Field(examples=["consult"])]
    number: Annotated[str, Field(examples=["+12025550150"])]
    user_id: UUID
    funded_s: int
    billable_s: int
    charged: int
    arrangement: Annotated[str, Field(examples=["conference"])]
    reason: Annotated[str, Field(examples=["hung_up"])]
    carrier_call_id: str | None
    created_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None


class CallJson(TypedDict):
    call_id: UUID
    number: str
    direction: Direction
    our_number: str
    state: StateShown
    outcome: OutcomeShown
    answered_by: AnsweredBy
    duration_s: float
    turns: list[TurnJson]
    barge_ins: list[BargeInJson]
    waterfall: list[WaterfallJson]
    recording: RecordingJson | None
    lead: LeadStandingJson
    ledger: CallMoneyJson
    events: int
    closed: bool
    reason: str
    carrier_call_id: str | None
    created_at: datetime
    erased: ErasedJson | None
    models: list[ModelUsageJson]
    agent: dict[str, Any] | None
    placed_by: PlacedByJson | None
    prompt_version: str
    angry_at: datetime | None
    objections: list[ObjectionJson]
    notes: CallNotesJson | None
    states: list[StateChangeJson]
    transactions: list[TransactionJson]
    legs: list[LegJson]


class EventJson(TypedDict):
    """`id` is what `after` takes; the body is the event's own, by its kind."""

    id: Annotated[str, Field(examples=["1:7"])]
    epoch: int
    seq: int
    kind: Annotated[str, Field(examples=["call.answered"])]
    at: datetime
    body: dict[str, Any]


class EventsJson(TypedDict):
    """Go on with `next` until the call is `closed`."""

    events: list[EventJson]
    next: Annotated[str, Field(examples=["1:7"])]
    closed: bool


class PlacedJson(TypedDict):
    call_id: UUID
    lead_id: UUID
    state: Annotated[str, Field(examples=["dialing"])]


class HungUpJson(TypedDict):
    call_id: UUID
    state: Annotated[str, Field(examples=["ending"])]
