"""What a carrier's API is to the voice process: place a call, find it again, end it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class CarrierRefused(Exception):
    """The carrier said no; the call does not exist. `code` is its own error code."""

    def __init__(self, code: str) -> None:
        super().__init__(f"carrier refused: {code}")
        self.code = code


class CarrierInDoubt(Exception):
    """Time-out, 5xx or a broken connection: the call may exist. It must not be placed again."""


@dataclass(frozen=True, slots=True)
class CallOrder:
    """All that a dial needs. URLs are the ones that the carrier calls back."""

    to_number: str
    from_number: str
    voice_url: str
    status_url: str
    amd_url: str  # empty: nobody asks whether a machine answers
    ring_timeout_s: int
    time_limit_s: int


@dataclass(frozen=True, slots=True)
class Incoming:
    """In an order's place, of a call that rings here already: the carrier knows it by that id."""

    carrier_call_id: str
    ring_timeout_s: int = 0  # the stream opens as soon as the carrier has our answer


@dataclass(frozen=True, slots=True)
class Transfer:
    """Whom to connect a live call with; `done_url` is told when they have hung up or did not pick up."""

    to_number: str
    from_number: str
    ring_timeout_s: int
    time_limit_s: int
    done_url: str


class Carrier(Protocol):
    name: str

    async def dial(self, order: CallOrder) -> str:
        """Place a call once and return the carrier's id of it. Raises CarrierRefused or CarrierInDoubt."""
        ...

    async def find(self, order: CallOrder, since: datetime) -> str | None:
        """Look for a call in doubt by its numbers and time; None when there is none. Raises CarrierInDoubt."""
        ...

    async def status(self, carrier_call_id: str) -> str:
        """Ask how a call stands, in the carrier's own word. Raises CarrierInDoubt."""
        ...

    async def hang_up(self, carrier_call_id: str) -> None:
        """End a call in any state; one that is over already is fine. Raises CarrierInDoubt."""
        ...

    async def put_through(self, carrier_call_id: str, transfer: Transfer) -> None:
        """Connect a live call with somebody else; its stream to us ends. Raises CarrierRefused or CarrierInDoubt."""
        ...

    async def aclose(self) -> None: ...
