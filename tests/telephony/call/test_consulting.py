"""A colleague asked beside the prospect: who talks with whom, and what each end of it leaves behind."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from events import call as events
from events.leg_events import LegArranged, LegEnded, LegMetered
from media.party import Role
from telephony.call import person_acts as acts
from telephony.call import signals as sig
from telephony.call.consult_leg import GUARD_S, LegState
from telephony.call.consulting import LEFT_ALONE
from telephony.call.funding import METER_EVERY_S
from telephony.call.leg_acts import Cancel, Complete, Confer, Consult, Swap, Transfer
from telephony.call.people import LOST_S
from telephony.call.person_acts import Answer, Done, Refused, Word
from telephony.carrier_port import CarrierInDoubt, CarrierRefused
from tests.telephony.call.legs_stage import FUNDED_S, NUMBER, SID, Lines, Table, code, table
from tests.telephony.call.people_stage import JOHN, MARIA, Caller


@dataclass
class Line:
    """The colleague's end. Implements `media.agent_voice.Line`."""

    dropped: int = 0
    played: int = 0
    closed: bool = False
    marks: list[str] = field(default_factory=list)

    def play(self, ulaw: bytes, mark: str | None) -> None:
        self.played += len(ulaw)

    def clear(self) -> None:
        raise AssertionError("nothing is taken back from a colleague")

    def close(self) -> None:
        self.closed = True


class Desk:
    """Maria at a table, and the telephone that she has dialled."""

    def __init__(self, on: Table) -> None:
        self.on = on
        self.line = Line()

    async def consult(self) -> Answer:
        answers = self.on.do(MARIA, Consult(NUMBER))
        await self.on.settle()
        (answer,) = answers
        return answer

    def status(self, status: str) -> None:
        leg = self.on.leg()
        assert leg is not None
        leg.put(sig.CarrierStatus(status, SID))

    async def answered(self) -> None:
        """The colleague picks up, and their sound is there."""
        self.status("in-progress")
        leg = self.on.leg()
        assert leg is not None
        assert leg.take_stream(self.line)
        leg.put(sig.StreamOpened(self.line))
        await self.on.settle()

    async def do(self, act: acts.Act) -> str:
        answers = self.on.do(MARIA, act)
        await self.on.settle()
        return code(answers)

    def parked(self) -> bool:
        return self.role is Role.PARKED

    @property
    def role(self) -> Role | None:
        """Of the colleague, in the room."""
        parties = [one for one in self.on.call.talk.room.others.parties if one.name == NUMBER]
        return parties[0].role if parties else None

    @property
    def held(self) -> bool:
        return self.on.call.people.standing.held

    def ends(self) -> list[tuple[str, int]]:
        bodies = self.on.call.told(LegEnded)
        return [(body.reason, body.billable_s) for body in bodies if isinstance(body, LegEnded)]

    def arranged(self) -> list[str]:
        bodies = self.on.call.told(LegArranged)
        return [body.arrangement for body in bodies if isinstance(body, LegArranged)]


def consult(scene: Callable[[Desk], Awaitable[None]], lines: Lines | None = None) -> Caller:
    """Play a scene in which Maria, who has the call, has asked for a colleague whose telephone is being dialled."""

    async def asked(on: Table) -> None:
        desk = Desk(on)
        assert await desk.consult() == Done(Word.HELD)
        await scene(desk)
        on.legs.close()
        await on.legs.finish()
        await on.settle()
        assert on.leg() is None
        assert len(desk.ends()) == 1, "each leg ends once"

    return table(asked, lines or Lines())


def test_a_colleague_is_asked_and_swapped_and_brought_in_and_left_with_the_prospect() -> None:
    lines = Lines()

    async def scene(desk: Desk) -> None:
        assert desk.held, "the prospect hears music while it rings"
        for act in (Confer(), Complete()):
            assert await desk.do(act) == "not_answered"
        assert await desk.do(Consult(NUMBER)) == "being_asked"
        assert await desk.do(Transfer(NUMBER)) == "being_asked"
        desk.status("ringing")
        await desk.answered()
        assert (desk.role, desk.held) == (Role.CONSULTED, True)
        assert await desk.do(Swap()) == ""
        assert (desk.role, desk.held) == (Role.PARKED, False)
        assert await desk.do(Swap()) == ""
        assert (desk.role, desk.held) == (Role.CONSULTED, True)
        assert await desk.do(Confer()) == ""
        assert (desk.role, desk.held) == (Role.CONSULTED, False)
        assert await desk.do(Complete()) == ""
        assert (desk.role, desk.on.call.word()) == (Role.CONSULTED, Word.PERSON)
        assert not desk.on.call.people.seated, "Maria has left"
        desk.on.call.join(JOHN)
        assert code(desk.on.do(JOHN, acts.TakeOver())) == "taken"
        assert desk.on.call.people.named(events.Outcome.HUNG_UP) is events.Outcome.TRANSFERRED
        assert desk.arranged() == ["consulting", "aside", "consulting", "conference", "passed_on"]
        # Whoever is left hangs up: so does the call.
        desk.line.closed = False
        leg = desk.on.leg()
        assert leg is not None
        leg.put(sig.StreamClosed(stopped=True, line=desk.line))
        await desk.on.settle()
        assert desk.on.signals == [sig.HangUpAsked(LEFT_ALONE)]
        assert desk.role is None

    call = consult(scene, lines)
    assert len(call.talk.model.requests) == 1, "the agent, which had greeted, stays aside"
    assert lines.carrier.hung_up == [SID]


def test_swapping_before_they_pick_up_brings_the_prospect_back_and_no_further() -> None:
    async def scene(desk: Desk) -> None:
        assert await desk.do(Swap()) == ""
        assert not desk.held
        await desk.answered()
        assert desk.role is Role.PARKED, "nobody is thrown in with the prospect"

    consult(scene)


def test_cancelling_hangs_up_and_brings_the_prospect_back() -> None:
    lines = Lines()

    async def scene(desk: Desk) -> None:
        desk.status("ringing")
        await desk.on.settle()
        assert await desk.do(Cancel()) == ""
        await desk.on.settle()
        assert not desk.held
        assert desk.on.leg() is None
        assert await desk.do(Cancel()) == "no_leg"
        assert desk.ends() == [("cancelled", 0)]

    consult(scene, lines)
    assert lines.carrier.hung_up == [SID]


def test_who_does_not_pick_up_leaves_the_prospect_on_hold_and_may_be_tried_again() -> None:
    for status, reason in (("busy", "busy"), ("no-answer", "no_answer"), ("failed", "failed")):
        lines = Lines()

        async def scene(desk: Desk, status: str = status, reason: str = reason) -> None:
            desk.status(status)
            await desk.on.settle()
            assert desk.ends() == [(reason, 0)]
            assert desk.held, "what Maria was saying was not for the prospect"
            assert await desk.do(acts.Hold(False)) == ""
            assert desk.on.call.word() is Word.PERSON

        consult(scene, lines)
        assert lines.carrier.hung_up == [], "there is nothing to hang up on"


def test_a_colleague_who_hangs_up_is_gone_and_billed_to_the_second() -> None:
    async def scene(desk: Desk) -> None:
        await desk.answered()
        await desk.on.call.talk.live(4_200)
        desk.status("completed")
        await desk.on.settle()
        assert desk.ends() == [("hung_up", 5)]
        assert (desk.role, desk.held, desk.line.closed) == (None, True, True)

    consult(scene)


def test_a_refusal_of_the_carriers_or_of_the_permit_is_told() -> None:
    for lines, reason in (
        (Lines(), "carrier_21211"),
        (Lines(spent=True), "permit_spent"),
    ):
        lines.carrier.failure = CarrierRefused("21211")

        async def asked(on: Table, reason: str = reason) -> None:
            desk = Desk(on)
            await desk.consult()
            await on.settle()
            assert desk.ends() == [(reason, 0)]
            assert on.leg() is None

        table(asked, lines)
        assert lines.carrier.hung_up == []


def test_a_carrier_in_doubt_is_waited_for_then_looked_for_and_nobody_is_left_ringing() -> None:
    lines = Lines()
    lines.carrier.failure, lines.carrier.found = CarrierInDoubt("late"), ""

    async def scene(desk: Desk) -> None:
        await desk.on.call.talk.live(round(GUARD_S[LegState.DIALING] * 1_000) - 200)
        assert desk.ends() == []
        lines.carrier.found = "CA9"
        await desk.on.call.talk.live(400)
        await desk.on.settle()
        assert desk.ends() == [("carrier_silent", 0)]

    consult(scene, lines)
    assert lines.carrier.hung_up == ["CA9"]


def test_a_ring_that_nobody_ends_and_a_sound_that_never_comes_are_ended_by_us() -> None:
    for status, state, reason in (
        ("ringing", LegState.RINGING, "no_answer"),
        ("in-progress", LegState.ANSWERED, "no_sound"),
    ):
        lines = Lines()

        async def scene(desk: Desk, status: str = status, state: LegState = state, reason: str = reason) -> None:
            desk.status(status)
            ring_s = 30 if state is LegState.RINGING else 0
            await desk.on.call.talk.live(round((GUARD_S[state] + ring_s) * 1_000) + 200)
            await desk.on.settle()
            assert [told for told, _ in desk.ends()] == [reason]

        consult(scene, lines)
        assert lines.carrier.hung_up == [SID]


def test_its_funds_end_it_and_it_is_metered_until_then() -> None:
    lines = Lines()

    async def scene(desk: Desk) -> None:
        await desk.answered()
        await desk.on.call.talk.live(round(FUNDED_S * 1_000) + 200)
        await desk.on.settle()
        assert desk.ends() == [("funds_end", FUNDED_S)]

    call = consult(scene, lines)
    metered = [body.billable_s for body in call.told(LegMetered) if isinstance(body, LegMetered)]
    assert metered[:3] == [round(METER_EVERY_S * n) for n in (1, 2, 3)]
    assert lines.carrier.hung_up == [SID]


def test_a_colleague_who_is_lost_while_consulting_leaves_the_prospect_to_the_agent() -> None:
    lines = Lines()

    async def scene(desk: Desk) -> None:
        await desk.answered()
        desk.on.do(MARIA, acts.Lost(desk.on.call.people.seated[0].outlet))
        await desk.on.settle()
        assert desk.parked(), "the telephoned one hears music meanwhile"
        await desk.on.call.talk.live(5_000)
        desk.on.call.join(MARIA)
        desk.on.check()
        assert not desk.parked(), "back in time they go on"
        desk.on.do(MARIA, acts.Lost(desk.on.call.people.seated[0].outlet))
        await desk.on.call.talk.live(round(LOST_S * 1_000) + 200)
        desk.on.check()
        await desk.on.settle()
        assert [reason for reason, _ in desk.ends()] == ["not_wanted"]
        assert desk.on.call.word() is Word.AGENT

    consult(scene, lines)
    assert lines.carrier.hung_up == [SID]


def test_a_colleague_who_leaves_a_conference_leaves_the_two_to_each_other() -> None:
    async def scene(desk: Desk) -> None:
        await desk.answered()
        await desk.do(Confer())
        await desk.do(acts.Leave())
        assert (desk.role, desk.on.call.word()) == (Role.CONSULTED, Word.PERSON)
        assert desk.arranged()[-1] == "passed_on"
        await desk.on.call.talk.caller_says("are you there")

    call = consult(scene)
    assert len(call.talk.model.requests) == 1, "the agent answers nothing"


def test_handing_back_hangs_up_on_the_colleague() -> None:
    lines = Lines()

    async def scene(desk: Desk) -> None:
        await desk.answered()
        assert await desk.do(acts.HandBack()) == ""
        await desk.on.settle()
        assert [reason for reason, _ in desk.ends()] == ["not_wanted"]
        assert desk.on.call.word() is Word.AGENT

    consult(scene, lines)
    assert lines.carrier.hung_up == [SID]


def test_a_call_that_ends_while_it_is_being_dialled_hangs_up_when_the_carrier_has_answered() -> None:
    lines = Lines()
    lines.carrier.slow = asyncio.Event()

    async def scene(desk: Desk) -> None:
        desk.on.legs.close()
        assert desk.ends() == [("call_over", 0)]
        assert lines.carrier.slow is not None
        lines.carrier.slow.set()

    consult(scene, lines)
    assert lines.carrier.hung_up == [SID]


def test_who_has_no_microphone_or_no_word_consults_nobody() -> None:
    async def scene(on: Table) -> None:
        on.call.join(JOHN)
        assert code(on.do(JOHN, Consult(NUMBER))) == "not_yours"
        assert code(on.do(JOHN, Swap())) == "not_yours"
        assert code(on.do(MARIA, Swap())) == "no_leg"
        on.do(MARIA, acts.Lost(on.call.people.seated[0].outlet))
        [answer] = on.do(MARIA, Consult(NUMBER))
        assert isinstance(answer, Refused)
        assert answer.code == "no_audio"

    table(scene, Lines())
