"""The words in which voice and CRM speak of moods and objections. Sans-I/O."""

from enum import StrEnum

import msgspec


class Mood(StrEnum):
    """How an utterance sounds. What is short or uncertain is neutral (S38)."""

    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"


class ObjectionKind(StrEnum):
    """Why somebody does not want it, or not yet (S138)."""

    PRICE = "price"
    COMPETITOR = "competitor"
    NO_INTEREST = "no_interest"
    TIMING = "timing"
    AUTHORITY = "authority"  # somebody else decides
    TRUST = "trust"
    OTHER = "other"


NO_OBJECTION = "none"  # what a person may call something that was taken for one


class CorrectedObjection(msgspec.Struct, frozen=True):
    """What a person says that some words were: the organisation's own example."""

    quote: str
    kind: str  # an ObjectionKind, or NO_OBJECTION
