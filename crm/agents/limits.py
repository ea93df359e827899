"""What each provider of models takes: checked when an agent is saved, not in the middle of a call. Sans-I/O.

Temperatures as the vendors' references give them; an answer on the telephone is far shorter than any limit of theirs,
so one bound holds for the tokens of all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

MAX_TOKENS: Final = 8_192
SCRIPTED: Final = "scripted"


@dataclass(frozen=True, slots=True)
class Limits:
    temperature_max: float


PROVIDERS: Final[Mapping[str, Limits]] = {
    "openai": Limits(2.0),
    "anthropic": Limits(1.0),
    "gemini": Limits(2.0),
}
# By the names of `agent.stt.registry` and `agent.tts.registry`, which belong to voice; a test holds them together.
RECOGNISERS: Final = frozenset({"embedded", "whisper"})
RECOGNISER_VENDORS: Final = frozenset({"deepgram"})
VOICE_VENDORS: Final = frozenset({"elevenlabs"})
# Whichever model the operator has chosen may be asked, so what all of them take.
ANY: Final = Limits(min(limits.temperature_max for limits in PROVIDERS.values()))


def fault_of_stt(name: str) -> str:
    """Return what is wrong with a recogniser's name; empty when nothing is."""
    vendor, colon, model = name.partition(":")
    if name in RECOGNISERS or (vendor in RECOGNISER_VENDORS and colon and model):
        return ""
    known = [*sorted(RECOGNISERS), *(f"{vendor}:MODEL" for vendor in sorted(RECOGNISER_VENDORS))]
    return f"must be one of {', '.join(known)}"


def fault_of_voice(name: str) -> str:
    """Return what is wrong with a voice's name; empty when nothing is. One without a colon is the embedded engine's."""
    vendor, colon, voice = name.partition(":")
    if not colon or (vendor in VOICE_VENDORS and voice):
        return ""
    known = ", ".join(f"{vendor}:VOICE" for vendor in sorted(VOICE_VENDORS))
    return f"must be one of {known}, or a voice of the embedded engine such as en-us"


def fault_of_model(model: str) -> str:
    """Return what is wrong with a model's name; empty when nothing is."""
    provider, colon, name = model.partition(":")
    if model in ("", SCRIPTED) or (provider in PROVIDERS and colon and name):
        return ""
    known = ", ".join(f"{provider}:MODEL" for provider in PROVIDERS)
    return f"must be one of {known}, {SCRIPTED}, or empty for the operator's models"


def fault_of_temperature(model: str, temperature: float) -> str:
    """Return what is wrong with a temperature for that model; empty when nothing is."""
    provider = model.partition(":")[0]
    limits = PROVIDERS.get(provider, ANY)
    if 0 <= temperature <= limits.temperature_max:
        return ""
    whose = provider if provider in PROVIDERS else "every provider"
    return f"{whose} takes 0 to {limits.temperature_max:g}"
