"""An opening with what it hears and what it tells, for its tests."""

from dataclasses import dataclass, field

import numpy as np

from agent.greeting_files import greeting_words
from agent.llm.port import EventName
from agent.opening import (
    Opening,
    Say,
    Wait,
)
from agent.turns import timing
from events.call import AnsweredBy
from media.frame import FRAME_MS, FRAME_SAMPLES, RATE_HZ

MAILBOX = "Please leave a message after the tone."
SCREENER = "Please state your name and reason for calling."
MENU = "For sales, press one."
LONG_MS = timing.LONG_GREETING_MS + 100
GAP = Wait(timing.PIECE_GAP_S)
GREETING = Say(EventName.ANSWERED)


@dataclass(frozen=True)
class Past:
    answers_heard: int = 0
    agent_has_spoken: bool = False
    owes_result: bool = False
    answers_begun: int = 0


@dataclass
class Stage:
    beeps: int = 0
    told: list[tuple[AnsweredBy, str]] = field(default_factory=list)
    at_ms: int = 0
    answers: int = 0
    begun: int = 0
    spoken: bool = False

    def __post_init__(self) -> None:
        self.opening = Opening(greeting_words(), self._beep, lambda by, detail: self.told.append((by, detail)))

    def _beep(self) -> None:
        self.beeps += 1

    @property
    def who(self) -> list[AnsweredBy]:
        return [by for by, _ in self.told]

    def after(self, text: str, voiced_ms: int = 800) -> Wait | Say:
        return self.opening.after(text, voiced_ms, Past(self.answers, self.spoken, answers_begun=self.begun))

    def heard(self) -> None:
        """The agent's answer is played to its end."""
        self.cut()
        self.answers += 1

    def cut(self) -> None:
        """It is interrupted."""
        self.spoken = True
        self.begun += 1

    def beep(self) -> None:
        time_s = np.arange(RATE_HZ // 2) / RATE_HZ
        sound = np.concatenate([np.sin(2 * np.pi * 1_000 * time_s) * 5_000, np.zeros(RATE_HZ // 4)]).astype(np.int16)
        for start in range(0, len(sound), FRAME_SAMPLES):
            self.opening.hear(sound[start : start + FRAME_SAMPLES].tobytes(), self.at_ms)
            self.at_ms += FRAME_MS

    def silence(self, ms: int) -> None:
        for _ in range(ms // FRAME_MS):
            self.opening.hear(bytes(2 * FRAME_SAMPLES), self.at_ms)
            self.at_ms += FRAME_MS
