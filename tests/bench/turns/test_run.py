"""All systems hear the same scenes."""

from bench.turns.run import measure
from bench.turns.scenes import made
from bench.turns.stage import OURS


def test_every_system_plays_every_scene() -> None:
    scenes = made()[:1]
    found = measure(scenes, 90)
    assert list(found) == [system.name for system in OURS]
    assert all(len(played) == len(scenes) for played in found.values())
