"""The embedded recogniser: pocketsphinx in the speech worker, bound to the phrases of a playbook. English only."""

from typing import Final

from agent.speech_process import SpeechProcess
from agent.stt.port import (
    PCM_UTTERANCES,
    Feeding,
    HeardWord,
    OnPartial,
    OnTurn,
    Transcript,
    TranscriptionUnavailable,
    no_turns,
)

UTTERANCE_BYTES_MAX: Final = 60 * 8_000 * 2  # a minute; a monologue's end is not what was answered


class EmbeddedRecognizers:
    """Implements `agent.stt.port.RecognizerFactory` over the one speech process."""

    def __init__(self, process: SpeechProcess) -> None:
        self._process = process

    async def open(
        self, phrases: tuple[str, ...], on_partial: OnPartial, on_turn: OnTurn = no_turns
    ) -> "EmbeddedRecognizer":
        """Raises TranscriptionUnavailable."""
        del on_turn  # it knows of no turns
        return EmbeddedRecognizer(self._process, await self._process.prepare(phrases), on_partial)


class EmbeddedRecognizer:
    """Implements `agent.stt.port.Recognizer`; keeps what the call's line is like from utterance to utterance."""

    feeding: Feeding = PCM_UTTERANCES

    def __init__(self, process: SpeechProcess, model: str, on_partial: OnPartial) -> None:
        self._process = process
        self._model = model
        self._on_partial = on_partial
        self._cepstral_mean = ""
        self._utterance: int | None = None
        self._fed_bytes = 0
        self.dropped_bytes = 0  # beyond an utterance's bound; read by metrics

    def begin(self) -> None:
        self._drop()
        self._fed_bytes = 0
        self._utterance = self._process.begin(self._model, self._cepstral_mean, self._on_partial)

    def feed(self, audio: bytes) -> None:
        if self._utterance is None:
            return
        if self._fed_bytes + len(audio) > UTTERANCE_BYTES_MAX:
            self.dropped_bytes += len(audio)
            return
        self._fed_bytes += len(audio)
        self._process.feed(self._utterance, audio)

    async def finish(self) -> Transcript:
        """Raises TranscriptionUnavailable: also when the process was away at the utterance's beginning."""
        utterance, self._utterance = self._utterance, None
        if utterance is None:
            raise TranscriptionUnavailable("no utterance was begun, or the speech worker was away")
        heard = await self._process.finish(utterance)
        self._cepstral_mean = heard.cepstral_mean
        return Transcript(heard.text, tuple(HeardWord(*word) for word in heard.words), heard.confidence)

    async def aclose(self) -> None:
        self._drop()

    def _drop(self) -> None:
        if self._utterance is not None:
            self._process.drop(self._utterance)
            self._utterance = None
