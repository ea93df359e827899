"""The dialogues on which turn-taking is measured: what is heard of a prospect, and what is true of it.

Made of the embedded voice, so that each pause has the length it is said to have and each word its place; and of human
recordings that somebody has at hand. Robots have little melody: what a network that listens to melody makes of them
says less about it than what it makes of people.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np

from bench.turns import sounds
from bench.turns.sounds import Sound
from media.frame import samples_to_ms

LEAD_MS: Final = 700
TAIL_MS: Final = 4_500  # longer than the longest wait of anybody who is measured
_VOICES: Final = ("en-us", "en-us+klatt4", "en-us+f3", "en-us+m3")
_RATE_WPM: Final = 165
_FAST_WPM: Final = 260
_SLOW_WPM: Final = 110
_NOISES_DB: Final = (None, 20, 10)
_ECHO_KNOWN_MS: Final = 2_500  # of the agent's voice alone, before it is interrupted
_LEVEL: Final = 2_500  # RMS of speech, in sample units: -22 dBFS, as telephones give it

_WHOLE: Final = (
    "yes please",
    "I would like to know what it costs",
    "no thank you I am not interested",
    "tomorrow at ten is fine",
    "who is calling",
    "we have three shops in the city",
    "you can call me back next week",
    "what does it cost",
)
# A number is a pause in ms: at these places people think, and have not finished.
_PAUSED: Final[Sequence[Sequence[str | int]]] = (
    ("I would like to", 500, "talk to my boss first"),
    ("my number is", 700, "five five five", 500, "oh one four three two two one"),
    ("well um", 900, "I think we could do that"),
    ("we have three shops and", 600, "two of them are in the city"),
    ("it is about the", 500, "electricity bill"),
    ("tomorrow", 450, "at half past ten"),
    ("I am not sure because", 700, "my wife looks after that"),
    ("let me see", 900, "Thursday would be fine"),
)
# People who speak slowly pause where nobody can know that they have not finished.
_SLOW: Final[Sequence[Sequence[str | int]]] = (
    ("yes", 900, "that sounds good", 1_000, "tomorrow", 800, "at ten"),
    ("we have two shops", 1_000, "one is in the city", 900, "and the other", 700, "is by the sea"),
    ("no", 800, "not really", 1_000, "my wife does that"),
    ("it is quite expensive", 900, "we pay for it every month", 1_100, "four hundred dollars"),
)
_ASSENT: Final = ("uh huh", "okay", "right", "yeah", "mm hmm", "I see")
_INTERRUPTIONS: Final = (
    "wait a moment",
    "who is this",
    "no thank you I am not interested",
    "stop please",
    "how did you get my number",
    "I have a question about that",
)


@dataclass(frozen=True, slots=True)
class EchoPath:
    """A speaker-phone: our voice comes back."""

    delay_ms: int
    gain_db: float


@dataclass(frozen=True, slots=True)
class Scene:
    """`pcm` begins with LEAD_MS and ends with TAIL_MS without speech."""

    name: str
    group: str
    pcm: Sound = field(repr=False)
    speech_ms: tuple[int, int]  # where the first sample that is heard of it lies, and the last
    words: tuple[tuple[str, int], ...] = ()  # each with the ms at which it ends
    over_agent: bool = False  # the agent is speaking when it begins
    takes_floor: bool = True  # over the agent: it interrupts, and must
    echo: "EchoPath | None" = None  # of the agent's voice, besides what is in `pcm`


def made() -> list[Scene]:
    """Return all made scenes, the same ones each time."""
    found = [*_turns("whole", [(text,) for text in _WHOLE], _RATE_WPM, _NOISES_DB)]
    found += _turns("pauses", _PAUSED, _RATE_WPM, _NOISES_DB)
    found += _turns("fast", [(text,) for text in _WHOLE], _FAST_WPM, (None,))
    found += _turns("fast", _PAUSED, _FAST_WPM, (None,))
    found += _turns("slow", _SLOW, _SLOW_WPM, (None,))
    found += _over_agent("assent", _ASSENT, takes_floor=False)
    found += _over_agent("interruption", _INTERRUPTIONS, takes_floor=True)
    found += _coughs()
    found += _streets()
    found += _speaker_phones()
    return found


def recorded(paths: Iterable[Path]) -> list[Scene]:
    """Return a scene for each recording: one turn, pauses and all, and nothing known of its words.

    Raises:
        BadRecording: one cannot be used.
    """
    found = []
    for path in paths:
        sound = sounds.read(path)
        first, last = sounds.loud_part(sound)
        spoken = _scene(f"human/{path.name}", "human", sound)
        placed = (LEAD_MS + samples_to_ms(first), LEAD_MS + samples_to_ms(last))
        found.append(replace(spoken, speech_ms=placed))
    return found


def _turns(
    group: str, texts: Iterable[Sequence[str | int]], rate_wpm: int, noises_db: Iterable[int | None]
) -> Iterable[Scene]:
    for number, parts in enumerate(texts):
        for place, noise_db in enumerate(noises_db):
            voice = _VOICES[(number + place) % len(_VOICES)]
            pieces: list[Sound] = []
            words: list[tuple[str, int]] = []
            at_ms = 0
            for part in parts:
                if isinstance(part, int):
                    pieces.append(sounds.silence(part))
                    at_ms += part
                    continue
                said = sounds.say(part, voice, rate_wpm)
                pieces.append(said.sound)
                words += [(word, at_ms + end_ms) for word, end_ms in said.words]
                at_ms += samples_to_ms(len(said.sound))
            first = next(part for part in parts if isinstance(part, str))
            name = f"{group}/{first}/{voice}/{f'{noise_db} dB' if noise_db else 'quiet'}"
            yield _scene(name, f"{group} {noise_db} dB" if noise_db else group, np.concatenate(pieces), words, noise_db)


def _over_agent(group: str, texts: Iterable[str], *, takes_floor: bool) -> Iterable[Scene]:
    for number, text in enumerate(texts):
        for place, noise_db in enumerate((None, 20)):
            voice = _VOICES[(number + place) % len(_VOICES)]
            said = sounds.say(text, voice, _RATE_WPM)
            name = f"{group}/{text}/{voice}/{f'{noise_db} dB' if noise_db else 'quiet'}"
            yield _scene(name, group, said.sound, said.words, noise_db, over_agent=True, takes_floor=takes_floor)


def _coughs() -> Iterable[Scene]:
    for seed, length_ms in enumerate((120, 180, 240, 300, 360, 450)):
        burst = sounds.cough(length_ms, seed)
        yield _scene(f"cough/{length_ms} ms", "cough", burst, level=False, over_agent=True, takes_floor=False)
    for seed, text in enumerate(("ah", "uh", "hah hah", "oof")):
        voiced = sounds.say(text, _VOICES[seed], _FAST_WPM).sound
        burst = sounds.cough(samples_to_ms(len(voiced)) + 1, seed)[: len(voiced)]
        both = np.asarray(voiced // 2 + burst // 2, np.int16)
        yield _scene(f"cough/voiced, like {text}", "cough", both, over_agent=True, takes_floor=False)


def _streets() -> Iterable[Scene]:
    for seed, noise_db in enumerate((20, 15, 10, 10)):
        noise = sounds.street(3_000, _LEVEL / 10 ** (noise_db / 20), seed)
        name = f"street/{noise_db} dB below a voice/{seed}"
        yield _scene(name, "street", noise, level=False, over_agent=True, takes_floor=False)


def _speaker_phones() -> Iterable[Scene]:
    for delay_ms, gain_db in ((60, -10), (160, -14), (240, -8), (400, -14)):
        path = EchoPath(delay_ms, gain_db)
        name = f"echo/{delay_ms} ms, {gain_db} dB"
        alone = _scene(name, "echo", sounds.silence(3_000), level=False, over_agent=True, takes_floor=False)
        yield replace(alone, echo=path)
        said = sounds.say("wait a moment please", _VOICES[0], _RATE_WPM)
        known = np.concatenate([sounds.silence(_ECHO_KNOWN_MS), said.sound])
        words = [(word, _ECHO_KNOWN_MS + end_ms) for word, end_ms in said.words]
        both = _scene(f"{name}, interrupted", "over echo", known, words, over_agent=True)
        yield replace(both, echo=path, speech_ms=(both.speech_ms[0] + _ECHO_KNOWN_MS, both.speech_ms[1]))


def _scene(
    name: str,
    group: str,
    sound: Sound,
    words: Iterable[tuple[str, int]] = (),
    noise_db: int | None = None,
    *,
    level: bool = True,
    over_agent: bool = False,
    takes_floor: bool = True,
) -> Scene:
    if level:
        sound = np.asarray(np.clip(sound * (_LEVEL / sounds.loudness(sound)), -32_000, 32_000), np.int16)
    length_ms = samples_to_ms(len(sound))
    padded = np.concatenate([sounds.silence(LEAD_MS), sound, sounds.silence(TAIL_MS)])
    if noise_db is not None:
        noise = sounds.street(samples_to_ms(len(padded)) + 1, _LEVEL / 10 ** (noise_db / 20), len(name))
        padded = sounds.mix(padded, noise[: len(padded)])
    placed = tuple((word, LEAD_MS + end_ms) for word, end_ms in words)
    return Scene(name, group, padded, (LEAD_MS, LEAD_MS + length_ms), placed, over_agent, takes_floor)
