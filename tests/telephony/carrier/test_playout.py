"""The play-out buffer: what is played, and when marks are due."""

from hypothesis import given
from hypothesis import strategies as st

from telephony.carrier.playout import BUFFER_BYTES_MAX, Playout
from telephony.carrier.ulaw import FRAME_SAMPLES, SILENT_FRAME

PUT = st.tuples(st.just("put"), st.integers(0, 700))
STEP = st.one_of(PUT, st.tuples(st.sampled_from(["mark", "clear", "tick"]), st.just(0)))


def test_mark_on_an_empty_buffer_is_due_at_once() -> None:
    assert Playout().mark("a") == ["a"]


def test_mark_is_due_when_the_audio_before_it_has_played() -> None:
    playout = Playout()
    playout.put(b"\x01" * (FRAME_SAMPLES + 1))
    assert playout.mark("a") == []
    playout.next_frame()
    assert playout.due() == []
    frame = playout.next_frame()
    assert frame == b"\x01" + SILENT_FRAME[1:]
    assert playout.due() == ["a"]
    assert playout.due() == []


def test_mark_set_when_the_last_audio_has_just_gone_comes_behind_older_ones() -> None:
    playout = Playout()
    playout.put(b"\x01" * FRAME_SAMPLES)
    playout.mark("a")
    playout.next_frame()
    assert playout.mark("b") == ["a", "b"]


def test_clear_drops_the_audio_and_gives_all_marks_back() -> None:
    playout = Playout()
    playout.put(b"\x01" * 400)
    playout.mark("a")
    playout.put(b"\x02" * 100)
    playout.mark("b")
    playout.next_frame()
    assert playout.clear() == (340, ["a", "b"])
    assert playout.next_frame() == SILENT_FRAME
    assert playout.clear() == (0, [])


def test_more_than_ten_minutes_is_refused_whole() -> None:
    playout = Playout()
    assert playout.put(b"\x01" * BUFFER_BYTES_MAX)
    assert not playout.put(b"\x01")
    assert playout.buffered_bytes == BUFFER_BYTES_MAX


@given(st.lists(STEP, max_size=60))
def test_no_byte_or_mark_is_lost_or_repeated(steps: list[tuple[str, int]]) -> None:
    """Against a plain list of bytes: same order, and every mark comes back exactly once and never early."""
    playout, queue, played = Playout(), bytearray(), 0
    put = marks = 0
    pending: list[tuple[int, str]] = []
    echoed: list[str] = []
    for step, size in steps:
        match step:
            case "put":
                sound = bytes((put + index) % 251 for index in range(size))
                put += size
                assert playout.put(sound)
                queue += sound
            case "mark":
                marks += 1
                pending.append((played + len(queue), str(marks)))
                due = playout.mark(str(marks))
                assert bool(due) == (not queue)
                echoed += due
            case "clear":
                dropped, names = playout.clear()
                assert dropped == len(queue)
                queue.clear()
                echoed += names
            case _:
                due = playout.due()
                assert all(position <= played for position, name in pending if name in due)
                echoed += due
                expected, queue = bytes(queue[:FRAME_SAMPLES]), queue[FRAME_SAMPLES:]
                played += len(expected)
                assert playout.next_frame() == expected + SILENT_FRAME[len(expected) :]
        assert playout.buffered_bytes == len(queue)
    echoed += playout.clear()[1]
    assert echoed == [str(number + 1) for number in range(marks)]
