"""The call's lifecycle: every way there is, and none besides."""

from datetime import UTC, datetime, timedelta

import pytest

from telephony.carrier.calls import MOVES, OVER, SIP_CODES, Address, Call, Order, Status, as_json, new_sid
from telephony.carrier.errors import Refused

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ORDER = Order("+12025550101", "+12025550100", Address("http://127.0.0.1/voice"))


def call_in(status: Status) -> Call:
    return Call(new_sid("CA"), "AC1", ORDER, NOW, NOW, status=status)


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("wanted", Status)
def test_every_state_and_move(status: Status, wanted: Status) -> None:
    call = call_in(status)
    if wanted in MOVES[status]:
        call.move(wanted, NOW)
        assert call.status is wanted
        assert (call.ended_at is not None) == (wanted in OVER)
    else:
        with pytest.raises(Refused) as caught:
            call.move(wanted, NOW)
        assert caught.value.fault.code == 21220
        assert call.status is status


def test_every_end_has_a_sip_code() -> None:
    assert set(SIP_CODES) == OVER


def test_json_has_the_vendors_types() -> None:
    call = call_in(Status.RINGING)
    assert as_json(call)["duration"] is None
    call.move(Status.IN_PROGRESS, NOW)
    call.move(Status.COMPLETED, NOW + timedelta(seconds=61.2))
    shown = as_json(call)
    assert shown["duration"] == "62"
    assert shown["end_time"] == "Fri, 02 Jan 2026 03:05:06 +0000"
    assert shown["direction"] == "outbound-api"
    assert len(shown["sid"]) == 34


def test_notes_are_bounded() -> None:
    call = call_in(Status.QUEUED)
    for number in range(500):
        call.note(number, "x")
    assert len(call.notes) == 200
