"""Answering-machine detection by what the callee says, as the carrier does it. Sans-I/O.

A short first utterance is a person, a long one a machine; a machine's message ends with a beep or with silence.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Verdict(StrEnum):
    HUMAN = "human"
    MACHINE_START = "machine_start"
    MACHINE_END_BEEP = "machine_end_beep"
    MACHINE_END_SILENCE = "machine_end_silence"
    UNKNOWN = "unknown"


MESSAGE_SILENCE_MS: Final = 3_000  # without a beep, a message is over after this long


@dataclass(frozen=True, slots=True)
class AmdRules:
    """What the caller asked for, in the vendor's words and with its defaults."""

    wait_for_message_end: bool = False  # DetectMessageEnd
    timeout_ms: int = 30_000
    speech_threshold_ms: int = 2_400
    speech_end_threshold_ms: int = 1_200
    silence_timeout_ms: int = 5_000


class Detector:
    """Fed with every frame of the callee's own sound, until it returns a verdict."""

    def __init__(self, rules: AmdRules, errs: Verdict | None = None) -> None:
        """`errs`: what it takes them for, whatever they sound like."""
        self._rules = rules
        self._errs = errs
        self._speech_began_ms: float | None = None
        self._last_sound_ms = 0.0
        self._is_machine = False
        self._beeped = False

    def hear(self, now_ms: float, *, voiced: bool, beep: bool) -> Verdict | None:
        """Take the state of the callee's side at `now_ms` since the answer."""
        verdict = self._judged(now_ms, voiced=voiced, beep=beep)
        return verdict if verdict is None or self._errs is None else self._errs

    def _judged(self, now_ms: float, *, voiced: bool, beep: bool) -> Verdict | None:
        rules = self._rules
        if now_ms >= rules.timeout_ms:
            return Verdict.MACHINE_END_SILENCE if self._is_machine else Verdict.UNKNOWN
        if beep:
            self._beeped = self._is_machine = True
        elif self._beeped and rules.wait_for_message_end:
            return Verdict.MACHINE_END_BEEP
        if voiced or beep:
            if self._speech_began_ms is None:
                self._speech_began_ms = now_ms
            self._last_sound_ms = now_ms
        if self._speech_began_ms is None:
            return Verdict.UNKNOWN if now_ms >= rules.silence_timeout_ms else None
        if self._is_machine or self._last_sound_ms - self._speech_began_ms >= rules.speech_threshold_ms:
            self._is_machine = True
            if not rules.wait_for_message_end:
                return Verdict.MACHINE_START
            return Verdict.MACHINE_END_SILENCE if now_ms - self._last_sound_ms >= MESSAGE_SILENCE_MS else None
        if now_ms - self._last_sound_ms >= rules.speech_end_threshold_ms:
            return Verdict.HUMAN
        return None
