"""The people in a call are told of its nearest end, once for each change, and of its being put off."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from telephony.call.ending import Ending, Endings, EndsSoon, Why


@dataclass
class Call:
    now: float = 100.0
    told: list[Ending] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.endings = Endings(lambda: self.now)
        self.endings.follow("ada", self.told.append)

    def ends(self, why: Why, in_s: float | None) -> None:
        self.endings.take(EndsSoon(why, in_s))


def test_who_comes_later_is_told_what_is_left() -> None:
    call, late = Call(), list[Ending]()
    call.endings.follow("bob", late.append)
    assert late == [], "no end is in sight"
    call.ends(Why.CREDITS, 60)
    call.now += 20
    call.endings.follow("cleo", late.append)
    assert late == [Ending(Why.CREDITS, 60), Ending(Why.CREDITS, 40)]
    call.endings.unfollow("bob")
    call.endings.unfollow("cleo")
    call.ends(Why.CREDITS, None)
    assert len(late) == 2


def test_the_nearest_of_two_ends_is_told_and_then_the_other() -> None:
    call = Call()
    call.ends(Why.NODE_STOPS, 300)
    call.ends(Why.CREDITS, 60)
    call.ends(Why.CREDITS, None)
    assert call.told == [Ending(Why.NODE_STOPS, 300), Ending(Why.CREDITS, 60), Ending(Why.NODE_STOPS, 300)]


def test_an_end_that_was_known_is_not_told_again_and_one_that_moved_is() -> None:
    call = Call()
    call.ends(Why.CREDITS, 60)
    call.now += 10
    call.ends(Why.CREDITS, 50.4)
    call.ends(Why.CREDITS, 30)
    assert [ending.in_s for ending in call.told] == [60, 30]


def test_funds_that_reach_the_calls_limit_are_the_same_end_by_another_name() -> None:
    call = Call()
    call.ends(Why.CREDITS, 30)
    call.ends(Why.TIME_LIMIT, None)
    call.ends(Why.TIME_LIMIT, 55)
    assert call.told == [Ending(Why.CREDITS, 30), Ending(None), Ending(Why.TIME_LIMIT, 55)]


def test_a_call_that_lasted_until_an_end_was_ended_by_it_and_no_other() -> None:
    call = Call()
    assert call.endings.came is None
    call.ends(Why.CREDITS, 60)
    call.now += 50
    assert call.endings.came is None, "somebody hung up before"
    call.now += 10
    assert call.endings.came is Why.CREDITS


_SIGNALS = st.builds(EndsSoon, st.sampled_from(Why), st.none() | st.floats(0, 600))


@given(st.lists(st.tuples(st.floats(0, 100), _SIGNALS)))
def test_what_was_told_last_is_what_comes_next(steps: list[tuple[float, EndsSoon]]) -> None:
    """Whatever comes into sight and goes, nobody is left with a wrong idea of the end."""
    call, known = Call(), dict[Why, float]()
    for passed_s, signal in steps:
        call.now += passed_s
        call.endings.take(signal)
        for why in Why:
            if why is signal.why or Why.NODE_STOPS not in (why, signal.why):
                known.pop(why, None)
        if signal.in_s is not None:
            known[signal.why] = call.now + signal.in_s
        fresh = list[Ending]()
        call.endings.follow("late", fresh.append)
        if not known:
            assert fresh == []
            assert not call.told or call.told[-1] == Ending(None)
            continue
        nearest_s = min(known.values())
        (ending,) = fresh
        assert ending.why is not None
        assert abs(known[ending.why] - nearest_s) < 1.0
        assert abs(ending.in_s - max(0.0, nearest_s - call.now)) < 1.0
