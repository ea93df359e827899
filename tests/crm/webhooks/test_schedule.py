"""When a posting is tried again."""

from datetime import UTC, datetime, timedelta

import pytest

from crm.webhooks.schedule import TRIED_FOR, Verdict, judge

BEGAN = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.mark.parametrize("status", [None, 301, 302, 400, 404, 429, 500, 503])
def test_it_is_tried_for_three_days_with_growing_pauses(status: int | None) -> None:
    now, tries, last = BEGAN, 0, timedelta(0)
    while True:
        tries += 1
        verdict, again = judge(status, BEGAN, tries, now)
        if again is None:
            break
        assert verdict is Verdict.AGAIN
        assert again - now >= last
        last, now = again - now, again
    assert verdict is Verdict.GIVEN_UP
    assert TRIED_FOR - timedelta(hours=8) < now - BEGAN <= TRIED_FOR
    assert 12 <= tries <= 20


def test_what_is_taken_is_done_and_what_is_gone_is_not_asked_again() -> None:
    assert judge(204, BEGAN, 1, BEGAN) == (Verdict.DELIVERED, None)
    assert judge(200, BEGAN, 9, BEGAN + 2 * TRIED_FOR) == (Verdict.DELIVERED, None)
    assert judge(410, BEGAN, 1, BEGAN) == (Verdict.GIVEN_UP, None)
