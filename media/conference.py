"""A call with people beside the prospect and the agent: who hears whom, hold, whisper, live listening.

It exists only once somebody joins or the prospect is put on hold; a plain call never pays for it. As long as nobody
but the agent talks to the prospect, the agent's packets still go straight to the carrier. When somebody else does,
the agent's are taken back to what was heard, and all is mixed tick by tick with a lead of at most 20 ms.
"""

from collections.abc import Callable, Hashable
from enum import Enum, auto
from typing import Final

from media.agent_voice import AgentVoice, Ticker
from media.codec import g711
from media.codec.g711 import Samples
from media.frame import FRAME_MS, FRAME_SAMPLES
from media.hold_music import Loop, composed
from media.jitter import JitterBuffer, Quality
from media.mixer import Mixer
from media.party import REPS, TALKS_TO_PROSPECT, TALKS_TO_REPS, Outlet, Party, Role
from media.recording.recorder import Recorder
from media.sent_sound import OUT_OF_STEP_MS, PlayedSound

PARTIES_MAX: Final = 8  # of one call: each costs 20 to 40 µs a tick, as much as a plain call does all in all
_REPORT_TICKS: Final = 50


class Seat(Enum):
    """Who is in a call by nature."""

    PROSPECT = auto()
    AGENT = auto()
    TAPE = auto()  # the recording's third channel


class ConferenceFull(Exception):
    """More people than a call takes; the message says how many."""


class Conference:
    """One call's people. `tick` is called each 20 ms by the process's clock while there is anything to mix."""

    def __init__(
        self,
        voice: AgentVoice,
        recorder: Recorder | None,
        now_ms: Callable[[], float],
        clock: Ticker | None,
        on_quality: Callable[[str, Quality], None],
        music: bytes = b"",
    ) -> None:
        self.parties: list[Party] = []
        self.held = False
        self._voice = voice
        self._recorder = recorder
        self._now_ms = now_ms
        self._clock = clock
        self._on_quality = on_quality
        self._music = music
        self._loop: Loop | None = None
        self._parked_loop: Loop | None = None  # what people who are parked hear
        self._private = False  # what is said is no matter of the prospect's: neither recorded nor written down
        self._mixer = Mixer()
        self._prospect = JitterBuffer()  # for the others' ears: the agent hears the frames as they come
        self._mixing = False
        self._shed = False
        self._ticks = 0
        self._played = PlayedSound(voice, now_ms)  # for listeners
        self._taped_to_ms = 0  # on the timeline

    def admit(self, name: str, outlet: Outlet, role: Role) -> Party:
        """Let somebody in. `name` is the leg's, for events.

        Raises:
            ConferenceFull: there are PARTIES_MAX people already.
        """
        if len(self.parties) >= PARTIES_MAX:
            raise ConferenceFull(f"a call takes {PARTIES_MAX} people beside the prospect: somebody must leave first")
        party = self.expect(name, outlet, role)
        self.let_in(party)
        return party

    def expect(self, name: str, outlet: Outlet, role: Role) -> Party:
        """Return somebody who is to be let in once the prospect is there. Until then nobody hears or records them."""
        return Party(name, outlet, role, self._on_quality)

    def let_in(self, party: Party) -> None:
        """Let somebody in who was expected: what they said before is not heard."""
        party.begin()
        self.parties.append(party)
        self._settle()

    def dismiss(self, party: Party) -> None:
        """Somebody left, or their leg vanished; nobody notices more than their silence."""
        if party in self.parties:
            self.parties.remove(party)
            self._settle()

    def set_role(self, party: Party, role: Role) -> None:
        party.role = role
        self._settle()

    def hold(self, held: bool) -> None:
        """Let the prospect hear music, and nobody hear the prospect; or end that."""
        if held and not self.held:
            self._loop = Loop(self._music or composed())
        self.held = held
        self._settle()

    def shed_taps(self, shed: bool) -> None:
        """Let live listeners hear nothing for now: the process has no time for them."""
        self._shed = shed

    def prospect_spoke(self, ulaw: bytes, at_ms: int) -> None:
        """Take a frame of the prospect's that begins at `at_ms` of the timeline."""
        if self.parties:
            self._prospect.push(at_ms // FRAME_MS, g711.decode(ulaw), self._now_ms())

    def close(self) -> None:
        """The call is over."""
        self.parties.clear()
        self.held = False
        self._settle()

    def tick(self) -> None:
        frames: dict[Hashable, Samples] = {}
        prospect = self._prospect.pop()
        if prospect is not None and not self.held:
            frames[Seat.PROSPECT] = prospect
        for party in self.parties:
            spoken = party.read()
            if party.ear is not None:
                party.ear(None if self._private or party.role is Role.PARKED else spoken)
            if spoken is not None:
                frames[party] = spoken
        if self._mixing:
            self._send_mixed(frames)
        elif self.parties and not self._shed:
            frames[Seat.AGENT] = g711.decode(self._played.next())
        music = g711.decode(self._parked_loop.next(FRAME_SAMPLES)) if self._parked_loop is not None else None
        for party in self.parties:
            if party.role is Role.PARKED:
                party.play(music)
            elif not (self._shed and party.role is Role.LISTENER):
                party.play(self._mixer.mix(party, frames))
        self._tape(frames)
        self._ticks += 1
        if self._ticks % _REPORT_TICKS == 0:
            for party in self.parties:
                party.report()

    def _settle(self) -> None:
        """Draw the matrix anew: who hears whom follows from the roles."""
        mixer = self._mixer = Mixer()
        roles = {party.role for party in self.parties}
        alone = bool(roles & {Role.REP_ALONE, Role.CONSULTED})
        self._private = self.held and Role.CONSULTED in roles
        if Role.PARKED not in roles:
            self._parked_loop = None
        elif self._parked_loop is None:
            self._parked_loop = Loop(self._music or composed())
        if not alone and not self.held:
            mixer.connect(Seat.PROSPECT, Seat.AGENT)
        for party in self.parties:
            if party.role is Role.PARKED:
                continue
            if party.role in TALKS_TO_PROSPECT and not self.held:
                mixer.connect(Seat.PROSPECT, party)
            if party.role in TALKS_TO_REPS and not self._private:
                mixer.connect(Seat.TAPE, party)
            mixer.connect(party, Seat.PROSPECT)
            if not alone:
                mixer.connect(party, Seat.AGENT)
            for other in self.parties:
                if other is not party and _hears(party.role, other.role):
                    mixer.connect(party, other)
        self._mixing = self.held or any(party.role in TALKS_TO_PROSPECT for party in self.parties)
        self._voice.set_mixed(self._mixing)
        if self._clock is not None:
            if self.parties or self.held:
                self._clock.subscribe(self.tick)
            else:
                self._clock.unsubscribe(self.tick)

    def _send_mixed(self, frames: dict[Hashable, Samples]) -> None:
        """Send the prospect 20 ms, if the carrier has not got that much yet."""
        if not self._voice.wants_frame:
            return
        if self.held:
            assert self._loop is not None
            self._voice.send_mixed(self._loop.next(FRAME_SAMPLES), 0)
            return
        own = self._voice.frame if Seat.AGENT in self._mixer.sources(Seat.PROSPECT) else b""
        if own:
            frames[Seat.AGENT] = g711.decode(own)
        mixed = self._mixer.mix(Seat.PROSPECT, frames)
        if mixed is not None:
            # The agent alone goes through as it is.
            same = own and len(mixed) == len(own) and mixed is frames[Seat.AGENT]
            self._voice.send_mixed(own if same else g711.encode(mixed), len(own))

    def _tape(self, frames: dict[Hashable, Samples]) -> None:
        """Record what the people said, whispers included: the prospect never hears this channel."""
        if self._recorder is None:
            return
        spoken = self._mixer.mix(Seat.TAPE, frames)
        if spoken is None:
            return
        now_ms = self._voice.now
        if abs(now_ms - self._taped_to_ms) > OUT_OF_STEP_MS:
            self._taped_to_ms = now_ms
        self._recorder.heard_from_person(self._taped_to_ms, g711.encode(spoken))
        self._taped_to_ms += len(spoken) * FRAME_MS // FRAME_SAMPLES


def _hears(listener: Role, other: Role) -> bool:
    if listener is Role.CONSULTED:
        return other in TALKS_TO_PROSPECT
    if listener in REPS:
        return other in TALKS_TO_REPS
    return other not in (Role.LISTENER, Role.PARKED)
