"""A second telephone in a room: what it hears and who hears it, on hold and off, and what of that is kept."""

import numpy as np
import pytest

from media.codec import g711
from media.codec.g711 import Samples
from media.party import Role
from tests.media.call import SILENCE, Call
from tests.media.test_conference import MUSIC, Person, gather, prospect_heard, tail

REP, COLLEAGUE, PROSPECT = 2_000, 3_000, 8_000


class Consultation:
    """A rep alone with the prospect, and a colleague at a telephone."""

    def __init__(self, role: Role, *, held: bool) -> None:
        self.call = Call(music=MUSIC)
        self.call.prospect = g711.encode(np.full(8_000 * 5, PROSPECT, dtype=np.int16))
        self.rep = Person(self.call, Role.REP_ALONE, REP)
        self.colleague = Person(self.call, role, COLLEAGUE, name="+12025550150")
        self.written: list[Samples | None] = []
        self.colleague.party.ear = self.written.append
        self.call.room.others.hold(held)
        gather(self.call, self.rep, self.colleague)
        self.call.live(1_000)


def test_while_the_prospect_is_on_hold_the_two_talk_between_themselves() -> None:
    on = Consultation(Role.CONSULTED, held=True)
    assert tail(on.rep.outlet.sound) == pytest.approx(COLLEAGUE, rel=0.05)
    assert tail(on.colleague.outlet.sound) == pytest.approx(REP, rel=0.05)
    assert MUSIC[:6_000] in on.call.far.heard
    assert set(on.call.person_track()) <= {0xFF}, "a consultation is not recorded"
    assert set(on.written) == {None}, "and nobody writes it down"


def test_on_hold_the_colleague_hears_music_and_is_heard_by_nobody() -> None:
    on = Consultation(Role.PARKED, held=False)
    assert tail(on.rep.outlet.sound) == pytest.approx(PROSPECT, rel=0.05)
    assert prospect_heard(on.call) == pytest.approx(REP, rel=0.05)
    heard = g711.encode(on.colleague.outlet.sound)
    assert MUSIC[:6_000] in heard
    assert np.median(g711.decode(on.call.person_track()[-1_600:])) == pytest.approx(REP, rel=0.05)
    assert set(on.written) == {None}


def test_all_three_hear_each_other_and_are_recorded() -> None:
    on = Consultation(Role.CONSULTED, held=False)
    assert tail(on.rep.outlet.sound) == pytest.approx(PROSPECT + COLLEAGUE, rel=0.05)
    assert tail(on.colleague.outlet.sound) == pytest.approx(PROSPECT + REP, rel=0.05)
    assert prospect_heard(on.call) == pytest.approx(REP + COLLEAGUE, rel=0.05)
    assert np.median(g711.decode(on.call.person_track()[-1_600:])) == pytest.approx(REP + COLLEAGUE, rel=0.05)
    assert on.written[-1] is not None


def test_the_prospect_left_to_the_colleague_hears_nothing_of_the_agent() -> None:
    on = Consultation(Role.CONSULTED, held=False)
    on.call.room.others.dismiss(on.rep.party)
    on.call.say(2_000)
    on.call.live(1_000)
    assert prospect_heard(on.call) == pytest.approx(COLLEAGUE, rel=0.05)
    assert tail(on.colleague.outlet.sound) == pytest.approx(PROSPECT, rel=0.05)


def test_whispers_are_for_the_rep() -> None:
    on = Consultation(Role.CONSULTED, held=False)
    above = Person(on.call, Role.WHISPERER, 1_000, name="Ines")
    gather(on.call, on.rep, on.colleague, above)
    on.call.live(500)
    assert tail(on.colleague.outlet.sound) == pytest.approx(PROSPECT + REP, rel=0.05)
    assert tail(on.rep.outlet.sound) == pytest.approx(PROSPECT + COLLEAGUE + 1_000, rel=0.05)


def test_who_is_gone_leaves_the_call_as_it_was() -> None:
    on = Consultation(Role.PARKED, held=False)
    on.call.room.others.dismiss(on.colleague.party)
    on.call.live(500)
    assert prospect_heard(on.call) == pytest.approx(REP, rel=0.05)
    on.call.room.others.dismiss(on.rep.party)
    on.call.live(500)
    assert on.call.far.heard[-1_600:] == SILENCE * 10
    assert not on.call.subscribers
