"""The people in one call beside the prospect and the agent: who is there, who has the word, and what follows from it.

Every act is a signal on the call's queue, so this is plain calls by the call's one task: nothing here waits. The audio
is media/conference.py's, the agent's part agent/aside.py's, and whether an act is allowed person_acts.py's.

Somebody whose connection is lost keeps their seat for LOST_S. If they had the word, the prospect is asked for patience
after a moment, hears music, and in the end the agent takes the call, with all that was said.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import structlog

from agent import account
from agent.conversation import Conversation
from agent.person_ear import PersonEars
from agent.signals import AskForPatience, PersonSaid, SteppedBack
from events import call as events
from events.plan import Holder
from events.ticket import Seat
from media.activity.detector import VoiceEnded
from media.conference import ConferenceFull
from media.party import TALKS_TO_PROSPECT, Role
from media.room import Room
from telephony.call import person_acts as acts
from telephony.call.ending import Endings, Why
from telephony.call.person_acts import Done, Person, PersonActs, PersonMissed, Refused, Standing, decide, seat_id
from telephony.call.seated import Queue, Seated
from telephony.call.timers import Timers
from telephony.queues.news import QueueTold
from telephony.supervisor.live import Live
from telephony.supervisor.tap import Tap

log = structlog.get_logger()

SEATS_MAX: Final = 100  # those who only follow a call by a socket cost it next to nothing
# Since a connection was lost: the word, the music, and the end. A page that is loaded again is back within two seconds.
PATIENCE_S: Final = 2.5
MUSIC_S: Final = 5.5
LOST_S: Final = 20.0
_STEPS_S: Final = (PATIENCE_S, MUSIC_S, LOST_S)


class CallPeople:
    """One call's. `take` is the call's task's to call."""

    def __init__(
        self,
        room: Room,
        conversation: Conversation,
        emit: Callable[[events.Body], None],
        timers: Timers,
        ears: PersonEars,
        now_s: Callable[[], float],
        live: Live,
    ) -> None:
        self.live = live
        self._room = room
        self._conversation = conversation
        self._emit = emit
        self._timers = timers
        self._ears = ears
        self._now_s = now_s
        self._seats: dict[str, Seated] = {}
        self._had: list[str] = []  # names of those who had the word since the agent had it
        self._aside_s = 0.0  # since when the agent has not
        self._tasks: asyncio.TaskGroup | None = None  # none while the line is not open
        self.standing = Standing()
        self._placed_by: Person | None = None
        self.tap = Tap(room)  # for who listens by a socket
        self.endings = Endings(now_s)
        self.ended_by: Why | None = None
        self.queue: Queue | None = None  # that the caller waits in
        self.heir: Callable[[], Standing | None] = lambda: None  # who has the word after who goes; None: the agent

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """The line is open: people may join. Their recognisers run in the call's group."""
        self._tasks = tasks
        if self._placed_by is not None:
            self._answered(self._placed_by)
        elif self.queue is not None:
            self.queue.start(tasks)

    @property
    def seated(self) -> list[Seated]:
        return list(self._seats.values())

    def when_gone(self, person_id: str, name: str, work: Callable[[], None]) -> bool:
        """Have that done when somebody is not in the call any more; False when they are not now.

        `name`: what is given again under one replaces what was.
        """
        seated = self._seats.get(person_id)
        if seated is not None:
            seated.when_gone[name] = work
        return seated is not None

    def close(self) -> None:
        """The call is over."""
        for seated in self._seats.values():
            seated.let_go()
        self._seats.clear()

    def caller_gone(self) -> None:
        """The prospect is not on the line any more, or will not be in a moment."""
        if self.queue is not None:
            self.queue.caller_gone()

    def named(self, outcome: events.Outcome) -> events.Outcome:
        """Return how the call ended, in view of who had the word then."""
        self.ended_by = self.endings.came
        if self.queue is not None and self.queue.missed and outcome is events.Outcome.HUNG_UP:
            return events.Outcome.MISSED
        taken = bool(self.standing.holder) and self._placed_by is None
        transferred = taken and outcome is events.Outcome.HUNG_UP
        return events.Outcome.TRANSFERRED if transferred else outcome

    def take(self, signal: PersonActs | PersonMissed | QueueTold, *, connected: bool) -> None:
        """Do what somebody asks for, and answer them. `connected`: the prospect is on the line."""
        if isinstance(signal, QueueTold):
            if self.queue is not None:
                self.queue.take(signal.news)
            return
        if isinstance(signal, PersonActs):
            signal.answer(self._act(signal, connected=connected))
        elif connected:
            self._missed(signal)

    def _missed(self, signal: PersonMissed) -> None:
        """Somebody who was lost is not back yet."""
        seated = self._seats.get(signal.person_id)
        if seated is None or not seated.away or seated.losses != signal.number:
            return
        alone = self.standing.holder == seated.person.id and not self._somebody_talks()
        if signal.step == len(_STEPS_S) - 1:
            self._unseat(seated, "lost")
            return
        if alone and signal.step == 0 and not self.standing.held:
            self._conversation.put(AskForPatience())
        elif alone and signal.step == 1:
            self._stand(replace(self.standing, waiting=True), seated.person)
        self._wait_for(seated, signal.step + 1)

    # A call that somebody has placed to talk in it

    def expect(self, holder: Holder | None, queue: Queue | None = None) -> None:
        """The word is theirs from the first moment on, whether they are there by then or not. None: the agent's.

        `queue`: where the caller waits for somebody from the first moment on, if they do.
        """
        self.queue = queue
        if holder is None:
            return
        person = self._placed_by = Person(seat_id(Seat.REP, holder.user_id), holder.name, holder.user_id, Seat.REP)
        self._seats[person.id] = Seated(person, Role.REP_ALONE, away=True)
        self.standing = Standing(person.id, person.name, away=True)

    # A caller who waits for somebody (telephony/queues)

    def wait(self) -> None:
        """Nobody has the word, and the agent is aside: the caller waits."""
        if not self.standing.agent_aside:
            self._aside_s, self._had = self._now_s(), []
            self._conversation.step_aside()
        self.standing = Standing(held=True)

    def promise(self, person: Person) -> None:
        """The word is somebody's who is on their way to the call; the caller hears music until then."""
        self._seats[person.id] = seated = Seated(person, Role.REP_ALONE, away=True)
        self._stand(Standing(person.id, person.name, away=True, waiting=True), person)
        self._wait_for(seated, len(_STEPS_S) - 1)

    def hand_to_agent(self, told: str) -> None:
        """The caller waits no longer, and the agent has the word. `told`: what it must know of that."""
        self._room.others.hold(False)
        self.standing = Standing()
        self._conversation.put(SteppedBack(told))

    def _may_prepare(self, person: Person, act: acts.Act) -> bool:
        """Whether that can be done while it rings: who has placed the call may come, and go, before it is answered."""
        theirs = self._placed_by is not None and person.id == self._placed_by.id
        return theirs and self._tasks is None and isinstance(act, acts.Join | acts.Lost | acts.Leave)

    def _answered(self, person: Person) -> None:
        """The prospect is there: the one who called talks at once, or is waited for as one who was lost is."""
        seated = self._seats[person.id]
        self._aside_s = self._now_s()
        self._conversation.step_aside()
        self._emit(events.WordPassed("person", person.id, person.name, person.user_id))
        if seated.party is not None:
            self._room.others.let_in(seated.party)
            self._listen_to(seated)
            self._note_holder(person)
        else:
            self._wait_for(seated, 0)

    def _note_holder(self, person: Person) -> None:
        if self._had[-1:] != [person.name]:
            self._had.append(person.name)

    def _told(self, reason: str, agreed: str) -> str:
        """Return what the agent is told of the time in which it did not have the word."""
        aside_s = self._now_s() - self._aside_s
        placed, self._placed_by = self._placed_by, None  # from here on it is a call like any other
        if placed is not None:
            return account.placed(self._had, reason, agreed) if self._had else account.nobody_came(placed.name, aside_s)
        return account.handed_back(self._had, reason, agreed) if self._had else account.was_held(aside_s)

    # Acts

    def refusal(self, person: Person, act: acts.Act, *, connected: bool) -> Refused | None:
        """Return why somebody may not do that as things stand, if so."""
        seated = self._seats.get(person.id)
        if not connected:
            return acts.NOT_CONNECTED
        if seated is None:
            return acts.NOT_IN_CALL
        after = decide(self.standing, person, act, _heard_role(seated))
        return after if isinstance(after, Refused) else None

    def _act(self, asked: PersonActs, *, connected: bool) -> acts.Answer:
        person, act = asked.person, asked.act
        if not connected and not self._may_prepare(person, act):
            return acts.NOT_CONNECTED
        seated = self._seats.get(person.id)
        if not connected and seated is not None and isinstance(act, acts.Leave):
            act = acts.Lost(seated.outlet)  # the call may be answered yet: then they are waited for
        if seated is None and not isinstance(act, acts.Join):
            return acts.NOT_IN_CALL
        after = decide(self.standing, person, act, _heard_role(seated))
        if isinstance(after, Refused):
            return after
        if isinstance(act, acts.Join):
            return self._join(person, act, seated, after)
        assert seated is not None
        match act:
            case acts.Lost(outlet=outlet) if outlet is not seated.outlet:
                pass  # a newer connection of theirs has taken its place
            case acts.Lost():
                self._lose(seated, after)
            case acts.Leave():
                self._unseat(seated, "left")
            case acts.Whisper(text=text):
                self._conversation.overheard.instructed(text, person.name)
            case acts.ChangeRole(role=wanted):
                self._change_role(seated, wanted)
            case acts.HandBack(agreed=agreed):
                self._stand(after, person, agreed=agreed)
            case _:
                self._stand(after, person)
        return Done(self.standing.word)

    def _join(self, person: Person, act: acts.Join, seated: Seated | None, after: Standing) -> acts.Answer:
        if seated is None:
            if len(self._seats) >= SEATS_MAX:
                return Refused("full", f"{SEATS_MAX} people follow this call already.")
            refused = decide(self.standing, person, acts.ChangeRole(act.role), act.role)
            if isinstance(refused, Refused):
                return refused
        before = seated.party if seated is not None else None
        party = None
        if act.outlet is not None:
            role = seated.role if seated is not None else act.role
            let_in = self._room.others.expect if self._tasks is None else self._room.others.admit
            try:
                party = let_in(person.name, act.outlet, role)
            except ConferenceFull as error:
                return Refused("full", str(error))
        if seated is None:
            seated = self._seats[person.id] = Seated(person, act.role)
        if not seated.came:
            seated.came = True
            self._emit(events.PersonJoined(person.id, person.name, person.user_id, seated.role.value))
        if before is not None:
            self._room.others.dismiss(before)
        seated.outlet, seated.party = act.outlet, party
        seated.away = after.away and after.holder == person.id
        if self._tasks is not None and after.holder == person.id and party is not None:
            self._note_holder(person)
        self._listen_to(seated)
        self._stand(after, person)
        return Done(self.standing.word, party)

    def _lose(self, seated: Seated, after: Standing) -> None:
        self._drop_party(seated)
        seated.away = True
        seated.losses += 1
        self._stand(after, seated.person)
        self._wait_for(seated, 0)

    def _wait_for(self, seated: Seated, step: int) -> None:
        delay_s = _STEPS_S[step] - (_STEPS_S[step - 1] if step else 0.0)
        missed = PersonMissed(seated.person.id, seated.losses, step)
        self._timers.set(f"person {seated.person.id}", delay_s, missed)

    def _unseat(self, seated: Seated, reason: str) -> None:
        """They are gone: if they had the word, the agent has it."""
        person = seated.person
        self._drop_party(seated)
        del self._seats[person.id]
        seated.let_go()
        if seated.listening is not None:
            seated.listening.cancel()
        if self.standing.holder == person.id and not (self.queue is not None and self.queue.absent(person)):
            heir = self.heir()
            if heir is None:
                self._stand(Standing(), person, reason=reason)
            else:
                self.standing, self._placed_by = heir, None
        if seated.came:
            self._emit(events.PersonLeft(person.id, person.name, person.user_id, "lost" if reason == "lost" else ""))

    def _drop_party(self, seated: Seated) -> None:
        if seated.party is not None:
            self._room.others.dismiss(seated.party)
            seated.party = None

    def _change_role(self, seated: Seated, role: Role) -> None:
        if seated.role is role:
            return
        seated.role = role
        if seated.party is not None:
            self._room.others.set_role(seated.party, role)
        self._listen_to(seated)
        person = seated.person
        self._emit(events.RoleChanged(person.id, person.name, person.user_id, role.value))

    # Who has the word

    def _stand(self, after: Standing, by: Person, *, reason: str = "", agreed: str = "") -> None:
        """Let it be so: the agent's part first, so that nobody is heard over it."""
        before, self.standing = self.standing, after
        if before.agent_aside and after != before:
            self._conversation.hush()
        if after.agent_aside and not before.agent_aside:
            self._aside_s, self._had = self._now_s(), []
            self._conversation.step_aside()
        if after.holder != before.holder:
            self._pass_word(before.holder, after.holder)
        if after.music != before.music:
            self._room.others.hold(after.music)
            self._emit(events.CallHeld(after.music, by.name))
        if after.holder != before.holder:
            if after.holder:
                self._note_holder(by)
            to = "person" if after.holder else "agent"
            self._emit(events.WordPassed(to, by.id, by.name, by.user_id, reason, agreed))
        if before.agent_aside and not after.agent_aside:
            self._conversation.put(SteppedBack(self._told(reason, agreed)))
        if self.queue is not None:
            self.queue.stood(after)

    def _pass_word(self, from_id: str, to_id: str) -> None:
        # The one who takes it first: the prospect is never without anybody.
        for person_id, role in ((to_id, Role.REP_ALONE), (from_id, Role.LISTENER)):
            seated = self._seats.get(person_id)
            if seated is not None:
                seated.role = role
                if seated.party is not None:
                    self._room.others.set_role(seated.party, role)
                self._listen_to(seated)

    def _somebody_talks(self) -> bool:
        return any(party.role in TALKS_TO_PROSPECT for party in self._room.others.parties)

    # What people say

    def _listen_to(self, seated: Seated) -> None:
        """Have their words taken down while somebody hears them."""
        if seated.party is None or self._tasks is None:
            return
        if seated.role is Role.LISTENER:
            seated.party.ear = None
            return
        if seated.ear is None:
            seated.ear = self._ears.open(lambda text, voice: self._said(seated, text, voice))
            if seated.ear is None:
                return
            seated.listening = self._tasks.create_task(seated.ear.run(), name="call.person_ear")
        seated.party.ear = seated.ear.hear

    def _said(self, seated: Seated, text: str, voice: VoiceEnded) -> None:
        name = seated.person.name
        if seated.role is Role.WHISPERER:
            # To the agent while it has the word; to the rep otherwise, which is no matter of the agent's.
            if not self.standing.agent_aside:
                self._conversation.overheard.instructed(text, name, spoken=True)
        elif self.standing.agent_aside:
            self._conversation.put(PersonSaid(name, text, voice))
        else:
            self._conversation.overheard.beside(name, text, voice)


def _heard_role(seated: Seated | None) -> Role | None:
    """None for who has no sound in this call."""
    return seated.role if seated is not None and seated.party is not None else None
