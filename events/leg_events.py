"""What happens to a further leg of a call: somebody whom a person in it has telephoned. Sans-I/O.

They are events of the call like any other (events.call), and hold to its rules.
"""

from uuid import UUID

import msgspec

from events.permit import Purpose


class LegPlaced(msgspec.Struct, frozen=True, tag="leg.placed"):
    """A colleague has somebody else telephoned: to ask them, or for the prospect to be put through to."""

    leg: UUID
    purpose: Purpose  # consult or transfer
    number: str  # E.164
    person: str  # whose seat asked for it
    name: str
    user_id: UUID


class LegAccepted(msgspec.Struct, frozen=True, tag="leg.accepted"):
    """The carrier has taken the dial: by that name it is hung up, whoever has to."""

    leg: UUID
    carrier_call_id: str


class LegRinging(msgspec.Struct, frozen=True, tag="leg.ringing"):
    leg: UUID


class LegAnswered(msgspec.Struct, frozen=True, tag="leg.answered"):
    """Picked up: from here on it costs."""

    leg: UUID


class LegArranged(msgspec.Struct, frozen=True, tag="leg.arranged"):
    """Who talks with whom now, of the prospect, the colleague and the one who was telephoned."""

    leg: UUID
    arrangement: str  # telephony.call.leg_acts.Arrangement
    name: str = ""  # of the colleague


class LegMetered(msgspec.Struct, frozen=True, tag="leg.metered"):
    """The leg has used this many billable seconds so far; the sum, so that repeats cost nothing."""

    leg: UUID
    billable_s: int


class LegEnded(msgspec.Struct, frozen=True, tag="leg.ended"):
    """That leg is over; of a transfer: the prospect is still with us."""

    leg: UUID
    reason: str = ""  # hung_up, cancelled, busy, no_answer…; docs/guides/people-on-calls.md explains each
    billable_s: int = 0
