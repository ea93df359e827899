"""Commands: some at once, then so many a second."""

from telephony.people.pace import Pace


def test_a_burst_then_a_steady_pace() -> None:
    pace = Pace(0.0, per_s=10, at_once=3)
    assert [pace.allows(0.0) for _ in range(5)] == [True, True, True, False, False]
    assert pace.refused == 2
    assert pace.allows(0.1)
    assert pace.refused == 0
    assert not pace.allows(0.15)
    assert [pace.allows(100.0) for _ in range(4)] == [True, True, True, False], "rest does not add up for ever"
