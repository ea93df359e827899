"""What one request to a provider took: tokens, money, time. Sans-I/O.

No text is kept, neither the caller's words nor the model's: where masking is uncertain only counts may be stored,
and in a telephone call it always is.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from agent.llm.port import Failure, Request, Usage

CHARS_PER_TOKEN: Final = 4  # what vendors give as a rule of thumb for English; used only where none is reported
_PER: Final = 1_000_000  # tokens that a price is for


class Fate(StrEnum):
    SPOKEN = "spoken"  # its answer, or the part up to its failure, was used
    LOST = "lost"  # another provider was faster
    FAILED = "failed"  # nothing of it was used
    ABANDONED = "abandoned"  # nobody waited for the answer any more
    THROWN_AWAY = "thrown_away"  # asked for ahead of the question, which turned out to be another


@dataclass(frozen=True, slots=True)
class Price:
    """Thousandths of a credit for a million tokens."""

    prompt: int
    completion: int

    def cost(self, usage: Usage) -> int:
        """Return thousandths of a credit, rounded up."""
        return -(-(self.prompt * usage.prompt_tokens + self.completion * usage.completion_tokens) // _PER)


@dataclass(frozen=True, slots=True)
class ModelCall:
    """The record of one request."""

    provider: str
    fate: Fate
    failure: Failure | None
    usage: Usage
    estimated: bool  # the vendor reported no tokens: it was left, or it failed, before it would have
    cost: int | None  # thousandths of a credit; None: no price is known
    first_token_ms: int | None
    total_ms: int
    rank: int = 0  # of the provider in its cascade: 0 is the one that is asked first
    own_key: bool = False  # the organisation's account pays, not the operator's


def estimate(request: Request, completion_chars: int) -> Usage:
    """Return about how many tokens a request took whose vendor reported none."""
    prompt = len(request.instructions) + len(request.said) + sum(len(message.text) for message in request.messages)
    return Usage(_tokens(prompt), _tokens(completion_chars))


def _tokens(chars: int) -> int:
    return -(-chars // CHARS_PER_TOKEN)
