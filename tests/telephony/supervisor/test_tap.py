"""Listening by a socket: both sides apart, packed once, and nothing at all while nobody listens."""

import msgspec

from media.codec.g711 import ULAW_SILENCE
from telephony.supervisor.tap import LEVELS_EVERY, STRETCH_MS, Tap
from tests.media.call import SPEECH, Call

STRETCH_BYTES = STRETCH_MS * 8


def sounds(got: list[bytes]) -> list[dict[str, object]]:
    return [message for message in map(msgspec.msgpack.decode, got) if message["say"] == "sound"]


def tapped(call: Call) -> bool:
    return call.room.tap is not None


def test_both_sides_are_heard_apart_and_in_step() -> None:
    call = Call()
    tap, got = Tap(call.room), list[bytes]()
    tap.listen("s1", got.append)
    call.prospect = SPEECH[100_000:108_000]
    said = call.say(900)
    call.live(1_200)
    messages = sounds(got)
    assert [message["n"] for message in messages] == list(range(1, len(messages) + 1))
    theirs = b"".join(bytes(m["prospect"]) or ULAW_SILENCE * STRETCH_BYTES for m in messages)  # type: ignore[call-overload]
    ours = b"".join(bytes(m["ours"]) or ULAW_SILENCE * STRETCH_BYTES for m in messages)  # type: ignore[call-overload]
    assert SPEECH[100_000:107_000] in theirs
    assert said[1_600:6_400] in ours
    assert len(theirs) == len(ours)


def test_sixty_listeners_get_the_one_message_that_was_packed() -> None:
    call = Call()
    tap = Tap(call.room)
    got: list[list[bytes]] = [[] for _ in range(60)]
    for number, feed in enumerate(got):
        tap.listen(f"s{number}", feed.append)
    call.prospect = SPEECH[:8_000]
    call.live(600)
    first = got[0]
    assert len(first) == 600 // STRETCH_MS
    assert all(one is other for feed in got for one, other in zip(feed, first, strict=True)), "not packed again"


def test_silence_costs_next_to_nothing() -> None:
    call = Call()
    tap, got = Tap(call.room), list[bytes]()
    tap.listen("s1", got.append)
    call.live(600)
    assert {(bytes(m["prospect"]), bytes(m["ours"])) for m in sounds(got)} == {(b"", b"")}  # type: ignore[call-overload]
    assert max(map(len, got)) < 50


def test_on_hold_the_prospect_is_not_heard() -> None:
    call = Call(music=SPEECH[:16_000])
    tap, got = Tap(call.room), list[bytes]()
    call.room.others.hold(True)
    tap.listen("s1", got.append)
    call.prospect = SPEECH[:8_000]
    call.live(600)
    assert all(not m["prospect"] for m in sounds(got))
    assert any(m["ours"] for m in sounds(got)), "the music"


def test_a_busy_process_sheds_listeners_and_the_numbers_show_it() -> None:
    call = Call()
    tap, got = Tap(call.room), list[bytes]()
    tap.listen("s1", got.append)
    call.live(300)
    call.room.shed_taps(True)
    call.live(600)
    call.room.shed_taps(False)
    call.live(300)
    numbers = [m["n"] for m in sounds(got)]
    assert numbers == [1, 2, 3, 4, 5, 16, 17, 18, 19, 20]


def test_levels_come_several_times_a_second_to_who_follows() -> None:
    call = Call()
    tap, got = Tap(call.room), list[bytes]()
    tap.follow_levels("s1", got.append)
    call.prospect = SPEECH[:8_000]
    call.live(1_000)
    messages = [msgspec.msgpack.decode(message) for message in got]
    assert len(messages) == 1_000 // STRETCH_MS // LEVELS_EVERY
    assert {(m["say"], m["kind"], m["seq"]) for m in messages} == {("live", "levels", 0)}
    assert messages[0]["prospect"] > 0.1
    assert messages[0]["ours"] == 0


def test_when_the_last_listener_leaves_the_room_knows_of_none() -> None:
    call = Call()
    tap, got = Tap(call.room), list[bytes]()
    assert not tapped(call)
    tap.listen("s1", got.append)
    tap.follow_levels("s1", got.append)
    tap.listen("s1", None)
    assert tapped(call)
    tap.follow_levels("s1", None)
    tap.follow_levels("nobody", None)
    assert not tapped(call)
