"""What the prospect hears of us, for who listens in: without a seam, though frames come early and late."""

from media.codec.g711 import ULAW_SILENCE
from media.frame import FRAME_SAMPLES
from media.party import Role
from media.sent_sound import HELD_BACK_BYTES, SentSound
from tests.media.call import SPEECH, Call, Outlet


def test_the_agents_voice_as_it_is_played() -> None:
    call = Call()
    sent = SentSound(call.voice, lambda: float(call.now))
    said = call.say(1_000)
    heard = bytearray()
    for step in range(60):
        # Asked early and late in turn, as a busy loop does.
        call.live(15 if step % 2 else 25)
        heard += sent.next()
    assert said[800:7_200] in heard


def test_mixed_sound_is_passed_on_in_its_order() -> None:
    call = Call()
    sent = SentSound(call.voice, lambda: float(call.now))
    call.room.others.admit("rep", Outlet(), Role.REP)
    assert call.voice.mixed
    assert sent.next() == b"", "nobody speaks"
    frames = [SPEECH[number * FRAME_SAMPLES :][:FRAME_SAMPLES] for number in range(8)]
    heard = bytearray()
    for frame in frames[:2]:
        call.voice.send_mixed(frame, 0)
    heard += sent.next()
    for frame in frames[2:5]:  # three at once
        call.voice.send_mixed(frame, 0)
    for _ in range(4):
        heard += sent.next()
    assert bytes(heard) == b"".join(frames[:5])
    assert sent.next() == b""
    call.voice.send_mixed(frames[5], 0)
    assert sent.next() == b"", "after a silence a little is held back again"
    call.voice.send_mixed(frames[6], 0)
    assert sent.next() == frames[5]


def test_who_does_not_read_costs_a_bounded_memory() -> None:
    call = Call()
    sent = SentSound(call.voice, lambda: float(call.now))
    call.room.others.admit("rep", Outlet(), Role.REP)
    for number in range(100):
        call.voice.send_mixed(SPEECH[number * FRAME_SAMPLES :][:FRAME_SAMPLES], 0)
    read = b""
    while frame := sent.next():
        read += frame
    assert HELD_BACK_BYTES < len(read) < 10 * FRAME_SAMPLES
    assert read.endswith(SPEECH[99 * FRAME_SAMPLES :][:FRAME_SAMPLES])


def test_the_end_of_what_is_mixed_is_filled_up_with_silence() -> None:
    call = Call()
    sent = SentSound(call.voice, lambda: float(call.now))
    call.room.others.admit("rep", Outlet(), Role.REP)
    call.voice.send_mixed(SPEECH[: 2 * FRAME_SAMPLES + 40], 0)
    sent.next()
    sent.next()
    last = sent.next()
    assert last == SPEECH[2 * FRAME_SAMPLES :][:40].ljust(FRAME_SAMPLES, ULAW_SILENCE)
