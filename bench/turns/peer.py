"""Has pipecat listen to the same scenes, in an environment of its own. Blocking."""

import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Final

from bench.turns.scenes import Scene
from bench.turns.stage import SMART_TURN_MS, Played

SCRIPT: Final = Path(__file__).with_name("peer_listener.py")
_TIMEOUT_S: Final = 300.0
_TOLD_LINES: Final = 6


class PeerFailed(Exception):
    """The peer could not be asked; the message says why."""


def listen(python: Path, scenes: Sequence[Scene], run_ms: float = SMART_TURN_MS) -> list[Played | None]:
    """Return what the peer does in each scene; None for those with an echo, which needs the agent's voice to be heard.

    Its smart-turn counts as taking `run_ms`, as ours does.

    Raises:
        PeerFailed: its interpreter does not run the script to its end.
    """
    with tempfile.TemporaryDirectory(prefix="salesos-bench-") as folder:
        for number, scene in enumerate(scenes):
            (Path(folder) / f"{number:04}.pcm").write_bytes(scene.pcm.tobytes())
        command = ["env", "LOGURU_LEVEL=WARNING", str(python), "-I", str(SCRIPT), folder]
        try:
            asked = subprocess.run(  # noqa: S603 - our own words
                command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
            )
            told = json.loads(asked.stdout) if not asked.returncode else {}
        except (OSError, subprocess.TimeoutExpired, ValueError) as error:
            raise PeerFailed(f"{python} does not run {SCRIPT.name}: {type(error).__name__}") from None
        if len(told) != len(scenes):
            said = "\n".join(asked.stderr.strip().splitlines()[-_TOLD_LINES:])
            raise PeerFailed(said or f"{SCRIPT.name} said nothing")
    return [_played(scene, told[f"{number:04}"], run_ms) for number, scene in enumerate(scenes)]


def _played(scene: Scene, told: dict[str, list[float]], run_ms: float) -> Played | None:
    """Return what would be heard of it: it answers when a turn is over, and stops when one begins."""
    if scene.echo is not None:
        return None
    took_ms = median(told["run_ms"]) if told["run_ms"] else 0.0
    ended = [round(at_ms + run_ms - took_ms) for at_ms in told["ended"]]
    if not scene.over_agent:
        return Played(spoke_ms=ended)
    started = [round(at_ms) for at_ms in told["started"]]
    return Played(spoke_ms=ended, stopped_ms=started[:1], yielded=bool(started))
