"""Who talks with whom while a second telephone is in a call: prospect, colleague and the one whom they consult.

The prospect's hold and the word are people.py's; this asks for them there, and lets the telephoned one into the room,
puts them on hold, or leaves the prospect to them. After whatever people do, `check` draws the consequences.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from agent.conversation import Conversation
from agent.person_ear import PersonEar, PersonEars
from agent.signals import PersonSaid
from events import call as events
from events.call import Speaker
from events.leg_events import LegArranged
from media.activity.detector import VoiceEnded
from media.conference import ConferenceFull
from media.party import Role
from media.room import Room
from telephony.call import signals as sig
from telephony.call.consult_leg import ConsultLeg, LegState
from telephony.call.leg_acts import Arrangement, Arranging, Cancel, Complete, Confer, Swap
from telephony.call.people import CallPeople
from telephony.call.person_acts import Hold, Leave, Person, PersonActs, Standing

log = structlog.get_logger()

LEFT_ALONE: Final = "consulted_left"  # why a call ended whose prospect had been left to somebody who hung up


class Consulting:
    """One leg's, from its permit to its end."""

    def __init__(
        self,
        leg: ConsultLeg,
        person: Person,
        people: CallPeople,
        room: Room,
        conversation: Conversation,
        ears: PersonEars,
        tasks: asyncio.TaskGroup,
        emit: Callable[[events.Body], None],
        put: Callable[[sig.CallSignal], None],
    ) -> None:
        self.leg = leg
        self.person = person
        self.arrangement = Arrangement.CONSULTING
        self._people = people
        self._room = room
        self._conversation = conversation
        self._ears = ears
        self._tasks = tasks
        self._emit = emit
        self._put = put
        self._all_three = False
        self._listening: asyncio.Task[None] | None = None
        people.heir = self._heir
        self._act(Hold(True))
        self._tell()

    @property
    def _holder_id(self) -> str:
        """The telephoned one's, among those who may have the word; nobody's seat."""
        return f"leg:{self.leg.id}"

    @property
    def _passed_on(self) -> bool:
        return self._people.standing.holder == self._holder_id

    def arrange(self, act: Arranging) -> str:
        """Do what the colleague asks for; returns the code of a refusal, or nothing."""
        if not isinstance(act, Cancel | Swap) and self.leg.state is not LegState.TALKING:
            return "not_answered"
        match act:
            case Cancel():
                self.leg.end("cancelled")
                self._act(Hold(False))
            case Swap():
                self._all_three = False
                self._act(Hold(not self._people.standing.held))
            case Confer():
                self._all_three = True
                self._act(Hold(False))
            case Complete():
                self._all_three = True
                self._act(Hold(False))
                self._act(Leave())
        return ""

    def take(self, told: sig.LegTold) -> None:
        """Take what happens to the telephone."""
        self.leg.take(told)
        if isinstance(told, sig.StreamOpened) and self.leg.state is LegState.TALKING and self.leg.party is None:
            self._let_in()

    def check(self) -> bool:
        """Draw the consequences of whatever has happened; False when this is over."""
        standing = self._people.standing
        if self.leg.state is not LegState.ENDED and standing.holder not in (self.person.id, self._holder_id):
            self.leg.end("not_wanted")  # the colleague has no part in the call any more
        if self.leg.state is LegState.ENDED:
            self._close()
            return False
        if self.leg.party is not None:
            role = self._role()
            if self.leg.party.role is not role:
                self._room.others.set_role(self.leg.party, role)
        arrangement = self._arranged()
        if arrangement is not self.arrangement:
            self.arrangement = arrangement
            self._tell()
        return True

    def _close(self) -> None:
        self._people.heir = lambda: None
        if self.leg.party is not None:
            self._room.others.dismiss(self.leg.party)
            self.leg.party = None
        if self._listening is not None:
            self._listening.cancel()
        if self._passed_on:
            self._put(sig.HangUpAsked(LEFT_ALONE))

    def _let_in(self) -> None:
        try:
            self.leg.party = self._room.others.admit(self.leg.number, self.leg, self._role())
        except ConferenceFull:
            self.leg.end("full")
            return
        ear: PersonEar | None = self._ears.open(self._said)
        if ear is not None:
            self.leg.party.ear = ear.hear
            self._listening = self._tasks.create_task(ear.run(), name="call.consulted_ear")

    def _role(self) -> Role:
        standing = self._people.standing
        if not standing.music and self._all_three:
            return Role.CONSULTED
        return Role.CONSULTED if standing.held and not standing.away else Role.PARKED

    def _arranged(self) -> Arrangement:
        if self._passed_on:
            return Arrangement.PASSED_ON
        if self._people.standing.music:
            return Arrangement.CONSULTING
        return Arrangement.CONFERENCE if self._all_three else Arrangement.ASIDE

    def _heir(self) -> Standing | None:
        """Who has the word when the colleague goes: the telephoned one, if the prospect talks with them already."""
        talks = self.leg.state is LegState.TALKING and self._all_three and not self._people.standing.music
        return Standing(self._holder_id, self.leg.number) if talks else None

    def _act(self, act: Hold | Leave) -> None:
        self._people.take(PersonActs(self.person, act, lambda _: None), connected=True)

    def _said(self, text: str, voice: VoiceEnded) -> None:
        self._conversation.put(PersonSaid(self.leg.number, text, voice, Speaker.CONSULTED))

    def _tell(self) -> None:
        self._emit(LegArranged(self.leg.id, self.arrangement.value, self.person.name))
