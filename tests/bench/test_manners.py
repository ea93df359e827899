"""What of a call counts as rude: agent and person as stretches of ms."""

from typing import Any

import pytest

from bench.manners import cut_ins_ms, stops_for_nothing_ms

Stretch = tuple[float, float]


def account(
    said: list[Stretch], agent: list[Stretch], clears: list[tuple[float, float]] | None = None, *, aside: bool = False
) -> dict[str, Any]:
    return {
        "utterances": [{"started_ms": start, "ended_ms": end, "aside": aside} for start, end in said],
        "agent_audio": [{"started_ms": start, "ended_ms": end} for start, end in agent],
        "clears": [{"at_ms": at, "dropped_ms": dropped} for at, dropped in clears or []],
    }


@pytest.mark.parametrize(
    ("agent", "wanted"),
    [
        ([(5_400.0, 6_000.0)], []),  # after the end
        ([(3_900.0, 4_100.0)], [100.0]),  # into a pause, and on
        ([(2_000.0, 2_300.0), (3_000.0, 3_100.0)], [300.0, 100.0]),
        ([(500.0, 1_400.0)], []),  # the person interrupts
        ([(1_300.0, 1_700.0)], []),  # was on its way
        ([(3_950.0, 6_000.0)], []),  # the end's last syllable
    ],
)
def test_who_begins_within_a_sentence_cuts_in(agent: list[Stretch], wanted: list[float]) -> None:
    assert cut_ins_ms(account([(1_000.0, 4_000.0)], agent)) == wanted


def test_an_aside_is_no_sentence() -> None:
    assert cut_ins_ms(account([(1_000.0, 4_000.0)], [(2_000.0, 3_000.0)], aside=True)) == []


@pytest.mark.parametrize("aside", [False, True])
@pytest.mark.parametrize(
    ("clear", "wanted"),
    [
        ((900.0, 200.0), [900.0]),
        ((1_120.0, 200.0), []),
        ((2_400.0, 200.0), []),  # it ended a moment before
        ((2_700.0, 200.0), [2_700.0]),
        ((900.0, 0.0), []),  # nothing was under way
    ],
)
def test_a_stop_without_a_sound_is_for_nothing(clear: tuple[float, float], wanted: list[float], *, aside: bool) -> None:
    assert stops_for_nothing_ms(account([(1_000.0, 2_000.0)], [], [clear], aside=aside)) == wanted
