"""Tones on a line: beeps of every pitch and loudness are heard, and what people, music and networks do is none."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from agent.beep import BeepDetector, Tone, ToneKind
from agent.tts.espeak_library import Espeak
from agent.tts.espeak_speech import render
from media.codec import g711
from media.frame import FRAME_MS, FRAME_SAMPLES, RATE_HZ
from media.hold_music import composed

Samples = NDArray[np.float64]
SENTENCES = (
    "Hi, you have reached the corner shop. We can't come to the phone right now.",
    "Please leave a message after the tone.",
    "Oooh, aaah, no no no, who is this, mmm, yes.",
    "One two three four five six seven eight nine zero.",
)


def tone(hertz: float, ms: int, dbfs: float = -15.0) -> Samples:
    time_s = np.arange(ms * RATE_HZ // 1_000) / RATE_HZ
    return np.asarray(np.sin(2 * np.pi * hertz * time_s) * 32_768 * 2**0.5 * 10 ** (dbfs / 20))


def quiet(ms: int) -> Samples:
    return np.zeros(ms * RATE_HZ // 1_000)


def noise(samples: int, dbfs: float, seed: int = 1) -> Samples:
    return np.random.default_rng(seed).standard_normal(samples) * 32_768 * 10 ** (dbfs / 20)


def heard(*parts: Samples) -> list[Tone]:
    """What is found in the parts, one after another, through the telephone's codec."""
    whole = np.clip(np.concatenate([*parts, quiet(200)]), -32_000, 32_000).astype(np.int16)
    line = g711.decode(g711.encode(whole))
    found: list[Tone] = []
    detector = BeepDetector(found.append)
    for number in range(len(line) // FRAME_SAMPLES):
        detector.hear(line[number * FRAME_SAMPLES : (number + 1) * FRAME_SAMPLES], number * FRAME_MS)
    return found


def beeps(found: list[Tone]) -> list[Tone]:
    return [one for one in found if one.kind is ToneKind.BEEP]


@given(
    hertz=st.floats(450, 2_480).filter(lambda hz: all(abs(hz - fax) > 45 for fax in (1_100, 2_100))),
    ms=st.integers(160, 2_500),
    dbfs=st.floats(-35, -8),
    offset=st.integers(0, FRAME_SAMPLES - 1),
)
def test_a_beep_is_heard_once_and_placed(hertz: float, ms: int, dbfs: float, offset: int) -> None:
    found = heard(quiet(300), np.zeros(offset), tone(hertz, ms, dbfs))

    assert [one.kind for one in found] == [ToneKind.BEEP]
    assert abs(found[0].frequency_hz - hertz) < 15
    assert abs(found[0].started_ms - 300) <= 2 * FRAME_MS
    assert abs(found[0].ended_ms - (300 + offset // 8 + ms)) <= 3 * FRAME_MS


@pytest.mark.parametrize("hertz", [600, 1_000, 1_400])
def test_a_beep_over_a_line_with_noise(hertz: float) -> None:
    beep = tone(hertz, 500)
    line = np.concatenate([quiet(400), beep, quiet(400)])
    assert len(beeps(heard(line + noise(len(line), -38)))) == 1


@pytest.mark.parametrize(
    ("name", "sound"),
    [
        ("ring-back of North America", np.concatenate([tone(440, 2_000) + tone(480, 2_000), quiet(4_000)])),
        ("ring-back of Brazil", np.concatenate([tone(425, 1_000), quiet(4_000)])),
        ("busy", np.concatenate([*[np.concatenate([tone(425, 250), quiet(250)])] * 6])),
        ("keys", np.concatenate([*[np.concatenate([tone(697, 100) + tone(1_209, 100), quiet(100)])] * 5])),
        ("calling fax", np.concatenate([tone(1_100, 500), quiet(3_000)])),
        ("called fax", tone(2_100, 2_600)),
        ("a dead line", tone(1_000, 6_000)),
        ("not in service", np.concatenate([tone(950, 330), tone(1_400, 330), tone(1_800, 330)])),
        ("a click", np.concatenate([tone(1_000, 40), quiet(500)])),
        ("a siren", np.concatenate([tone(600 + 25 * step, 40) for step in range(40)])),
        ("white noise", noise(3 * RATE_HZ, -20)),
    ],
)
def test_what_is_no_beep(name: str, sound: Samples) -> None:
    assert beeps(heard(quiet(200), sound)) == [], name


@pytest.mark.parametrize("voice", ["en-us", "en-us+f3", "en-us+klatt4", "en-us+klatt6", "pt-br"])
def test_speech_is_no_beep(voice: str) -> None:
    engine = Espeak()
    for sentence in SENTENCES:
        pcm = np.frombuffer(render(engine, sentence, voice).pcm, np.int16).astype(np.float64)
        assert beeps(heard(pcm)) == [], sentence


def test_music_is_no_beep() -> None:
    loop = g711.decode(composed()).astype(np.float64)
    assert beeps(heard(loop[: 20 * RATE_HZ])) == []


def test_the_frame_after_frame_path_gives_every_tone_a_beginning_before_its_end() -> None:
    found = heard(*[part for _ in range(3) for part in (tone(1_000, 300), quiet(800))])
    assert len(found) == 3
    assert all(one.started_ms < one.ended_ms for one in found)
    assert all(first.ended_ms < second.started_ms for first, second in pairwise(found))


def test_a_click_at_the_edge_of_a_frame_is_nothing() -> None:
    """The window is nothing there: no spectrum is left to divide by."""
    click = np.zeros(FRAME_SAMPLES)
    click[0] = 30_000.0
    assert beeps(heard(click, quiet(200))) == []
