"""The call plan: all that a voice node needs to hold one call, so that it reads no database. Sans-I/O."""

from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import msgspec

from events.queue import QueuePlan
from events.understanding import CorrectedObjection

# The name in `sealed_keys` under which the organisation's key for recordings travels; without it they stay open.
RECORDING_KEY: Final = "recording"


class RecordWhen(StrEnum):
    NEVER = "never"
    AFTER_DISCLOSURE = "after_disclosure"
    ALWAYS = "always"


class Sensitivity(StrEnum):
    """How readily sound counts as the prospect's voice, as the organisation has set it."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


class Agent(msgspec.Struct, frozen=True):
    id: UUID
    name: str
    voice: str = "en-us"
    language: str = "en-US"
    temperature: float | None = None  # None: the model's own
    max_tokens: int = 1000  # of one answer


class Prompt(msgspec.Struct, frozen=True):
    """What a language model is told of its task, in one version; its {variables} are the plan's."""

    version: str
    text: str


class Providers(msgspec.Struct, frozen=True):
    stt: str = "embedded"
    tts: str = "embedded"
    llm: str = "scripted"
    llm_fallbacks: tuple[str, ...] = ()  # asked in this order when the first is late or fails
    stt_fallbacks: tuple[str, ...] = ()  # each takes over, in mid-call too, when the one before it fails
    tts_fallbacks: tuple[str, ...] = ()
    sentiment: str = ""  # a model that judges what the caller says, beside the conversation; empty: our lexicon


class Prospect(msgspec.Struct, frozen=True):
    lead_id: UUID
    name: str = ""
    company: str = ""
    time_zone: str = ""


class Holder(msgspec.Struct, frozen=True):
    """The person who has placed a call, and talks in it in the agent's place."""

    user_id: UUID
    name: str


class Route(StrEnum):
    """Who is to take a call that comes in."""

    AGENT = "agent"
    REP = "rep"
    QUEUE = "queue"
    VOICEMAIL = "voicemail"


class Inbound(msgspec.Struct, frozen=True):
    """The caller rang us: nothing is dialled, and whoever takes the call greets them."""

    carrier_call_id: str
    number: str  # ours, that they rang
    route: Route = Route.AGENT
    greeting: str = ""  # said instead of the playbook's; may name the call's variables
    voicemail: bool = False  # a message is taken when nobody else takes the call


class CallPlan(msgspec.Struct, frozen=True):
    org_id: UUID
    call_id: UUID
    org_name: str
    agent: Agent
    prospect: Prospect
    from_number: str
    playbook: dict[str, Any]  # validated by agent.llm.playbook where it is used
    prompt_version: str = "1"
    providers: Providers = Providers()
    sealed_keys: dict[str, str] = {}  # a provider's name, or RECORDING_KEY, to a sealed secret
    tools: tuple[str, ...] = ()
    variables: dict[str, str] = {}  # what playbook texts may name: {prospect_name}, {org_name}…
    record: RecordWhen = RecordWhen.AFTER_DISCLOSURE
    ring_timeout_s: int = 30
    max_duration_s: int = 1800
    sensitivity: Sensitivity = Sensitivity.NORMAL
    prompt: Prompt | None = None  # None: what a model is told follows from the playbook
    speculate: bool = True  # where the node does it: answers begun before the caller has certainly ended
    smart_turn: bool = True  # where the node has it: ends of turns by their sound, not by silence and words alone
    corrected: tuple[CorrectedObjection, ...] = ()  # objections as people of the organisation see them, newest first
    own_only: tuple[str, ...] = ()  # vendors in `sealed_keys` in whose place the operator's keys must not be used
    takes_over: bool = False  # the organisation has people who take callers over
    held_by: Holder | None = None  # the agent is aside from the first moment on; None: it holds the call
    queue: QueuePlan | None = None  # the caller waits for one of these people; None: for nobody
    inbound: Inbound | None = None  # None: we rang them
