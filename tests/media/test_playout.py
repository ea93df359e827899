"""What was sent, what was heard, and what a clear leaves."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from media.fade import FADE_MS
from media.far_buffer import SLIP_MS, Packet, Span
from media.playout import (
    LEAD_MS,
    MARK_APART_MS,
    MARK_EVERY_MS,
    MARK_PATIENCE_MS,
    PACKETS_MS,
    STALL_MS,
    Playout,
)
from tests.media.far_line import FarLine

TICK_MS = 20
NOISE = np.random.default_rng(7).bytes(8 * 60_000)  # each place of a reply is recognised again


def speech(ms: int) -> bytes:
    return NOISE[: ms * 8]


def loaded(ms: int, word_ends_ms: tuple[int, ...] = ()) -> Playout:
    playout = Playout()
    playout.begin()
    playout.append(speech(ms), word_ends_ms)
    playout.complete()
    return playout


def run(playout: Playout, until_ms: int, *, marks: bool = True, late_ms: int = 0) -> list[Packet]:
    """Play on a perfect line in ticks of 20 ms: each mark comes back when its audio has ended."""
    sent: list[Packet] = []
    ends_ms = 0.0
    echoes: list[tuple[float, str]] = []
    for now in range(0, until_ms + 1, TICK_MS):
        for _, name in [echo for echo in echoes if echo[0] <= now]:
            playout.marked(name, now)
        echoes = [echo for echo in echoes if echo[0] > now]
        for packet in playout.due(now):
            ends_ms = max(ends_ms, now) + len(packet.ulaw) / 8
            if marks and packet.mark is not None:
                echoes.append((ends_ms + late_ms, packet.mark))
            sent.append(packet)
    return sent


def test_sends_no_further_ahead_than_the_lead() -> None:
    playout = loaded(2_000)
    first = playout.due(0.0)
    assert LEAD_MS <= sum(len(packet.ulaw) for packet in first) / 8 < LEAD_MS + PACKETS_MS[-1]
    assert list(playout.due(0.0)) == []


def test_packets_grow_and_the_first_is_short_so_that_its_mark_comes_early() -> None:
    sent = run(loaded(3_000), 3_000)
    assert [len(packet.ulaw) // 8 for packet in sent][:5] == [20, 60, 100, 100, 100]
    assert sent[0].mark is not None


def test_marks_are_sent_at_words_ends_and_at_the_end_and_are_few() -> None:
    ends = tuple(range(190, 6_000, 190))
    sent = run(loaded(6_000, ends), 6_200)
    marked = [packet.offset // 8 + len(packet.ulaw) // 8 for packet in sent if packet.mark]
    assert marked[0] == PACKETS_MS[0]
    assert marked[-1] == 6_000
    assert all(end in ends for end in marked[1:-1])
    assert all(MARK_APART_MS <= later - sooner <= MARK_EVERY_MS + PACKETS_MS[-1] for sooner, later in pairwise(marked))


def test_without_words_marks_are_sent_now_and_then() -> None:
    sent = run(loaded(6_000), 6_200)
    marked = [packet.offset // 8 + len(packet.ulaw) // 8 for packet in sent if packet.mark]
    assert max(later - sooner for sooner, later in pairwise(marked)) < MARK_EVERY_MS + PACKETS_MS[-1]
    assert len(marked) < 20


def test_an_end_that_was_not_known_gets_a_mark_of_its_own() -> None:
    playout = Playout()
    playout.begin()
    playout.append(speech(100))
    sent = [*playout.due(0), *playout.due(40)]
    assert sum(len(packet.ulaw) for packet in sent) == 800
    playout.complete()
    (last,) = playout.due(60)
    assert last.ulaw == b""
    assert last.mark is not None
    assert not playout.played_out(100)
    playout.marked(last.mark, 110)
    assert playout.played_out(110)


def test_a_reply_without_sound_is_over_at_once() -> None:
    assert loaded(0).played_out(0)


def test_heard_follows_the_clock_between_marks() -> None:
    playout = loaded(2_000)
    playout.due(0.0)
    assert playout.heard_ms(110) == 110


def test_pause_keeps_what_was_heard_and_resume_goes_on_from_the_word() -> None:
    playout = loaded(1_000)
    run(playout, 500)
    playout.pause(510)
    assert playout.heard_ms(900) == 510
    playout.resume(420)
    assert playout.due(1_000)[0].offset == 420 * 8


def test_echoes_of_a_cleared_generation_prove_nothing() -> None:
    playout = loaded(1_000)
    sent = playout.due(0.0)
    playout.pause(50)
    playout.resume(0)
    assert sent[0].mark is not None
    assert playout.marked(sent[0].mark, 60) is None
    assert [span for span in playout.played(60) if span.starts_ms > 60] == []


def test_dropped_speech_is_never_sent() -> None:
    playout = loaded(1_000)
    run(playout, 300)
    playout.pause(300)
    playout.drop()
    assert list(playout.due(400)) == []
    assert playout.duration_ms == 300
    assert playout.played_out(400)


def test_lost_marks_do_not_hold_the_call() -> None:
    playout = loaded(200)
    run(playout, 300, marks=False)
    assert not playout.played_out(300)
    assert playout.played_out(200 + MARK_PATIENCE_MS + 1)
    assert sum(len(span.ulaw) for span in playout.played(200 + MARK_PATIENCE_MS + 1)) == 200 * 8


def test_the_delay_of_one_reply_says_nothing_of_the_next() -> None:
    """Audio that waited in a full socket is late as a whole; the next stretch begins when it is sent."""
    playout = loaded(1_000)
    run(playout, 2_400, late_ms=240)
    assert playout.played_out(2_400)
    playout.begin()
    playout.append(speech(400))
    first = playout.due(3_000)[0]
    assert first.mark is not None
    playout.marked(first.mark, 3_030)
    assert playout.heard_ms(3_100) == 90


def test_a_clock_that_goes_backwards_stops_nothing() -> None:
    playout = loaded(3_000)
    sent = [packet for now in range(1_000_000, 1_000_500, 20) for packet in playout.due(now)]
    sent += [packet for now in range(0, 3_000, 20) for packet in playout.due(now)]
    assert sum(len(packet.ulaw) for packet in sent) == 3_000 * 8
    assert len({now for now in range(0, 3_000, 20) if playout.heard_ms(now) == 0}) == 0


def test_a_clock_that_leaps_forwards_counts_what_was_sent_as_played() -> None:
    playout = loaded(3_000)
    list(playout.due(0))
    assert playout.heard_ms(3_600_000) <= 300
    assert playout.due(3_600_000)[0].offset == 280 * 8


pieces = st.lists(st.tuples(st.integers(1, 400), st.integers(0, 30)), min_size=1, max_size=12)
stalls = st.lists(st.tuples(st.integers(0, 200), st.integers(1, STALL_MS)), max_size=6)
cuts = st.lists(st.integers(5, 150), max_size=3)


class Simulation:
    """A loop that ticks, stalls, speaks, pauses and resumes, and a carrier at the other end."""

    def __init__(self, there_ms: int, back_ms: int, phase_ms: int) -> None:
        self.line = FarLine(there_ms, back_ms, phase_ms)
        self.playout = Playout()
        self.sent: list[Packet] = []
        self.spans: list[Span] = []
        self.now = 0
        self.heard = 0
        self._frozen_until = 0

    def live(self, until_ms: int) -> None:
        """Let time pass; the loop ticks each 20 ms unless it stands still."""
        while self.now < until_ms:
            self.line.step(self.now)
            if self.now >= self._frozen_until:
                for at_ms, name in self.line.arrived(self.now):
                    self.playout.marked(name, at_ms)  # the frames before it in the socket tell when it came
                if self.now % TICK_MS == 0:
                    self.send()
            self.now += 1

    def send(self) -> None:
        for packet in self.playout.due(self.now):
            self.line.send(packet, self.now)
            self.sent.append(packet)
        self.spans += self.playout.played(self.now)
        heard = self.playout.heard_ms(self.now)
        assert heard >= self.heard, "what was heard was heard"
        assert heard * 8 <= max((packet.offset + len(packet.ulaw) for packet in self.sent), default=0)
        self.heard = heard

    def stall(self, length_ms: int) -> None:
        self._frozen_until = self.now + length_ms

    def pause(self) -> None:
        fade = self.playout.pause(self.now)
        self.line.clear(self.now)
        self.line.send(Packet(fade, None, 0, 0.0), self.now)
        self.spans += self.playout.played(self.now)


@settings(deadline=None)
@given(pieces, st.integers(0, 80), st.integers(0, 80), st.integers(0, 19))
def test_all_is_sent_once_in_order_and_no_further_ahead_than_allowed(
    made: list[tuple[int, int]], there_ms: int, back_ms: int, phase_ms: int
) -> None:
    """However the speech arrives, the carrier gets the reply, but for the fades where a stretch begins."""
    sim = Simulation(there_ms, back_ms, phase_ms)
    sim.playout.begin()
    whole = 0
    for length_ms, wait in made:
        sim.live(sim.now + wait * TICK_MS)
        sim.playout.append(NOISE[whole * 8 : (whole + length_ms) * 8])
        whole += length_ms
        sim.send()
        assert sim.line.buffered_ms <= LEAD_MS + PACKETS_MS[-1] + TICK_MS
    sim.playout.complete()
    sim.live(sim.now + whole + 1_000)
    assert sim.playout.played_out(sim.now)
    assert [packet.offset for packet in sim.sent] == sorted(packet.offset for packet in sim.sent)
    audio = b"".join(packet.ulaw for packet in sim.sent)
    assert len(audio) == whole * 8
    starts = [packet.offset for packet in sim.sent if packet.mark and len(packet.ulaw) <= PACKETS_MS[0] * 8]
    faded = {start + place for start in starts for place in range(FADE_MS * 8)}
    assert all(one == other or place in faded for place, (one, other) in enumerate(zip(audio, NOISE, strict=False)))
    assert sim.playout.heard_ms(sim.now) == whole
    assert b"".join(span.ulaw for span in sim.spans) == audio, "all is recorded once"


@settings(deadline=None)
@given(stalls, st.integers(0, 80), st.integers(0, 80), st.integers(0, 19))
def test_a_stall_of_the_loop_is_not_heard(
    frozen: list[tuple[int, int]], there_ms: int, back_ms: int, phase_ms: int
) -> None:
    sim = Simulation(there_ms, back_ms, phase_ms)
    sim.playout.begin()
    sim.playout.append(speech(6_000))
    sim.playout.complete()
    sim.send()
    for after_ms, length_ms in frozen:
        sim.live(sim.now + after_ms + TICK_MS)
        if sim.now > there_ms + 40 + back_ms:  # a first packet has come back
            sim.stall(length_ms)
            sim.live(sim.now + length_ms)
            sim.live(sim.now + LEAD_MS)  # and has caught up
    sim.live(8_000)
    assert NOISE[FADE_MS * 8 : 6_000 * 8] in sim.line.heard


@settings(deadline=None)
@given(cuts, stalls, st.integers(0, 80), st.integers(0, 80), st.integers(0, 19))
def test_what_is_recorded_stands_where_it_was_heard(
    cut_after: list[int], frozen: list[tuple[int, int]], there_ms: int, back_ms: int, phase_ms: int
) -> None:
    """After pauses, resumptions and stalls: each span lies where the carrier played it, within two frames."""
    sim = Simulation(there_ms, back_ms, phase_ms)
    sim.playout.begin()
    sim.playout.append(speech(4_000))
    sim.playout.complete()
    waiting = list(frozen)
    for cut in [*cut_after, 0]:
        sim.send()
        sim.live(sim.now + max(cut * TICK_MS, 2 * (there_ms + back_ms) + 100))
        if waiting:
            after_ms, length_ms = waiting.pop()
            sim.live(sim.now + after_ms)
            sim.stall(length_ms)
            sim.live(sim.now + length_ms + 1)
        if cut and not sim.playout.played_out(sim.now):
            sim.pause()
            sim.live(sim.now + 300)
            sim.playout.resume(max(0, sim.playout.heard_ms(sim.now) - 150))
    sim.live(sim.now + 6_000)
    assert sim.spans
    for span in sim.spans:
        if len(span.ulaw) < 60 * 8:
            continue  # too short to be found again
        place = round((span.starts_ms - back_ms - phase_ms) * 8)
        reach = (SLIP_MS + 1) * 8
        near = sim.line.heard[max(0, place - reach) : place + len(span.ulaw) + reach]
        middle = span.ulaw[FADE_MS * 8 : -SLIP_MS * 8]  # a clear strikes between the carrier's frames
        assert middle in near, f"span at {span.starts_ms} is not where it was heard"


def test_falling_silent_is_our_fault_only_with_more_to_send() -> None:
    late = loaded(3_000)
    late.due(0)
    late.due(2_000)
    assert (late.far.dry, late.underruns) == (1, 1)

    waiting = Playout()
    waiting.begin()
    waiting.append(speech(100))
    for now_ms in range(0, 2_000, TICK_MS):
        waiting.due(now_ms)
    waiting.append(speech(100))
    waiting.due(2_020)
    assert (waiting.far.dry, waiting.underruns) == (1, 0), "the voice was not made in time"


def test_the_pause_between_replies_is_no_underrun() -> None:
    playout = loaded(100)
    playout.due(0)
    playout.begin()
    playout.append(speech(500))
    playout.complete()
    playout.due(5_000)
    assert (playout.far.dry, playout.underruns) == (0, 0)


def test_speech_is_taken_back_as_far_as_it_was_not_sent() -> None:
    playout = Playout()
    playout.begin()
    playout.append(speech(2_000), (500, 900, 1_500))
    sent_ms = sum(len(packet.ulaw) for packet in playout.due(0.0)) // 8
    playout.append(b"", behind_ms=900)
    assert playout.duration_ms == 900
    playout.append(speech(300), (1_200,))
    assert playout.duration_ms == 1_200
    playout.append(b"", behind_ms=10)
    assert playout.duration_ms == sent_ms
