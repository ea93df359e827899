"""Plays all scenes through every way of taking turns, each in virtual time. Blocking."""

import asyncio
from collections.abc import Sequence

from agent.turns.smart_turn import SmartTurn
from bench.sim.loop import SimLoop
from bench.turns.scenes import Scene
from bench.turns.stage import OURS, Judgements, Played, play_all


def measure(scenes: Sequence[Scene], smart_turn_ms: float) -> dict[str, list[Played]]:
    """Return what became of each scene, by the name of the system."""
    network = Judgements(SmartTurn())
    found = {}
    for system in OURS:
        with asyncio.Runner(loop_factory=SimLoop) as runner:
            found[system.name] = runner.run(play_all(scenes, system, network, smart_turn_ms))
    return found
