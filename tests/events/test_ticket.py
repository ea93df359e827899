"""A ticket is what the CRM signed, within its minute, or nothing."""

import pytest

from events import permit, signed
from events.ids import new_id
from events.ticket import CHARS_MAX, LIFETIME_S, BadTicket, Seat, Ticket, seal, unseal

KEY = "a-key-of-thirty-two-characters-or-more"
NOW = 1_800_000_000


def ticket(**changes: object) -> Ticket:
    values: dict[str, object] = {
        "id": new_id(),
        "org_id": new_id(),
        "call_id": new_id(),
        "user_id": new_id(),
        "name": "Ada",
        "role": "rep",
        "session_id": new_id(),
        "seat": Seat.REP,
        "issued_at": NOW,
        "expires_at": NOW + LIFETIME_S,
    }
    return Ticket(**(values | changes))  # type: ignore[arg-type]  # by name


def test_what_was_sealed_is_unsealed() -> None:
    for made in (ticket(), ticket(session_id=None, seat=Seat.SUPERVISOR)):
        assert unseal(seal(made, KEY), KEY, NOW + LIFETIME_S - 1) == made


def test_it_expires_with_its_minute() -> None:
    with pytest.raises(BadTicket, match="expired"):
        unseal(seal(ticket(), KEY), KEY, NOW + LIFETIME_S)


def test_what_is_no_ticket() -> None:
    token = seal(ticket(), KEY)
    dialled = permit.Permit(new_id(), new_id(), new_id(), "+1", permit.Purpose.REP, new_id(), 60, NOW, NOW + 60)
    for other in (
        "",
        "garbage",
        token[:-5],
        "x" * (CHARS_MAX + 1),
        permit.seal(dialled, KEY),
        seal(ticket(), KEY[::-1]),
        signed.seal(ticket(seat="owner"), "salesos.people", NOW + 60, KEY),
    ):
        with pytest.raises(BadTicket):
            unseal(other, KEY, NOW)
