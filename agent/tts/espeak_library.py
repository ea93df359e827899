"""The espeak-ng library through ctypes: text to int16 samples with word times. Blocking.

The library's state is global and not thread-safe (two threads corrupt the heap), so one process holds one
`Espeak` and calls it from one thread only. Processes that must not carry GPL code in themselves start another.
"""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final

import espeakng_loader

_AUDIO_OUTPUT_SYNCHRONOUS: Final = 2
_DONT_EXIT: Final = 0x8000
_UTF8: Final = 1
_BUFFER_MS: Final = 60
_EVENT_WORD: Final = 1
_EVENT_END: Final = 0
_RATE_PARAMETER: Final = 1
_PITCH_PARAMETER: Final = 3
RATE_WPM_DEFAULT: Final = 165


class EspeakFailed(Exception):
    """The library refused to start, a voice is unknown, or a text could not be spoken."""


class _EventId(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),  # characters from 1
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),  # ms
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    ]


@dataclass(frozen=True, slots=True)
class WordStart:
    offset: int  # characters from the text's beginning
    length: int
    start_ms: int


OnPiece = Callable[[bytes, list[WordStart]], bool]
"""Gets int16 mono samples and the words that begin in them; returns False to stop."""

_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class Espeak:
    """The library of this process. Its state is global, so of several objects the one that speaks takes it over."""

    _speaker: ClassVar["Espeak | None"] = None  # whose callback the library has: kept alive, for it stores the pointer

    def __init__(self) -> None:
        """Raises EspeakFailed."""
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        self.rate_hz: int = self._library.espeak_Initialize(
            _AUDIO_OUTPUT_SYNCHRONOUS, _BUFFER_MS, espeakng_loader.get_data_path().encode(), _DONT_EXIT
        )
        if self.rate_hz <= 0:
            raise EspeakFailed("espeak-ng could not be initialised")
        self._on_piece: OnPiece | None = None
        self._callback = _CALLBACK(self._take)
        self._voice = ""

    def speak(
        self, text: str, on_piece: OnPiece, *, voice: str = "en-us", rate_wpm: int = RATE_WPM_DEFAULT, pitch: int = 50
    ) -> None:
        """Speak `text`, calling `on_piece` about every 60 ms of audio, until the end or its False.

        Raises:
            EspeakFailed: unknown voice or refused text.
        """
        if Espeak._speaker is not self:
            self._library.espeak_SetSynthCallback(self._callback)
            Espeak._speaker = self
            self._voice = ""
        if voice != self._voice:
            if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
                raise EspeakFailed(f"unknown voice {voice!r}")
            self._voice = voice
        self._library.espeak_SetParameter(_RATE_PARAMETER, rate_wpm, 0)
        self._library.espeak_SetParameter(_PITCH_PARAMETER, pitch, 0)
        raw = text.encode()
        self._on_piece = on_piece
        try:
            status = self._library.espeak_Synth(raw, len(raw) + 1, 0, 0, 0, _UTF8, None, None)
        finally:
            self._on_piece = None
        if status != 0:
            raise EspeakFailed(f"espeak-ng refused the text (status {status})")

    def _take(self, samples: "ctypes._Pointer[ctypes.c_short]", count: int, events: "ctypes._Pointer[_Event]") -> int:
        words: list[WordStart] = []
        index = 0
        while events[index].type != _EVENT_END:
            event = events[index]
            if event.type == _EVENT_WORD:
                words.append(WordStart(event.text_position - 1, event.length, event.audio_position))
            index += 1
        pcm = ctypes.string_at(samples, count * 2) if count > 0 else b""
        if self._on_piece is None or not (pcm or words):
            return 0
        return 0 if self._on_piece(pcm, words) else 1
