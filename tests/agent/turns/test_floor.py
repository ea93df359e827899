"""Who has the floor: every floor against every signal."""

import pytest

from agent.turns.floor import MOVES, Floor, IllegalMove, Signal, move


@pytest.mark.parametrize("floor", list(Floor))
@pytest.mark.parametrize("signal", list(Signal))
def test_every_floor_and_signal_moves_or_is_refused(floor: Floor, signal: Signal) -> None:
    if (floor, signal) in MOVES:
        assert move(floor, signal) is MOVES[floor, signal]
    else:
        with pytest.raises(IllegalMove, match=signal.name):
            move(floor, signal)


def test_the_way_of_an_interruption() -> None:
    floor = move(Floor.SPEAKING, Signal.VOICE)
    assert floor is Floor.SUSPENDED
    assert move(floor, Signal.RESUMED) is Floor.SPEAKING
    assert move(floor, Signal.INTERRUPTED) is Floor.CALLER


def test_every_floor_can_end_and_none_comes_back() -> None:
    assert all(move(floor, Signal.END) is Floor.OVER for floor in Floor)
    assert [signal for floor, signal in MOVES if floor is Floor.OVER] == [Signal.END]
