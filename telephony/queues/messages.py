"""What a page that attends and its node say to each other, in the form of telephony/people/messages.py. Sans-I/O.

Described for pages in docs/guides/people-on-calls.md; fields are only ever added.
"""

import msgspec


class Attend(msgspec.Struct, frozen=True):
    """The first message: a ticket of the CRM's, and whether one is ready to take calls."""

    ticket: str
    ready: bool = False


class Ready(msgspec.Struct, frozen=True):
    on: bool


class Accept(msgspec.Struct, frozen=True):
    offer: str


class Decline(msgspec.Struct, frozen=True):
    offer: str


class Attending(msgspec.Struct, frozen=True, tag_field="say", tag="welcome"):
    """The answer to the first message."""

    id: int
    name: str
    ready: bool
    ping_every_s: int


class OfferTold(msgspec.Struct, frozen=True, tag_field="say", tag="offer"):
    """A caller waits: ring."""

    offer: str
    call: str
    lead: str
    name: str  # the lead's
    company: str
    queue: str
    ring_s: int
    waited_s: int


class OfferOver(msgspec.Struct, frozen=True, tag_field="say", tag="offer_over"):
    """Ring no longer. `reason`: telephony.queues.offering.Why; `by`: the colleague who was first."""

    offer: str
    reason: str
    by: str = ""


class Readiness(msgspec.Struct, frozen=True, tag_field="say", tag="ready"):
    """One has been switched off, because a ring was not answered."""

    on: bool
    reason: str
