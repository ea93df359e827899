"""Our own voice from a speaker-phone, and voices that are not."""

import numpy as np
import pytest
from numpy.typing import NDArray

from agent.turns.echo import Echo, level_db
from tests.agent.turns.sounds import spoken

FRAME = 160
Sound = NDArray[np.float64]
AGENT = "We help small shops pay less for their electricity, and most of them save a tenth of it within a year."
OTHERS = ("no thank you I am not interested", "who is this and how did you get my number", "wait a moment please")


def loud(pcm: bytes, rms: float = 2_500) -> Sound:
    sound = np.frombuffer(pcm, "<i2").astype(np.float64)
    level = float(np.sqrt(np.mean(sound**2)))
    return sound * (rms / level)


def frames_of(sound: Sound) -> list[bytes]:
    frames = np.clip(np.rint(sound[: len(sound) // FRAME * FRAME]), -32_768, 32_767).astype("<i2").reshape(-1, FRAME)
    return [frame.tobytes() for frame in frames]


def back(sound: Sound, delay_ms: int, gain_db: float) -> Sound:
    """Return a sound as a room gives it back: later, softer, smeared over 100 ms, with hiss."""
    chance = np.random.default_rng(delay_ms)
    room = np.exp(-np.arange(800) / 200) * chance.normal(0, 1, 800)
    room[0] = 3
    room /= np.sqrt(np.sum(room**2))
    later = np.concatenate([np.zeros(delay_ms * 8), sound * 10 ** (gain_db / 20)])[: len(sound)]
    return np.convolve(later, room)[: len(sound)] + chance.normal(0, 30, len(sound))


def verdicts(heard: Sound, played: Sound, places: range) -> list[bool]:
    echo, found = Echo(), []
    for place, (theirs, ours) in enumerate(zip(frames_of(heard), frames_of(played), strict=True)):
        echo.hear(theirs, ours)
        if place in places:
            found.append(echo.explains())
    return found


@pytest.fixture(name="agent", scope="module")
def _agent() -> Sound:
    return loud(spoken(AGENT, "en-us+f3"))


@pytest.mark.parametrize("delay_ms", [0, 60, 200, 400])
@pytest.mark.parametrize("gain_db", [-6, -15, -25])
def test_our_own_voice_is_known_within_a_second(agent: Sound, delay_ms: int, gain_db: float) -> None:
    found = verdicts(back(agent, delay_ms, gain_db), agent, range(60, len(agent) // FRAME, 5))
    assert np.mean(found) > 0.95


@pytest.mark.parametrize("delay_ms", [150, 250, 350])
@pytest.mark.parametrize("gain_db", [-12, -20])
def test_our_own_voice_is_known_from_its_first_syllables(agent: Sound, delay_ms: int, gain_db: float) -> None:
    """The voice activity reports a voice 100 to 200 ms after it began: by then it should be known.

    This room sends back ten times as much from its walls as straight: in most it is known more often.
    """
    silent = np.zeros(FRAME * 30)
    played = np.concatenate([silent, agent])
    begins = 30 + delay_ms // 20
    found = verdicts(back(played, delay_ms, gain_db), played, range(begins + 6, begins + 40, 2))
    assert np.mean(found) > 0.75


def test_an_echo_out_of_shape_is_known_by_its_loudness(agent: Sound) -> None:
    """A telephone that codes speech anew sends another wave with the same syllables."""
    levels = np.sqrt(np.mean(agent[: len(agent) // FRAME * FRAME].reshape(-1, FRAME) ** 2, axis=1))
    noise = np.random.default_rng(1).normal(0, 1, len(levels) * FRAME)
    heard = back(noise * np.repeat(levels, FRAME), 200, -15)
    assert np.mean(verdicts(heard, agent, range(70, len(levels), 5))) > 0.9


def test_who_speaks_at_a_known_delay_is_no_echo(agent: Sound) -> None:
    """Once the echo has gone, because they took up the receiver, they are heard as anybody is."""
    heard = back(agent, 200, -15)
    voice = loud(spoken(OTHERS[1], "en-us+m3"))[: len(agent) - 24_000]
    heard[24_000:] = 0
    heard[24_000 : 24_000 + len(voice)] += voice
    begins = 24_000 // FRAME
    found = verdicts(heard, agent, range(begins + 10, begins + len(voice) // FRAME, 2))
    assert np.mean(found) < 0.15


@pytest.mark.parametrize("delay_ms", [60, 200, 400])
def test_who_speaks_over_the_echo_is_heard(agent: Sound, delay_ms: int) -> None:
    heard = back(agent, delay_ms, -15)
    voice = loud(spoken(OTHERS[0], "en-us+klatt4"))
    heard[32_000 : 32_000 + len(voice)] += voice
    begins = 32_000 // FRAME
    assert np.mean(verdicts(heard, agent, range(begins + 8, begins + 60, 2))) < 0.15


@pytest.mark.parametrize("text", OTHERS)
def test_another_voice_is_no_echo(agent: Sound, text: str) -> None:
    voice = loud(spoken(text, "en-us+m3"))
    found = []
    for begins in range(0, len(agent) - len(voice), 8_000):
        heard = np.random.default_rng(begins).normal(0, 20, len(agent))
        heard[begins : begins + len(voice)] += voice
        found += verdicts(heard, agent, range(begins // FRAME + 5, (begins + len(voice)) // FRAME, 5))
    assert np.mean(found) < 0.02


def test_the_next_answer_is_known_from_its_first_word(agent: Sound) -> None:
    pause = np.zeros(FRAME * 20)
    played = np.concatenate([agent, pause, agent])
    start = (len(agent) + len(pause)) // FRAME
    found = verdicts(back(played, 200, -15), played, range(start + 12, start + 40, 4))
    assert all(found)


def test_without_anything_played_nothing_is_an_echo() -> None:
    echo = Echo()
    assert not echo.explains()
    for frame in frames_of(loud(spoken(OTHERS[0]))):
        echo.hear(frame, b"")
    assert not echo.explains()
    assert not echo.possible
    echo.forget()
    assert not echo.explains()


def test_levels_have_a_floor() -> None:
    assert level_db(0.0) == level_db(0.0005) == -60.0
    assert level_db(1.0) == 0.0


@pytest.mark.parametrize("gain_db", [-8, -14])
def test_who_speaks_over_a_loud_and_clear_echo_is_heard(agent: Sound, gain_db: float) -> None:
    """Straight from the loudspeaker, without a room: what is left of its likeness under a voice is still something."""
    heard = np.concatenate([np.zeros(240 * 8), agent * 10 ** (gain_db / 20)])[: len(agent)]
    voice = loud(spoken(OTHERS[2], "en-us"))[: len(agent) - 24_000]
    heard[24_000 : 24_000 + len(voice)] += voice
    echo, found = Echo(), []
    begins = 24_000 // FRAME
    for place, (theirs, ours) in enumerate(zip(frames_of(heard), frames_of(agent), strict=True)):
        echo.hear(theirs, ours)
        # As the voice activity asks: now and then while there is only the echo.
        if (20 < place < begins and place % 10 == 0) or begins + 8 <= place < begins + 60:
            found.append((place, echo.explains()))
    assert np.mean([is_echo for place, is_echo in found if place < begins]) > 0.9
    assert np.mean([is_echo for place, is_echo in found if place >= begins]) < 0.35
