"""The embedded voice: espeak-ng in the speech worker. No key, no network; intelligible rather than beautiful."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from agent.speech_process import SpeechProcess
from agent.tts.port import Speech


@dataclass(frozen=True, slots=True)
class EmbeddedVoice:
    """Implements `agent.tts.port.Voice`, at 8 kHz."""

    process: SpeechProcess
    voice: str = "en-us"

    def speak(self, text: str) -> AsyncGenerator[Speech, None]:
        """Raises SpeechUnavailable."""
        return self.process.speak(text, self.voice)
