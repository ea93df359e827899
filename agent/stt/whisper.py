"""Whisper from a local folder as a recogniser: utterances only, whole ones, and guesses while they are being said."""

from typing import Final

from agent.llm.port import Failure
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
from agent.stt.whisper_process import WhisperProcess

UTTERANCE_BYTES_MAX: Final = 60 * 8_000 * 2  # a minute; a monologue's end is not what was answered
GUESS_EVERY_BYTES: Final = 800 * 16  # the model hears all of the utterance again for each guess


class WhisperRecognizers:
    """Implements `agent.stt.port.RecognizerFactory` over the one Whisper process."""

    def __init__(self, process: WhisperProcess, language: str) -> None:
        """`language` as plans name it: en-US, pt-BR."""
        self._process = process
        self._language = language.partition("-")[0].lower()

    async def open(
        self, phrases: tuple[str, ...], on_partial: OnPartial, on_turn: OnTurn = no_turns
    ) -> "WhisperRecognizer":
        """Raises TranscriptionUnavailable."""
        del phrases, on_turn  # as a prompt they are what it hears in noise; and it knows of no turns
        if not self._process.alive:
            raise TranscriptionUnavailable("whisper: the worker is away")
        if self._language not in self._process.languages:
            known = ", ".join(sorted(self._process.languages))
            raise TranscriptionUnavailable(
                f"whisper: the model knows {known}, not {self._language}", Failure.REFUSED_REQUEST
            )
        return WhisperRecognizer(self._process, self._language, on_partial)


class WhisperRecognizer:
    """Implements `agent.stt.port.Recognizer`."""

    feeding: Feeding = PCM_UTTERANCES

    def __init__(self, process: WhisperProcess, language: str, on_partial: OnPartial) -> None:
        self._process = process
        self._language = language
        self._on_partial = on_partial
        self._pcm: bytearray | None = None  # of the utterance
        self._utterance = 0  # its number: a guess may come behind its end
        self._guessed_bytes = 0
        self.dropped_bytes = 0  # beyond an utterance's bound; read by metrics

    def begin(self) -> None:
        self._pcm = bytearray()
        self._utterance += 1
        self._guessed_bytes = 0

    def feed(self, audio: bytes) -> None:
        if self._pcm is None:
            return
        if len(self._pcm) + len(audio) > UTTERANCE_BYTES_MAX:
            self.dropped_bytes += len(audio)
            return
        self._pcm += audio
        if len(self._pcm) - self._guessed_bytes >= GUESS_EVERY_BYTES and self._process.may_guess:
            self._guessed_bytes = len(self._pcm)
            utterance = self._utterance
            self._process.guess(bytes(self._pcm), self._language, lambda text: self._guessed(utterance, text))

    async def finish(self) -> Transcript:
        """Raises TranscriptionUnavailable."""
        if self._pcm is None:
            raise TranscriptionUnavailable("whisper: no utterance was begun")
        pcm, self._pcm = bytes(self._pcm), None
        heard = await self._process.hear(pcm, self._language)
        return Transcript(heard.text, tuple(HeardWord(*word) for word in heard.words), heard.confidence)

    async def aclose(self) -> None:
        self._pcm = None

    def _guessed(self, utterance: int, text: str) -> None:
        if text and self._pcm is not None and utterance == self._utterance:
            self._on_partial(text)
