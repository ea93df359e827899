"""The permit: the CRM's signed word that one number may be dialled once. Sans-I/O.

The CRM issues it after the compliance gate and the reservation of credits; a voice node dials on nothing
else, and spends it once across all nodes (`wire.permit_key`).
"""

from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

from events import signed

LIFETIME_S: Final = 60
_AUDIENCE: Final = "salesos.voice"


class Purpose(StrEnum):
    PROSPECT = "prospect"
    REP = "rep"
    CONSULT = "consult"
    TRANSFER = "transfer"


class Permit(msgspec.Struct, frozen=True):
    id: UUID
    org_id: UUID
    call_id: UUID  # the attempt
    number: str  # E.164
    purpose: Purpose
    decision_id: UUID  # the stored decision of the gate
    funded_s: int  # seconds that the reserved credits pay for
    issued_at: int  # Unix seconds
    expires_at: int


class BadPermit(ValueError):
    """Altered, expired, incomplete or not a permit; the message says which, never its content."""


def seal(permit: Permit, key: str) -> str:
    """Return the permit as a signed token."""
    return signed.seal(permit, _AUDIENCE, permit.expires_at, key)


def unseal(token: str, key: str, now_s: float) -> Permit:
    """Return the permit in `token`.

    Raises:
        BadPermit: the signature, the audience, the time or a field is wrong.
    """
    try:
        permit = signed.unseal(token, Permit, _AUDIENCE, key)
    except signed.BadSigned as error:
        raise BadPermit(f"permit refused: {error}") from None
    if now_s >= permit.expires_at:
        raise BadPermit("permit refused: expired")
    if permit.funded_s <= 0:
        raise BadPermit("permit refused: nothing is funded")
    return permit
