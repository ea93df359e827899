"""Order, loss, repetition and delay of one leg's frames, and the word that a connection is bad."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from media.codec.g711 import Samples
from media.jitter import (
    CAPACITY,
    CONCEALED_MAX,
    PREFETCH,
    RESTART_FRAMES,
    SHRINK_AFTER,
    STABLE_AFTER,
    Connection,
    Jitter,
    JitterBuffer,
    Quality,
    QualityWatch,
)


def frame(number: int) -> Samples:
    """A frame that says its number, odd so that a covering one (half as loud) cannot pass for another."""
    return np.full(160, 2 * number + 1, dtype=np.int16)


def number_of(pcm: Samples | None, covering: set[int]) -> int | None:
    """The number in a frame; None for silence and for frames that cover a loss."""
    if pcm is None or id(pcm) not in covering:
        return None
    return int(pcm[0]) // 2


# Each frame: lost, repeated, or late by some ticks.
fates = st.lists(st.one_of(st.none(), st.tuples(st.integers(0, 15), st.integers(1, 3))), min_size=1, max_size=200)


@given(fates)
def test_any_network_gives_rising_numbers_and_a_bounded_delay(network: list[tuple[int, int] | None]) -> None:
    """Whatever is lost, repeated or reordered: no frame twice, none out of order, none older than the bound."""
    arrivals: dict[int, list[int]] = {}
    for number, fate in enumerate(network):
        if fate is not None:
            late, times = fate
            for again in range(times):
                arrivals.setdefault(number + late + again, []).append(number)
    buffer = JitterBuffer()
    sent: set[int] = set()
    kept: list[Samples] = []
    read: list[int] = []
    newest = -1
    for tick in range(len(network) + 40):
        for number in arrivals.get(tick, ()):
            pcm = frame(number)
            kept.append(pcm)  # alive, so that its id stays its own
            sent.add(id(pcm))
            buffer.push(number, pcm, tick * 20.0)
            newest = max(newest, number)
        assert len(buffer) <= CAPACITY
        number_read = number_of(buffer.pop(), sent)
        if number_read is not None:
            assert not read or number_read > read[-1], "never twice, never backwards"
            assert number_read > newest - CAPACITY, "never later than the bound"
            read.append(number_read)
    assert buffer.received == len(kept)
    assert len(read) + buffer.late + buffer.repeated + buffer.dropped + len(buffer) == buffer.received


@given(st.permutations(range(3)), st.integers(3, 40))
def test_a_small_disorder_loses_nothing(order: list[int], count: int) -> None:
    buffer = JitterBuffer()
    for number in [*order, *range(3, count)]:
        buffer.push(number, frame(number), number * 20.0)
        if number >= 3:
            pcm = buffer.pop()
            assert pcm is not None
            assert pcm[0] == 2 * (number - 3) + 1
    assert (buffer.lost, buffer.late) == (0, 0)


def test_reading_starts_when_a_little_waits() -> None:
    buffer = JitterBuffer()
    for number in range(PREFETCH):
        assert buffer.pop() is None
        buffer.push(number, frame(number), number * 20.0)
    assert buffer.pop() is not None


def test_a_loss_is_covered_fading_and_then_silent() -> None:
    buffer = JitterBuffer()
    for number in range(PREFETCH):
        buffer.push(number, np.full(160, 16_000, dtype=np.int16), 0.0)
    heard = [buffer.pop() for _ in range(PREFETCH + CONCEALED_MAX + 3)]
    levels = [0 if pcm is None else int(pcm[0]) for pcm in heard]
    assert levels == [16_000] * PREFETCH + [8_000, 4_000, 2_000] + [0] * 3


def test_a_leg_that_vanished_comes_back() -> None:
    buffer = JitterBuffer()
    for number in range(5):
        buffer.push(number, frame(number), number * 20.0)
    heard = [buffer.pop() for _ in range(60)]
    assert heard[-1] is None
    for number in range(55, 60):
        buffer.push(number, frame(number), number * 20.0)
    assert [int(pcm[0]) // 2 for _ in range(3) if (pcm := buffer.pop()) is not None] in ([55, 56, 57], [56, 57, 58])


def test_a_burst_does_not_leave_its_delay() -> None:
    buffer = JitterBuffer()
    for number in range(CAPACITY):
        buffer.push(number, frame(number), 0.0)
    waiting = []
    for number in range(CAPACITY, CAPACITY + 12 * SHRINK_AFTER):
        buffer.push(number, frame(number), number * 20.0)
        buffer.pop()
        waiting.append(len(buffer))
    assert waiting[-1] <= PREFETCH
    assert buffer.dropped >= CAPACITY - PREFETCH - 1


@given(st.integers(PREFETCH + 1, CAPACITY - 1))
def test_what_a_stall_left_too_much_of_is_caught_up_with_in_one_jump(waiting: int) -> None:
    buffer, read = JitterBuffer(), list[int]()
    for number in range(waiting):
        buffer.push(number, frame(number), 0.0)
    for number in range(waiting, waiting + 4 * SHRINK_AFTER):
        pcm = buffer.pop()
        assert pcm is not None
        read.append(int(pcm[0]) // 2)
        buffer.push(number, frame(number), number * 20.0)
    jumps = [after - before for before, after in pairwise(read) if after != before + 1]
    assert jumps == ([buffer.dropped + 1] if buffer.dropped else [])
    assert len(buffer) <= PREFETCH + 1


def test_a_sender_that_begins_anew_is_followed() -> None:
    buffer = JitterBuffer()
    for number in range(RESTART_FRAMES + 100, RESTART_FRAMES + 105):
        buffer.push(number, frame(1), 0.0)
    buffer.pop()
    buffer.push(0, frame(7), 0.0)
    buffer.push(1, frame(8), 20.0)
    pcm = buffer.pop()
    assert pcm is not None
    assert pcm[0] == 15


@given(st.lists(st.floats(0, 500), min_size=2, max_size=50))
def test_jitter_is_that_of_the_standard(delays: list[float]) -> None:
    jitter, expected = Jitter(), 0.0
    for index, delay in enumerate(delays):
        jitter.arrived(index * 20, index * 20 + delay)
        if index:
            expected += (abs(delay - delays[index - 1]) - expected) / 16
    assert abs(jitter.ms - expected) < 1e-6


def reports(watch: QualityWatch, *figures: tuple[float, int]) -> None:
    for jitter_ms, lost in figures:
        watch.report(jitter_ms, lost, 50)


def test_an_unstable_connection_is_told_once_and_a_stable_one_again_once() -> None:
    told: list[Quality] = []
    watch = QualityWatch(told.append)
    reports(watch, *[(10.0, 0)] * 10)
    assert told == []
    reports(watch, (201.0, 0), (250.0, 10), (150.0, 0))
    assert [quality.connection for quality in told] == [Connection.UNSTABLE]
    reports(watch, *[(90.0, 0)] * (STABLE_AFTER - 1), (150.0, 0))
    assert len(told) == 1, "it wavered, so the count begins anew"
    reports(watch, *[(90.0, 0)] * (STABLE_AFTER + 3))
    assert [quality.connection for quality in told] == [Connection.UNSTABLE, Connection.STABLE]


def test_loss_alone_makes_a_connection_unstable() -> None:
    told: list[Quality] = []
    watch = QualityWatch(told.append)
    reports(watch, (5.0, 2))
    assert told == []
    reports(watch, (5.0, 3))
    assert told == [Quality(Connection.UNSTABLE, 5.0, 0.06)]


def test_a_second_without_any_frame_is_judged_by_its_jitter_alone() -> None:
    told: list[Quality] = []
    QualityWatch(told.append).report(0.0, 0, 0)
    assert told == []
