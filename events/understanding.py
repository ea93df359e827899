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


class CallerUnderstood(msgspec.Struct, frozen=True, tag="caller.understood"):
    """What an utterance of the caller's says of their mood, and the objections in it (S38, S138)."""

    turn: int
    mood: Mood  # neutral where the confidence is under 0.6
    sentiment: float  # -1 hostile to 1 delighted
    confidence: float  # 0 to 1
    objections: tuple[ObjectionKind, ...] = ()
    quotes: tuple[str, ...] = ()  # the words of each objection; none once the call's words are erased
    source: str = "lexicon"  # or the model that was asked


class CallerAngry(msgspec.Struct, frozen=True, tag="caller.angry"):
    """The caller has become angry: somebody should look in. Once a call."""

    turn: int  # the utterance with which they did
    level: float  # -1 hostile to 1 delighted, over the last few utterances
