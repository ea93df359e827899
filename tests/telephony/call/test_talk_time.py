"""What is billed: begun seconds from the answer to the end."""

import pytest

from telephony.call.talk_time import TalkTime


@pytest.mark.parametrize(("talked_s", "billed_s"), [(0.0, 0), (0.01, 1), (1.0, 1), (59.2, 60)])
def test_begun_seconds_are_billed_and_the_end_stands(talked_s: float, billed_s: int) -> None:
    clock = [0.0]  # a clock may well start at nought
    talk = TalkTime(lambda: clock[0])
    assert (talk.begun, talk.duration_s, talk.billable_s) == (False, 0.0, 0)
    talk.begin()
    clock[0] = talked_s
    assert (talk.begun, talk.billable_s) == (True, billed_s)
    talk.end()
    clock[0] = 1_000.0
    assert (talk.duration_s, talk.billable_s) == (talked_s, billed_s)


def test_the_first_end_counts_and_there_is_none_before_the_beginning() -> None:
    clock = [0.0]
    talk = TalkTime(lambda: clock[0])
    talk.end()
    talk.begin()
    clock[0] = 7.0
    assert talk.billable_s == 7
    talk.end()
    clock[0] = 17.0  # the carrier's own word of it comes late
    talk.end()
    assert talk.billable_s == 7
