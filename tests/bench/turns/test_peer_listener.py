"""pipecat's analyzers by themselves; in this environment they can be imported, in the bench they have their own."""

import asyncio

import pytest

from bench.turns.scenes import made

listener = pytest.importorskip("bench.turns.peer_listener", reason="pipecat's analyzers cannot be imported here")


def test_it_hears_a_turn_begin_and_end() -> None:
    scene = next(scene for scene in made() if scene.name == "whole/who is calling/en-us/quiet")
    first, last = scene.speech_ms
    found = asyncio.run(listener.listen_to_all({"one": scene.pcm.tobytes()}))["one"]
    assert first < found["started"][0] < last
    assert last < found["ended"][-1]
    assert len(found["started"]) == 1
