"""The scenes say what is true of their sound."""

from bench.turns import sounds
from bench.turns.scenes import LEAD_MS, TAIL_MS, made
from media.frame import SAMPLES_PER_MS, samples_to_ms


def test_every_scene_has_its_speech_where_it_is_said_to_be() -> None:
    scenes = made()
    assert len({scene.name for scene in scenes}) == len(scenes)
    for scene in scenes:
        first, last = scene.speech_ms
        assert first >= LEAD_MS
        assert samples_to_ms(len(scene.pcm)) - last == TAIL_MS
        assert all(first < end_ms <= last + 1 for _, end_ms in scene.words)
        if "quiet" in scene.name:
            begins, ends = (at // SAMPLES_PER_MS for at in sounds.edges(scene.pcm))
            assert (abs(begins - first), abs(ends - last)) <= (20, 20)
