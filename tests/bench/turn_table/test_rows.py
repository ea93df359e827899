"""Who talks when, over whom, after how long: every kind of row, and what holds for any layout."""

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.turn_table.rows import Kind, Overlap, Row, Who, overlaps_of, rows_of, silences_of
from bench.turn_table.spurts import Spurt

AGENT_TALKS = Spurt(1_000, 6_000)


def told(caller: list[Spurt], agent: list[Spurt]) -> list[tuple[Who, Kind, int | None]]:
    return [(row.who, row.kind, row.before_ms) for row in rows_of(caller, agent)]


@pytest.mark.parametrize(
    ("caller", "kind", "before_ms"),
    [
        (Spurt(6_500, 7_000), Kind.TURN, 500),
        (Spurt(3_000, 3_400), Kind.BACKCHANNEL, -400),
        (Spurt(3_000, 4_200), Kind.WITHIN, -1_200),
        (Spurt(5_800, 7_500), Kind.BARGE_IN, -200),
        (Spurt(5_800, 6_400), Kind.BACKCHANNEL, -200),
    ],
)
def test_a_caller_beside_the_agents_talk(caller: Spurt, kind: Kind, before_ms: int) -> None:
    assert told([caller], [AGENT_TALKS])[1] == (Who.CALLER, kind, before_ms)


@pytest.mark.parametrize(
    ("agent", "kind", "before_ms"),
    [
        (Spurt(6_300, 7_000), Kind.TURN, 300),
        (Spurt(3_000, 3_070), Kind.FALSE_START, -70),
        (Spurt(3_000, 4_200), Kind.WITHIN, -1_200),
        (Spurt(5_800, 7_500), Kind.BETWEEN, -200),
    ],
)
def test_the_agent_beside_the_callers_talk(agent: Spurt, kind: Kind, before_ms: int) -> None:
    assert told([AGENT_TALKS], [agent])[1] == (Who.AGENT, kind, before_ms)


def test_a_pause_is_within_a_speaker_and_a_gap_between_two() -> None:
    agent = [Spurt(0, 1_000), Spurt(1_900, 3_000), Spurt(8_000, 9_000)]
    assert told([Spurt(9_400, 9_800)], agent) == [
        (Who.AGENT, Kind.TURN, None),
        (Who.AGENT, Kind.GOES_ON, 5_000),
        (Who.CALLER, Kind.TURN, 400),
    ]


def test_who_speaks_into_a_short_pause_divides_the_talk() -> None:
    """The agent stops for "uh-huh", and goes on."""
    agent, caller = [Spurt(0, 2_000), Spurt(2_600, 5_000)], [Spurt(1_900, 2_400)]
    assert told(caller, agent) == [
        (Who.AGENT, Kind.TURN, None),
        (Who.CALLER, Kind.BACKCHANNEL, -100),
        (Who.AGENT, Kind.TURN, 200),
    ]


def test_overlaps_know_who_began_second() -> None:
    caller, agent = [Spurt(0, 1_000), Spurt(4_000, 5_000)], [Spurt(800, 4_300)]
    assert overlaps_of(caller, agent) == [Overlap(800, 1_000, Who.AGENT), Overlap(4_000, 4_300, Who.CALLER)]


def test_silences_are_those_of_both() -> None:
    assert silences_of([Spurt(500, 1_000), Spurt(3_000, 4_000)], [Spurt(900, 2_500)]) == [(2_500, 3_000)]
    assert silences_of([], []) == []


LENGTHS = st.lists(st.integers(210, 3_000).map(lambda ms: ms // 10 * 10), max_size=12)


def layout(lengths: list[int]) -> list[Spurt]:
    """Return spurts from silences and talk by turns."""
    edges = list(accumulate(lengths))
    return [Spurt(a, b) for a, b in zip(edges[::2], edges[1::2], strict=False)]


@given(LENGTHS.map(layout), LENGTHS.map(layout))
def test_whatever_is_said_the_table_accounts_for_it(caller: list[Spurt], agent: list[Spurt]) -> None:
    rows = rows_of(caller, agent)
    assert [row.started_ms for row in rows] == sorted(row.started_ms for row in rows)
    for who, spurts in ((Who.CALLER, caller), (Who.AGENT, agent)):
        mine = [row for row in rows if row.who is who]
        assert sum(row.voiced_ms for row in mine) == sum(spurt.ms for spurt in spurts)
        assert all(any(row.started_ms <= s.started_ms and s.ended_ms <= row.ended_ms for row in mine) for s in spurts)
        assert sum(row.overlap_ms for row in mine) == sum(one.ms for one in overlaps_of(caller, agent))
    assert all(agrees(row, index) for index, row in enumerate(rows))


def agrees(row: Row, index: int) -> bool:
    """What its kind says and the number before it are the same."""
    if row.before_ms is None:
        return index == 0 and row.kind is Kind.TURN
    return (row.before_ms < 0) is (row.kind not in (Kind.TURN, Kind.GOES_ON))


@given(LENGTHS.map(layout), LENGTHS.map(layout))
def test_talk_and_silence_fill_the_time(caller: list[Spurt], agent: list[Spurt]) -> None:
    heard = {ms for spurt in (*caller, *agent) for ms in range(spurt.started_ms, spurt.ended_ms, 10)}
    silent = {ms for began, ended in silences_of(caller, agent) for ms in range(began, ended, 10)}
    assert not heard & silent
    if heard:
        assert heard | silent == set(range(min(heard), max(heard) + 10, 10))
