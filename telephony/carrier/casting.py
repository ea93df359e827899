"""Makes a persona ready for the line: its texts become sound before the telephone rings."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from telephony.carrier import clip, pauses, street, surroundings
from telephony.carrier.actor import AsideCue, Cue, Part
from telephony.carrier.clip import Clip, Kind
from telephony.carrier.persona import GIVEN_FILE, HEARD_MS_DEFAULT, Persona, Sound, VoiceChoice, When
from telephony.carrier.ulaw import Pcm
from telephony.carrier.voice import VoiceThread

LOAD_TIMEOUT_S: Final = 10.0


async def cast(persona: Persona, folder: Path, given: Path | None, voice: VoiceThread, seed: int = 0) -> Part:
    """Return the persona's part. `folder` is where its own files are, `given` the file for `play: given`.

    Raises:
        BadAudio: a file is missing or cannot be played.
        EspeakFailed: the voice is unknown.
        TimeoutError: the machine is too busy.
    """

    async def sound(wanted: Sound, speaker: VoiceChoice | None = None) -> Clip | None:
        if wanted.say is not None:
            return await speak(wanted.say, speaker)
        if wanted.cough_ms is not None:
            return clip.cough(wanted.cough_ms, seed)
        if wanted.beep_ms is not None:
            return clip.beep(wanted.beep_ms)
        if wanted.ring_ms is not None:
            return clip.ring(wanted.ring_ms)
        if wanted.play is None:
            return None
        if wanted.play == GIVEN_FILE and given is None:
            raise clip.BadAudio("this persona plays a given file, and none was given (wav_path)")
        path = given if wanted.play == GIVEN_FILE and given is not None else folder / wanted.play
        async with asyncio.timeout(LOAD_TIMEOUT_S):
            return await asyncio.to_thread(clip.load, path)

    async def speak(text: str, chosen: VoiceChoice | None = None) -> Clip:
        chosen = chosen or persona.voice
        halting = pauses.split(text)
        pieces = [
            # Who goes on after a pause does not sound as if they had finished.
            await voice.say(piece, chosen.name, chosen.rate_wpm, chosen.pitch, chosen.pause_max_ms)
            for piece in (*(going_on(piece) for piece in halting.pieces[:-1]), halting.pieces[-1])
        ]
        return clip.halting(halting.text, pieces, halting.pauses_ms)

    cues = [
        Cue(line.when, line.delay_ms, line.heard_ms, await sound(line, line.voice), line.press or "", line.keys or "")
        for line in persona.lines
    ]
    asides = []
    for aside in persona.asides:
        made = await sound(aside)
        assert made is not None, "the schema lets no aside be without a sound"
        asides.append(AsideCue(aside.turn, aside.after_ms, made))
    spare: list[Cue] = []
    if persona.otherwise is not None:
        again = persona.otherwise
        spare = [Cue(When.TURN_OVER, again.after_ms, HEARD_MS_DEFAULT, await speak(again.say))] * again.times
    said = [cue.clip.pcm for cue in (*cues, *spare) if cue.clip is not None and cue.clip.kind is Kind.SAY]
    return Part(
        cues,
        asides,
        spare,
        await speak(persona.goodbye) if persona.goodbye else None,
        persona.patience_s * 1000,
        persona.limit_s * 1000,
        await _noise(persona, said, seed),
        persona.echo,
    )


def going_on(piece: str) -> str:
    """Return what is said before a pause with the sign that makes a voice stay up."""
    return piece if piece[-1] in ",.;:?!…" else f"{piece},"


async def _noise(persona: Persona, said: Sequence[Pcm], seed: int) -> Pcm | None:
    if persona.noise_dbfs is not None:
        return surroundings.room(persona.noise_dbfs, seed)
    if persona.street is None:
        return None
    asked = persona.street
    rms = clip.loudness(np.concatenate(said)) if said else clip.SPEECH_RMS
    rms *= 10 ** (-asked.snr_db / 20)
    async with asyncio.timeout(LOAD_TIMEOUT_S):
        return await asyncio.to_thread(street.street, rms, asked.cars, asked.horns, asked.bangs, seed)
