"""A persona made ready: halting speech, the street's loudness against the voice, the echo's path."""

from collections.abc import AsyncGenerator
from pathlib import Path

import numpy as np
import pytest

from telephony.carrier import clip, persona
from telephony.carrier.casting import cast, going_on
from telephony.carrier.live_call import surroundings_of
from telephony.carrier.voice import VoiceThread


@pytest.fixture
async def voice() -> AsyncGenerator[VoiceThread, None]:
    thread = VoiceThread()
    yield thread
    thread.close()


def test_before_a_pause_the_voice_stays_up() -> None:
    assert going_on("my number is") == "my number is,"
    assert going_on("well,") == "well,"


async def test_a_halting_line_is_silent_where_it_says(tmp_path: Path, voice: VoiceThread) -> None:
    who = persona.parse("lines: [{say: 'Let me see |1200| tomorrow at |800| ten.'}]", "p.yaml")
    made = (await cast(who, tmp_path, None, voice)).cues[0].clip
    assert made is not None
    assert made.text == "Let me see tomorrow at ten."
    gaps_ms = np.diff(np.flatnonzero(np.abs(made.pcm.astype(np.int32)) >= clip.AUDIBLE)) / 8
    # What begins or ends softly reaches a little into the pause.
    assert [round(float(gap), -2) for gap in gaps_ms if gap > 500] == [1_200, 800]


@pytest.mark.parametrize("snr_db", [10, 20])
async def test_a_street_is_as_far_below_the_voice_as_asked(tmp_path: Path, voice: VoiceThread, snr_db: int) -> None:
    who = persona.parse(
        f"{{street: {{snr_db: {snr_db}, horns: 0, bangs: 0}}, lines: [{{say: Tomorrow at ten.}}]}}", "p"
    )
    part = await cast(who, tmp_path, None, voice)
    assert part.noise is not None
    assert part.cues[0].clip is not None
    noise = float(np.sqrt(np.mean(part.noise.astype(np.float64) ** 2)))
    assert 20 * np.log10(clip.loudness(part.cues[0].clip.pcm) / noise) == pytest.approx(snr_db, abs=0.3)


async def test_a_street_needs_nobody_to_speak(tmp_path: Path, voice: VoiceThread) -> None:
    part = await cast(persona.parse("street: {snr_db: 20, horns: 0, bangs: 0}", "p"), tmp_path, None, voice)
    assert part.noise is not None
    assert np.sqrt(np.mean(part.noise.astype(np.float64) ** 2)) == pytest.approx(clip.SPEECH_RMS / 10, rel=0.02)


async def test_each_call_has_an_echo_of_its_own(tmp_path: Path, voice: VoiceThread) -> None:
    part = await cast(persona.parse("echo: {delay_ms: 150, loss_db: 12}", "p"), tmp_path, None, voice)
    one, two = surroundings_of(part), surroundings_of(part)
    assert one.loudspeaker is not None
    assert one.loudspeaker is not two.loudspeaker
