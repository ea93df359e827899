"""What happens in a call, as the voice process tells it to whoever listens. Sans-I/O.

Fields are only ever added, never replaced or given another meaning: journals and streams outlive a release.
All `*_ms` fields stand on the call's one timeline: milliseconds since the carrier's stream began, by the
carrier's `timestamp` of the prospect's audio. Durations end in `_s` or say so.
"""

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

from events.leg_events import (
    LegAccepted,
    LegAnswered,
    LegArranged,
    LegEnded,
    LegMetered,
    LegPlaced,
    LegRinging,
)
from events.queue import QueueEntered, QueueLeft, RepRung, RingOver
from events.understanding import CallerAngry, CallerUnderstood

VERSION: Final = 1


class State(StrEnum):
    """The call's lifecycle (S33). LISTENING and SPEAKING are the two halves of connected."""

    IDLE = "idle"
    DIALING = "dialing"
    RINGING = "ringing"
    LISTENING = "listening"
    SPEAKING = "speaking"
    ENDING = "ending"
    ENDED = "ended"
    FAILED = "failed"


TERMINAL: Final = frozenset({State.ENDED, State.FAILED})


class Outcome(StrEnum):
    """Why a call is over, in the words that the CRM acts on."""

    GOAL_REACHED = "goal_reached"
    CALLBACK_REQUESTED = "callback_requested"
    NOT_INTERESTED = "not_interested"
    OPTED_OUT = "opted_out"
    NO_RESPONSE = "no_response"
    MESSAGE_LEFT = "message_left"
    VOICEMAIL = "voicemail"  # who called us has left a message
    TRANSFERRED = "transferred"  # put through to a person
    HUNG_UP = "hung_up"  # the prospect left before anything was decided
    LINE_BUSY = "line_busy"
    NO_ANSWER = "no_answer"
    REFUSED = "refused"  # the permit, do-not-call or the carrier said no
    MISSED = "missed"  # they waited for people, and nobody took them
    OUT_OF_CREDIT = "out_of_credit"
    TIME_LIMIT = "time_limit"
    SERVICE_FAILURE = "service_failure"  # ours: speech, stream, node
    UNKNOWN = "unknown"  # the carrier never said; not dialled again


class Speaker(StrEnum):
    AGENT = "agent"
    CALLER = "caller"
    REP = "rep"
    CONSULTED = "consulted"  # telephoned in by a rep


class AnsweredBy(StrEnum):
    HUMAN = "human"
    MACHINE = "machine"
    UNKNOWN = "unknown"


class FactKind(StrEnum):
    """What the conversation established."""

    MEETING_BOOKED = "meeting_booked"
    CALLBACK_REQUESTED = "callback_requested"
    OBJECTION = "objection"
    OPTED_OUT = "opted_out"
    NOTE = "note"
    BROKEN_OFF = "broken_off"  # our fault ended the conversation: somebody has to call back


class ToolFate(StrEnum):
    """What became of something that the model asked for."""

    DONE = "done"
    REFUSED = "refused"  # a rule said no
    FAILED = "failed"  # it was not done
    IN_DOUBT = "in_doubt"  # nobody answered: it may have been done


class StateChanged(msgspec.Struct, frozen=True, tag="call.state_changed"):
    state: State
    previous: State
    reason: str = ""


class CarrierAccepted(msgspec.Struct, frozen=True, tag="call.carrier_accepted"):
    carrier: str
    carrier_call_id: str


class Answered(msgspec.Struct, frozen=True, tag="call.answered"):
    """The line was picked up: the meter starts."""


class AnswererKnown(msgspec.Struct, frozen=True, tag="call.answerer_known"):
    answered_by: AnsweredBy
    source: str  # "carrier" or "ear"
    detail: str = ""


class TurnFinished(msgspec.Struct, frozen=True, tag="turn.finished"):
    """One turn of one speaker. For the agent `text` is what was meant, `heard_text` what was played."""

    turn: int
    speaker: Speaker
    text: str
    heard_text: str
    started_ms: int
    ended_ms: int
    response_ms: int | None = None  # agent only: caller's last voiced sample to our first sample played
    interrupted: bool = False
    prompt_version: str = ""  # agent only: the prompt's version that spoke; empty where it followed its playbook


class TurnTimed(msgspec.Struct, frozen=True, tag="turn.timed"):
    """The waterfall of one answer: each stage in ms since the caller's last voiced sample (X2)."""

    turn: int
    vad_ms: int | None = None
    end_of_turn_ms: int | None = None
    transcript_ms: int | None = None
    first_token_ms: int | None = None
    first_audio_ms: int | None = None
    sent_ms: int | None = None
    played_ms: int | None = None


class BargedIn(msgspec.Struct, frozen=True, tag="turn.barged_in"):
    """The caller took the floor; `stopped_after_ms` from their first voiced sample to our last one played."""

    turn: int
    at_ms: int
    stopped_after_ms: int


class FactNoted(msgspec.Struct, frozen=True, tag="fact.noted"):
    kind: FactKind
    text: str = ""  # in the caller's words, or the objection's name
    when: str = ""  # the time that was said, as said ("tomorrow at ten")
    details: dict[str, str] = {}


class ToolUsed(msgspec.Struct, frozen=True, tag="tool.used"):
    """The model had something done; what with, and what came of it, are its own events and the CRM's."""

    tool_call_id: str
    name: str
    fate: ToolFate
    took_ms: int = 0


class MessageRequested(msgspec.Struct, frozen=True, tag="message.requested"):
    """The prospect was promised a message; an empty `to` is the address that the lead has."""

    tool_call_id: str
    channel: str  # sms, whatsapp, email
    text: str
    to: str = ""


class Metered(msgspec.Struct, frozen=True, tag="money.metered"):
    """The call has used this many billable seconds so far; the sum, so that repeats cost nothing."""

    billable_s: int


class Finished(msgspec.Struct, frozen=True, tag="call.finished"):
    """The call reached a terminal state: what money and the lead's status follow from."""

    state: State
    outcome: Outcome
    answered_by: AnsweredBy | None = None
    duration_s: float = 0.0
    billable_s: int = 0
    reason: str = ""


class RecordingStored(msgspec.Struct, frozen=True, tag="recording.stored"):
    uri: str  # store URL + key
    key: str
    channels: int
    duration_s: float
    size_bytes: int
    sha256: str


class RecordingFailed(msgspec.Struct, frozen=True, tag="recording.failed"):
    """There is no recording, or not all of it; `spool_path` names what is left on the node's disk."""

    reason: str
    spool_path: str = ""


class LegQuality(msgspec.Struct, frozen=True, tag="leg.quality"):
    """A leg's connection became unstable, or is stable again; told once each time."""

    leg: str  # "prospect", or the name of who joined
    stable: bool
    jitter_ms: int = 0
    loss: float = 0.0  # share of the frames of the last second


class SpeechFed(msgspec.Struct, frozen=True, tag="speech.fed"):
    """What of the prospect's audio the recogniser was given: the rest is silence, and the agent's own turns."""

    heard_ms: int
    fed_ms: int


class ModelUsed(msgspec.Struct, frozen=True, tag="model.used"):
    """One request to a language model is over. Counts only: nothing that was said (S74)."""

    provider: str  # as the plan names it
    fate: str  # agent.llm.usage.Fate: spoken, lost, failed, abandoned, thrown_away
    failure: str = ""  # agent.llm.port.Failure
    prompt_tokens: int = 0
    completion_tokens: int = 0
    estimated: bool = False  # the tokens: the vendor reported none
    cost_milli: int | None = None  # thousandths of a credit; None: no price is known
    first_token_ms: int | None = None  # durations, since the request
    total_ms: int = 0
    rank: int = 0  # in the cascade: 0 is asked first
    own_key: bool = False  # the organisation's account paid, not the operator's


class KeyRefused(msgspec.Struct, frozen=True, tag="provider.key_refused"):
    """A vendor of speech refused the organisation's own key; of models, `model.used` tells it."""

    provider: str  # the vendor


class PersonJoined(msgspec.Struct, frozen=True, tag="person.joined"):
    """A colleague is in the call beside the prospect: hears it, or is heard as well."""

    person: str  # their seat in this call; a reload of their page keeps it
    name: str
    user_id: UUID
    role: str  # listener, whisperer, barger, rep


class PersonLeft(msgspec.Struct, frozen=True, tag="person.left"):
    person: str
    name: str
    user_id: UUID
    reason: str = ""  # empty: they left; "lost": their connection did, and they were waited for


class RoleChanged(msgspec.Struct, frozen=True, tag="person.role_changed"):
    person: str
    name: str
    user_id: UUID
    role: str


class WordPassed(msgspec.Struct, frozen=True, tag="word.passed"):
    """A colleague has taken the call over from the agent, or the agent has it again."""

    to: str  # "person" or "agent"
    person: str
    name: str
    user_id: UUID
    reason: str = ""  # empty: as asked; "left" or "lost": the agent took it because they were gone
    agreed: str = ""  # what they told the agent of it


class CallHeld(msgspec.Struct, frozen=True, tag="call.held"):
    """The prospect hears music, or no longer."""

    held: bool
    name: str = ""  # of who asked for it


class AgentInstructed(msgspec.Struct, frozen=True, tag="agent.instructed"):
    """A supervisor told the agent something that the prospect never hears."""

    text: str
    name: str  # the supervisor's
    spoken: bool = False  # into the microphone; else written


class MessageTaken(msgspec.Struct, frozen=True, tag="message.taken"):
    """The caller has left a message: nobody took their call. Its words are the caller's turns in between."""

    began_ms: int  # the tone was over
    ended_ms: int  # their last sound


class Closed(msgspec.Struct, frozen=True, tag="call.closed"):
    """Nothing follows in this epoch: the journal may go once the CRM has taken this."""


Body = (
    StateChanged
    | CarrierAccepted
    | Answered
    | AnswererKnown
    | TurnFinished
    | TurnTimed
    | BargedIn
    | FactNoted
    | Metered
    | Finished
    | RecordingStored
    | RecordingFailed
    | Closed
    | LegQuality
    | ModelUsed
    | SpeechFed
    | ToolUsed
    | MessageRequested
    | CallerUnderstood
    | CallerAngry
    | KeyRefused
    | PersonJoined
    | PersonLeft
    | RoleChanged
    | WordPassed
    | CallHeld
    | AgentInstructed
    | MessageTaken
    | LegPlaced
    | LegAccepted
    | LegRinging
    | LegAnswered
    | LegArranged
    | LegMetered
    | LegEnded
    | QueueEntered
    | RepRung
    | RingOver
    | QueueLeft
)


class Event(msgspec.Struct, frozen=True):
    """One event. `(org_id, call_id, epoch, seq)` is its identity.

    `seq` rises by one from 1 within an epoch. Whoever takes a call over (another node, recovery after a
    crash) raises the epoch by one; a consumer refuses an epoch older than the newest it has seen.
    """

    org_id: UUID
    call_id: UUID
    epoch: int
    seq: int
    at: datetime  # UTC wall time, for people; order comes from epoch and seq
    body: Body
    version: int = VERSION


class Unreadable(ValueError):
    """Bytes that are not an event of a version that we know."""


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Event)


def encode(event: Event) -> bytes:
    """Return the event as MessagePack."""
    return _ENCODER.encode(event)


def decode(raw: bytes) -> Event:
    """Return the event in `raw`.

    Raises:
        Unreadable: not MessagePack, a field missing or of the wrong type, or an unknown kind.
    """
    try:
        return _DECODER.decode(raw)
    except msgspec.MsgspecError as error:
        raise Unreadable(str(error)) from None


def kind_of(body: Body) -> str:
    """Return the event's name, such as `turn.finished`."""
    return str(body.__struct_config__.tag)
