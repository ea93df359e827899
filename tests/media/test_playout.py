"""What was sent, what was heard, and what a clear leaves."""

from hypothesis import given
from hypothesis import strategies as st

from media.playout import FIRST_PACKET_MS, LEAD_MS, MARK_PATIENCE_MS, PACKET_MS, Packet, Playout


def speech(ms: int) -> bytes:
    return bytes(ms * 8)


def loaded(ms: int) -> Playout:
    playout = Playout()
    playout.begin()
    playout.append(speech(ms))
    playout.complete()
    return playout


def run(playout: Playout, until_ms: int, *, marks: bool = True) -> list[Packet]:
    """Play on a perfect line in ticks of 20 ms: each mark comes back when its audio has ended."""
    sent: list[Packet] = []
    for now in range(0, until_ms + 1, 20):
        if marks:
            for packet in sent:
                if packet.starts_ms + len(packet.ulaw) / 8 <= now:
                    playout.marked(packet.mark, now)
        sent += playout.due(now)
    return sent


def test_sends_no_further_ahead_than_the_lead() -> None:
    playout = loaded(2_000)
    first = playout.due(0.0)
    assert sum(len(packet.ulaw) for packet in first) / 8 <= LEAD_MS + PACKET_MS
    assert playout.due(0.0) == []


def test_first_packet_is_short_so_that_its_mark_comes_early() -> None:
    assert len(loaded(500).due(0.0)[0].ulaw) == FIRST_PACKET_MS * 8


def test_all_is_sent_once_and_in_order() -> None:
    playout = loaded(1_234)
    sent = run(playout, 2_000)
    assert [packet.offset for packet in sent] == sorted({packet.offset for packet in sent})
    assert sum(len(packet.ulaw) for packet in sent) == 1_234 * 8
    assert playout.played_out(2_000)


def test_heard_follows_the_clock_between_marks() -> None:
    playout = loaded(2_000)
    playout.due(0.0)
    assert playout.heard_ms(110) == 110


def test_pause_keeps_what_was_heard_and_resume_goes_on_from_the_word() -> None:
    playout = loaded(1_000)
    run(playout, 500)
    playout.pause(510)
    assert 490 <= playout.heard_ms(900) <= 510
    playout.resume(420)
    assert playout.due(1_000)[0].offset == 420 * 8


def test_echoes_of_a_cleared_generation_prove_nothing() -> None:
    playout = loaded(1_000)
    sent = playout.due(0.0)
    playout.pause(50)
    playout.resume(0)
    assert playout.marked(sent[-1].mark, 60) is None
    assert playout.heard_ms(60) == 0


def test_dropped_speech_is_never_sent() -> None:
    playout = loaded(1_000)
    run(playout, 300)
    playout.pause(300)
    playout.drop()
    assert playout.due(400) == []
    assert 280 <= playout.duration_ms <= 300
    assert playout.played_out(400)


def test_lost_marks_do_not_hold_the_call() -> None:
    playout = loaded(200)
    run(playout, 300, marks=False)
    assert not playout.played_out(300)
    assert playout.played_out(200 + MARK_PATIENCE_MS + 1)


def test_late_marks_move_the_estimate() -> None:
    playout = loaded(3_000)
    sent: list[Packet] = []
    for now in range(0, 1_500, 20):
        for packet in sent:
            if packet.starts_ms + len(packet.ulaw) / 8 + 100 <= now:
                playout.marked(packet.mark, now)
        sent += playout.due(now)
    assert 80 <= playout.lag_ms <= 130


@given(st.lists(st.integers(1, 300), min_size=1, max_size=12), st.integers(0, 2_000), st.integers(0, 4))
def test_heard_never_exceeds_sent_and_never_falls(pieces: list[int], cut_at: int, extra: int) -> None:
    """However speech arrives and wherever it is cut, what was heard is part of what was sent."""
    playout = Playout()
    playout.begin()
    heard = sent = 0
    waiting = list(pieces)
    for now in range(0, cut_at + 1, 20):
        if waiting:
            playout.append(speech(waiting.pop()))
        sent += sum(len(packet.ulaw) for packet in playout.due(now))
        assert heard <= playout.heard_ms(now) <= sent // 8
        heard = playout.heard_ms(now)
    playout.pause(cut_at)
    assert playout.heard_ms(cut_at + extra) <= sent // 8
