"""Makes a persona ready for the line: its texts become sound before the telephone rings."""

import asyncio
from pathlib import Path
from typing import Final

from telephony.carrier import clip
from telephony.carrier.actor import AsideCue, Cue, Part
from telephony.carrier.clip import Clip
from telephony.carrier.persona import GIVEN_FILE, HEARD_MS_DEFAULT, Persona, Sound, When
from telephony.carrier.voice import VoiceThread

LOAD_TIMEOUT_S: Final = 10.0


async def cast(persona: Persona, folder: Path, given: Path | None, voice: VoiceThread, seed: int = 0) -> Part:
    """Return the persona's part. `folder` is where its own files are, `given` the file for `play: given`.

    Raises:
        BadAudio: a file is missing or cannot be played.
        EspeakFailed: the voice is unknown.
        TimeoutError: the machine is too busy.
    """

    async def sound(wanted: Sound) -> Clip | None:
        if wanted.say is not None:
            return await speak(wanted.say)
        if wanted.cough_ms is not None:
            return clip.cough(wanted.cough_ms, seed)
        if wanted.beep_ms is not None:
            return clip.beep(wanted.beep_ms)
        if wanted.play is None:
            return None
        if wanted.play == GIVEN_FILE and given is None:
            raise clip.BadAudio("this persona plays a given file, and none was given (wav_path)")
        path = given if wanted.play == GIVEN_FILE and given is not None else folder / wanted.play
        async with asyncio.timeout(LOAD_TIMEOUT_S):
            return await asyncio.to_thread(clip.load, path)

    async def speak(text: str) -> Clip:
        chosen = persona.voice
        return await voice.say(text, chosen.name, chosen.rate_wpm, chosen.pitch, chosen.pause_max_ms)

    cues = [Cue(line.when, line.delay_ms, line.heard_ms, await sound(line), line.press or "") for line in persona.lines]
    asides = []
    for aside in persona.asides:
        made = await sound(aside)
        assert made is not None, "the schema lets no aside be without a sound"
        asides.append(AsideCue(aside.turn, aside.after_ms, made))
    spare: list[Cue] = []
    if persona.otherwise is not None:
        again = persona.otherwise
        spare = [Cue(When.TURN_OVER, again.after_ms, HEARD_MS_DEFAULT, await speak(again.say))] * again.times
    return Part(
        cues,
        asides,
        spare,
        await speak(persona.goodbye) if persona.goodbye else None,
        persona.patience_s * 1000,
        persona.limit_s * 1000,
        persona.noise_dbfs,
        seed,
    )
