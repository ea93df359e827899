"""What the operator has fixed for all calls that are placed. Sans-I/O."""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from crm.billing.conditions import Tariff
from crm.compliance.rules import Rules
from events import plan
from events.sealed_audio import MasterKey


@dataclass(frozen=True, slots=True)
class Terms:
    """What the operator has fixed for all calls."""

    secret_key: str
    from_number: str
    max_call_s: int
    tariff: Tariff
    rules: Rules
    playbooks: Path
    recording_master: MasterKey | None = None  # None: new recordings are not sealed
    models: tuple[str, ...] = ("scripted",)  # in the order in which they are asked
    recognizers: tuple[str, ...] = ("embedded",)  # the first, and those that take over when it fails
    voices: tuple[str, ...] = ("embedded",)
    sentiment: str = ""  # a model that judges what prospects say; empty: our lexicon

    def with_speech(self, named: plan.Providers) -> plan.Providers:
        """Return what an agent names, and what the operator has set behind it, or where it names nothing."""
        recognizers, voices = _order(named.stt, self.recognizers), _order(named.tts, self.voices)
        return msgspec.structs.replace(
            named,
            stt=recognizers[0],
            stt_fallbacks=recognizers[1:],
            tts=voices[0],
            tts_fallbacks=voices[1:],
            sentiment=self.sentiment,
        )


def _order(named: str, operators: tuple[str, ...]) -> tuple[str, ...]:
    if named == "embedded":  # what an agent has that names none
        return operators
    return (named, *(name for name in operators if name != named))
