"""What a call uses of its process: one of each, shared by all calls."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from agent.turns.ending import LONGEST_MS
from events.plan import CallPlan
from media.activity.detector import THRESHOLDS
from media.activity.silero import Silero
from media.agent_voice import Ticker
from media.hold_music import composed
from media.jitter import Quality
from media.level import VoiceLevels
from media.recording.recorder import Recorder
from media.room import Ear, Room
from telephony.call.archive import Archive
from telephony.call.emitter import utc_now
from telephony.carrier_port import Carrier
from telephony.figures import Figures
from telephony.leg_lines import LegLines
from telephony.outbox import Outbox
from telephony.queues.hall import Hall
from telephony.supervisor.live import Live
from telephony.tool_desk import Desks
from telephony.transfer import Transfers


@dataclass(frozen=True, slots=True)
class Services:
    carrier: Carrier
    silero: Silero
    clock: Ticker
    outbox: Outbox
    archive: Archive
    desks: Desks | None = None  # of the CRM, for tools; None: calls have none that need it
    transfers: Transfers | None = None  # None: nobody is put through
    legs: LegLines | None = None  # None: people have nobody else telephoned
    hall: Hall | None = None  # None: nobody of ours attends to callers
    figures: Figures = field(default_factory=Figures)
    hold_music: bytes = field(default_factory=composed)  # µ-law, a loop
    levels: VoiceLevels = field(default_factory=VoiceLevels)
    wall: Callable[[], datetime] = utc_now  # what people's clocks say; durations are the loop's
    live: Live = field(default_factory=Live)
    room: type[Room] = Room  # the simulation's has no sound in it

    def open_room(
        self,
        plan: CallPlan,
        recorder: Recorder | None,
        ear: Ear,
        now_ms: Callable[[], float],
        on_quality: Callable[[str, Quality], None],
    ) -> Room:
        """Return the room of a call."""
        return self.room(
            self.silero,
            recorder,
            ear,
            now_ms,
            self.clock,
            thresholds=replace(THRESHOLDS[plan.sensitivity], stop_ms=LONGEST_MS),
            leveller=self.levels.leveller(f"{plan.providers.tts}/{plan.agent.voice}"),
            on_quality=on_quality,
            music=self.hold_music,
        )
