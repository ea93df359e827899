"""The peer under measure: pipecat's own analyzers on sound files, faster than real time. Run by another interpreter.

`python -I peer_listener.py FOLDER` reads every `*.pcm` there (int16, 8 kHz, mono) and prints one JSON object: for each
file's name, moments in ms of sound: `started` (its voice activity reports speech, which by default interrupts the
agent), `ended` (its turn is over) and what smart-turn took, in ms. It imports nothing of this project.

Voice activity, smart-turn and their settings are the framework's defaults, put together as its own strategies for the
start and the end of a turn do; transcripts are taken to be there at once. Its buffers keep time by the clock of the
machine, so that clock is the sound's here.
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any, Final

from loguru import logger
from pipecat.audio.turn.base_turn_analyzer import EndOfTurnState
from pipecat.audio.turn.smart_turn import base_smart_turn
from pipecat.audio.turn.smart_turn.local_smart_turn_v3 import LocalSmartTurnAnalyzerV3
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.audio.vad.vad_analyzer import VADParams, VADState

RATE_HZ: Final = 8_000
FRAME_MS: Final = 20
_FRAME_BYTES: Final = RATE_HZ * FRAME_MS // 1000 * 2
_LATER_S: Final = 1_000.0  # between files: a start time of 0 means none to it


class SoundClock:
    """Stands in for the module `time` in smart-turn's buffers."""

    perf_counter = staticmethod(time.perf_counter)

    def __init__(self) -> None:
        self.now_s = _LATER_S

    def monotonic(self) -> float:
        return self.now_s


async def listen(pcm: bytes, clock: SoundClock) -> dict[str, list[float]]:
    """Return what the peer makes of one sound."""
    found: dict[str, list[float]] = {"started": [], "ended": [], "run_ms": []}
    voice: Any = SileroVADAnalyzer(sample_rate=RATE_HZ, params=VADParams())
    voice.set_sample_rate(RATE_HZ)
    turn: Any = LocalSmartTurnAnalyzerV3(sample_rate=RATE_HZ)
    turn.set_sample_rate(RATE_HZ)
    speaking, open_turn = False, False
    began_s = clock.now_s

    async def analyze(at_ms: float) -> bool:
        started = time.perf_counter()
        state, _ = await turn.analyze_end_of_turn()
        run_ms = (time.perf_counter() - started) * 1_000
        found["run_ms"].append(run_ms)
        if state is EndOfTurnState.COMPLETE:
            found["ended"].append(at_ms + run_ms)
        return bool(state is EndOfTurnState.COMPLETE)

    for start in range(0, len(pcm) - _FRAME_BYTES + 1, _FRAME_BYTES):
        frame = pcm[start : start + _FRAME_BYTES]
        clock.now_s += FRAME_MS / 1_000
        at_ms = (clock.now_s - began_s) * 1_000
        state = await voice.analyze_audio(frame)
        if not speaking and state is VADState.SPEAKING:
            speaking = True
            if not open_turn:
                open_turn = True
                found["started"].append(at_ms)
            turn.update_vad_start_secs(voice.params.start_secs)
        silent = turn.append_audio(frame, speaking)
        if silent is EndOfTurnState.COMPLETE and open_turn:
            open_turn = False  # three seconds of silence
            found["ended"].append(at_ms)
        if speaking and state is VADState.QUIET:
            speaking = False
            if open_turn and await analyze(at_ms):
                open_turn = False
    await turn.cleanup()
    await voice.cleanup()
    clock.now_s += _LATER_S
    return found


async def listen_to_all(sounds: dict[str, bytes]) -> dict[str, dict[str, list[float]]]:
    clock = SoundClock()
    module: Any = base_smart_turn
    module.time = clock
    return {name: await listen(pcm, clock) for name, pcm in sounds.items()}


def main() -> None:
    logger.remove()
    folder = Path(sys.argv[1])
    sounds = {path.stem: path.read_bytes() for path in sorted(folder.glob("*.pcm"))}
    sys.stdout.write(json.dumps(asyncio.run(listen_to_all(sounds))))


if __name__ == "__main__":
    main()
