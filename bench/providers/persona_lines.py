"""The lines of personas of the carrier in a box as the sound that they make there.

The embedded voice's samples depend on what it has said before in its process. So the carrier has to have made the same
personas' lines in the same order, and nothing before them: a system of one's own, called in that order.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import config
from bench.providers.spoken_lines import Line, SpokenLines
from telephony.carrier import ulaw
from telephony.carrier.casting import cast
from telephony.carrier.clip import Clip, Kind
from telephony.carrier.persona import load_folder
from telephony.carrier.voice import VoiceThread

FOLDER: Final = Path(config.__file__).parent / "personas"


class UnknownPersona(ValueError):
    """No persona goes by that name."""


async def lines_of(names: Sequence[str], voice: VoiceThread, folder: Path = FOLDER) -> SpokenLines:
    """Return what understands those personas, by the sound that `voice` makes of their lines.

    Raises:
        UnknownPersona: there is no such file.
        BadPersona, EspeakFailed: one cannot be used.
    """
    personas = load_folder(folder)
    found: list[Line] = []
    for name in names:
        if name not in personas:
            raise UnknownPersona(f"no persona {name!r}; there are: {', '.join(sorted(personas))}")
        part = await cast(personas[name], folder, None, voice)
        clips = [cue.clip for cue in (*part.cues, *part.otherwise)] + [aside.clip for aside in part.asides]
        found += [_line(clip) for clip in (*clips, part.goodbye) if clip is not None and clip.kind is Kind.SAY]
    return SpokenLines.of(found)


def _line(clip: Clip) -> Line:
    return Line(clip.text, ulaw.encode(clip.pcm), clip.first, clip.last)
