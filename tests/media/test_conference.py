"""People beside the prospect: who hears whom, hold, whispers, vanished legs, and what is recorded of it."""

from itertools import combinations_with_replacement

import numpy as np
import pytest

from media import dtmf
from media.codec import g711
from media.codec.g711 import Samples
from media.conference import PARTIES_MAX, Conference, ConferenceFull
from media.fade import FADE_MS
from media.jitter import Connection
from media.party import REPS, TALKS_TO_PROSPECT, Party, Role
from tests.media.call import SILENCE, SPEECH, Call, Outlet

MUSIC = SPEECH[150 * 800 :][:16_000]


class Person:
    """Somebody with a headset, who says one level all the time: found again in what others hear."""

    def __init__(self, call: Call, role: Role, level: int = 0, rate_hz: int = 8_000, name: str = "rep") -> None:
        self.outlet = Outlet(rate_hz)
        self.level = level
        self.rate_hz = rate_hz
        self.party: Party = call.room.others.admit(name, self.outlet, role)
        self._number = 0

    def speak(self, now_ms: int) -> None:
        if self.level:
            pcm = np.full(self.rate_hz // 50, self.level, dtype=np.int16)
            self.party.spoke(self._number, pcm, now_ms)
        self._number += 1


def gather(call: Call, *people: Person) -> None:
    def each() -> None:
        for person in people:
            person.speak(call.now)

    call.each_frame = each


def tail(sound: Samples, ms: int = 200) -> int:
    """The level that was heard at last, by the median."""
    return int(np.median(sound[-ms * 8 :].astype(int)))


def prospect_heard(call: Call, ms: int = 200) -> int:
    return int(np.median(g711.decode(bytes(call.far.heard[-ms * 8 :])).astype(int)))


@pytest.mark.parametrize("roles", list(combinations_with_replacement(Role, 2)))
def test_only_who_may_is_heard_by_the_prospect(roles: tuple[Role, Role]) -> None:
    call = Call()
    levels = (1_000, 4_000)
    gather(call, *(Person(call, role, level) for role, level in zip(roles, levels, strict=True)))
    call.live(1_000)
    wanted = sum(level for role, level in zip(roles, levels, strict=True) if role in TALKS_TO_PROSPECT)
    assert prospect_heard(call) == pytest.approx(wanted, rel=0.05)


@pytest.mark.parametrize("other", Role)
@pytest.mark.parametrize("listener", sorted(set(Role) - {Role.PARKED}, key=str))
def test_people_hear_the_prospect_and_those_they_may(listener: Role, other: Role) -> None:
    call = Call()
    call.prospect = g711.encode(np.full(8_000 * 3, 8_000, dtype=np.int16))
    one, two = Person(call, listener), Person(call, other, 1_000)
    gather(call, one, two)
    call.live(1_000)
    hears_other = other not in (Role.LISTENER, Role.PARKED)
    if listener is Role.CONSULTED:
        hears_other = other in TALKS_TO_PROSPECT
    assert tail(one.outlet.sound) == pytest.approx(8_000 + 1_000 * hears_other, rel=0.05)
    assert (listener in REPS and other is Role.WHISPERER) <= hears_other


def test_nobody_hears_themselves() -> None:
    call = Call()
    rep = Person(call, Role.REP, 4_000)
    gather(call, rep)
    call.live(600)
    assert tail(rep.outlet.sound) == 0


def test_a_listener_changes_nothing_for_the_prospect_and_hears_both() -> None:
    call = Call()
    speech = call.say(1_500)
    call.live(300)
    listener = Person(call, Role.LISTENER)
    call.live(1_500)
    assert call.clears == 0
    assert speech[FADE_MS * 8 :] in call.far.heard, "packets go straight through, no mixing"
    heard = g711.encode(listener.outlet.sound)
    assert speech[5_000:9_000] in heard


def test_a_rep_joins_amid_a_reply_and_nothing_of_it_is_lost() -> None:
    call = Call()
    speech = call.say(2_000)
    call.live(505)
    rep = Person(call, Role.REP)
    assert call.clears == 1
    heard_ms = call.voice.heard_ms
    call.live(2_500)
    assert speech[heard_ms * 8 :] in call.far.heard, "the rest follows from what was heard on"
    assert speech[FADE_MS * 8 : heard_ms * 8] in call.far.heard
    assert call.told.played_out == 1
    assert call.voice.heard_ms == 2_000
    track = call.agent_track()
    assert abs(track.index(speech[heard_ms * 8 :]) - call.far.heard.index(speech[heard_ms * 8 :])) <= 40 * 8
    call.room.others.dismiss(rep.party)
    assert not call.subscribers


def test_the_mix_is_at_most_a_frame_ahead() -> None:
    call = Call()
    call.say(5_000)
    gather(call, Person(call, Role.REP, 1_000))
    for _ in range(100):
        call.live(20)
        assert call.far.buffered_ms <= 40


def test_agent_and_rep_are_heard_together_and_recorded_apart() -> None:
    call = Call()
    gather(call, Person(call, Role.REP, 2_000))
    call.live(200)
    call.voice.begin_reply()
    call.voice.append(g711.encode(np.full(8_000, 4_000, dtype=np.int16)))
    call.voice.complete_reply()
    call.live(700)
    assert prospect_heard(call) == pytest.approx(6_000, rel=0.05)
    assert np.median(g711.decode(call.agent_track()[-1_600:])) == pytest.approx(6_000, rel=0.05)
    assert np.median(g711.decode(call.person_track()[-1_600:])) == pytest.approx(2_000, rel=0.05)


def test_a_whisper_is_recorded_and_never_reaches_the_prospect() -> None:
    call = Call()
    rep, whisperer = Person(call, Role.REP), Person(call, Role.WHISPERER, 3_000, name="supervisor")
    gather(call, rep, whisperer)
    call.live(600)
    assert tail(rep.outlet.sound) == pytest.approx(3_000, rel=0.05)
    assert set(call.far.heard) == {0xFF}
    assert np.median(g711.decode(call.person_track()[-1_600:])) == pytest.approx(3_000, rel=0.05)


def test_who_takes_over_is_heard_alone() -> None:
    call = Call()
    rep = Person(call, Role.REP, 2_000)
    gather(call, rep)
    call.live(200)
    call.say(3_000)
    call.live(200)
    call.room.others.set_role(rep.party, Role.REP_ALONE)
    call.live(600)
    assert prospect_heard(call) == pytest.approx(2_000, rel=0.05)
    heard_ms = call.voice.heard_ms
    call.live(400)
    assert call.voice.heard_ms == heard_ms, "the agent's reply waits"


def test_on_hold_the_prospect_hears_music_and_the_agent_nothing() -> None:
    call = Call(music=MUSIC)
    speech = call.say(3_000)
    call.live(500)
    call.room.others.hold(held=True)
    heard_ms = call.voice.heard_ms
    call.prospect = SPEECH[:16_000]
    call.told.agent_heard.clear()
    call.live(1_000)
    assert MUSIC[:7_000] in call.far.heard
    assert set(b"".join(call.told.agent_heard)) == {0}
    assert call.voice.heard_ms == heard_ms
    call.room.others.hold(held=False)
    call.live(3_500)
    assert speech[(heard_ms + FADE_MS) * 8 :] in call.far.heard, "the reply goes on where it was, fading in"
    assert any(set(frame) != {0} for frame in call.told.agent_heard)
    assert not call.subscribers


def test_a_vanished_leg_holds_nobody_up() -> None:
    call = Call()
    gone, here = Person(call, Role.REP, 2_000), Person(call, Role.REP, 1_000)
    gather(call, gone, here)
    call.live(600)
    assert prospect_heard(call) == pytest.approx(3_000, rel=0.05)
    gather(call, here)
    call.live(600)
    assert prospect_heard(call) == pytest.approx(1_000, rel=0.05), "no frames come, and nobody waits for them"
    call.room.others.dismiss(gone.party)
    call.live(400)
    assert prospect_heard(call) == pytest.approx(1_000, rel=0.05)


def test_a_browser_leg_of_another_rate_is_mixed_and_hears() -> None:
    call = Call()
    call.prospect = g711.encode(np.full(16_000, 8_000, dtype=np.int16))
    rep = Person(call, Role.REP, 3_000, rate_hz=48_000)
    gather(call, rep)
    call.live(1_000)
    assert prospect_heard(call) == pytest.approx(3_000, rel=0.05)
    assert tail(rep.outlet.sound) == pytest.approx(8_000, rel=0.05)
    per_tick = sum(len(pcm) for pcm in rep.outlet.heard) / len(rep.outlet.heard)
    assert per_tick == pytest.approx(960, rel=0.01)


def test_shed_listeners_hear_nothing_and_talkers_go_on() -> None:
    call = Call()
    call.room.shed_taps(shed=True)
    listener, rep = Person(call, Role.LISTENER), Person(call, Role.REP, 1_000)
    gather(call, listener, rep)
    call.live(400)
    assert listener.outlet.heard == []
    assert prospect_heard(call) == pytest.approx(1_000, rel=0.05)
    call.room.shed_taps(shed=False)
    call.live(400)
    assert tail(listener.outlet.sound) == pytest.approx(1_000, rel=0.05)


def test_a_bad_connection_is_told_by_its_legs_name() -> None:
    call = Call()
    rep = Person(call, Role.REP, 1_000, name="rep:7")
    frames = 0

    def each() -> None:
        nonlocal frames
        frames += 1
        if frames % 5:
            rep.speak(call.now)
        else:
            rep.party.buffer.push(rep._number + 1, np.zeros(160, dtype=np.int16), call.now)
            rep._number += 2  # one is lost

    call.each_frame = each
    call.live(3_000)
    assert [(leg, quality.connection) for leg, quality in call.qualities] == [("rep:7", Connection.UNSTABLE)]


def test_a_call_takes_so_many_people_and_no_more() -> None:
    call = Call()
    for _ in range(PARTIES_MAX):
        Person(call, Role.LISTENER)
    with pytest.raises(ConferenceFull, match="leave first"):
        Person(call, Role.LISTENER)


def test_a_plain_call_makes_no_conference_and_the_end_closes_one() -> None:
    call = Call()
    call.say(200)
    call.live(500)
    assert call.room._conference is None
    Person(call, Role.REP, 1_000)
    assert isinstance(call.room.others, Conference)
    call.room.leave()
    assert not call.subscribers


def test_a_call_that_is_not_recorded_is_mixed_all_the_same() -> None:
    call = Call(recorded=False)
    gather(call, Person(call, Role.REP, 1_000))
    call.live(400)
    assert prospect_heard(call) == pytest.approx(1_000, rel=0.05)
    assert SILENCE in call.far.heard


def test_keys_are_heard_in_place_of_the_voice_and_then_the_voice_again() -> None:
    call = Call()
    rep = Person(call, Role.REP, 2_000)
    gather(call, rep)
    call.live(200)
    pressed = dtmf.tones("5#")
    rep.party.press(pressed)
    call.live(800)
    assert g711.decode(pressed).tobytes() in g711.decode(bytes(call.far.heard)).tobytes()
    assert prospect_heard(call) == pytest.approx(2_000, rel=0.05)
