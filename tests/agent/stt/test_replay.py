"""Audio kept for sending again: whatever happens, what no final confirmed is sent, once on each connection."""

from hypothesis import given
from hypothesis import strategies as st

from agent.stt.replay import Replay

STEPS = st.lists(st.tuples(st.sampled_from(["push", "take", "confirm", "rewind"]), st.integers(0, 300)), max_size=60)


@given(STEPS)
def test_a_connection_gets_what_is_not_confirmed_in_order_and_once(steps: list[tuple[str, int]]) -> None:
    replay = Replay(limit_bytes=10_000)
    fed = b""
    base, sent = 0, b""
    confirmed = 0
    for kind, number in steps:
        match kind:
            case "push":
                audio = bytes((len(fed) + index) % 251 for index in range(number))
                fed += audio
                replay.push(audio)
            case "take":
                sent += replay.take(number)
            case "confirm":
                # A final tells of what was sent, or the next utterance of all that was fed.
                confirmed = max(confirmed, min(base + len(sent), confirmed + number))
                replay.confirm(confirmed)
            case _:
                base, sent = replay.rewind(), b""
                assert base == confirmed
        assert sent == fed[base : base + len(sent)]
        assert replay.fed == len(fed)
        assert replay.unsent == len(fed) - base - len(sent)


def test_a_monologue_without_a_final_loses_its_beginning_and_counts_it() -> None:
    replay = Replay(limit_bytes=100)
    replay.push(bytes(range(150)))
    assert replay.lost == 50
    assert replay.rewind() == 50
    assert replay.take(1_000) == bytes(range(50, 150))


def test_confirming_ahead_of_what_was_sent_sends_no_more_of_it() -> None:
    replay = Replay()
    replay.push(b"abcdef")
    replay.take(2)
    replay.confirm(4)
    assert replay.take(10) == b"ef"
    replay.confirm(99)
    assert replay.fed == 6
