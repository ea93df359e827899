"""The embedded voice of the people on the line: one engine in one thread, since the library bears no more."""

import asyncio
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np

from agent.tts.espeak_library import Espeak, WordStart
from telephony.carrier import clip
from telephony.carrier.clip import Clip

CACHE_CLIPS_MAX: Final = 512
TIMEOUT_S: Final = 15.0  # synthesis takes milliseconds; a machine starved of time takes longer
VOICE_DEFAULT: Final = "en-us+klatt6"
RATE_WPM_DEFAULT: Final = 150
PITCH_DEFAULT: Final = 50
PAUSE_MAX_MS_DEFAULT: Final = 200  # a comma in conversation; the engine makes 300 ms and more of it at this rate


class VoiceThread:
    """Speaks texts into clips; what was spoken once is kept, oldest use dropped first. Close it when done."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="carrier.voice")
        self._engine: Espeak | None = None
        self._kept: OrderedDict[tuple[str, str, int, int, int], Clip] = OrderedDict()

    async def say(
        self,
        text: str,
        voice: str = VOICE_DEFAULT,
        rate_wpm: int = RATE_WPM_DEFAULT,
        pitch: int = PITCH_DEFAULT,
        pause_max_ms: int = PAUSE_MAX_MS_DEFAULT,
    ) -> Clip:
        """Return `text` as speech.

        Raises:
            EspeakFailed: unknown voice, or the library cannot be had.
            TimeoutError: the machine is too busy.
        """
        key = (text, voice, rate_wpm, pitch, pause_max_ms)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(TIMEOUT_S):
            spoken = await loop.run_in_executor(self._executor, self._speak, key)
        self._kept[key] = spoken
        if len(self._kept) > CACHE_CLIPS_MAX:
            self._kept.popitem(last=False)
        return spoken

    def close(self) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _speak(self, key: tuple[str, str, int, int, int]) -> Clip:
        text, voice, rate_wpm, pitch, pause_max_ms = key
        if self._engine is None:
            self._engine = Espeak()
        pieces: list[bytes] = []

        def take(pcm: bytes, _words: list[WordStart]) -> bool:
            pieces.append(pcm)
            return True

        self._engine.speak(text, take, voice=voice, rate_wpm=rate_wpm, pitch=pitch)
        pcm = np.frombuffer(b"".join(pieces), dtype=np.int16)
        return clip.speech(text, pcm, self._engine.rate_hz, pause_max_ms)
