"""A street's loudness, what stands out of it, and that a seed makes it again."""

import numpy as np
import pytest
from numpy.typing import NDArray

from telephony.carrier.street import LENGTH_S, street
from telephony.carrier.ulaw import RATE_HZ, Pcm


def rms(pcm: Pcm) -> float:
    return float(np.sqrt(np.mean(pcm.astype(np.float64) ** 2)))


def levels_db(pcm: Pcm, window_s: float) -> NDArray[np.float64]:
    size = int(window_s * RATE_HZ)
    frames = pcm[: len(pcm) // size * size].astype(np.float64).reshape(-1, size)
    return np.asarray(10 * np.log10(np.mean(frames**2, axis=1)))


@pytest.mark.parametrize("wanted", [100.0, 600.0, 1_200.0])
@pytest.mark.parametrize("cars", [0, 10])
def test_is_as_loud_as_asked(wanted: float, cars: int) -> None:
    made = street(wanted, cars, 0, 0, 1)
    assert len(made) == LENGTH_S * RATE_HZ
    assert rms(made) == pytest.approx(wanted, rel=0.01)


def test_is_stronger_below_and_has_no_hum() -> None:
    spectrum = np.abs(np.fft.rfft(street(600, 0, 0, 0, 1).astype(np.float64))) ** 2
    hz = np.fft.rfftfreq(LENGTH_S * RATE_HZ, 1 / RATE_HZ)
    octaves = [float(spectrum[(hz >= low) & (hz < 2 * low)].mean()) for low in (125, 250, 500, 1_000, 2_000)]
    fall_db = -np.diff(10 * np.log10(octaves))
    assert np.all((fall_db > 3.5) & (fall_db < 5.5)), "between pink (3) and brown (6)"


def test_swells_and_ebbs_slowly() -> None:
    levels = levels_db(street(600, 0, 0, 0, 1), 0.5)
    assert 3 < np.ptp(levels) < 12
    assert np.max(np.abs(np.diff(levels))) < 4


def test_cars_rise_out_of_it() -> None:
    calm, busy = (levels_db(street(600, cars, 0, 0, 1), 0.5) for cars in (0, 4))
    assert np.max(busy) - np.median(busy) > np.max(calm) - np.median(calm) + 3


@pytest.mark.parametrize(("horns", "bangs"), [(2, 0), (0, 2)])
def test_horns_and_bangs_stand_out(horns: int, bangs: int) -> None:
    quiet, loud = street(600, 0, 0, 0, 1), street(600, 0, horns, bangs, 1)
    differs = np.abs(loud.astype(np.int32) - quiet) > 600
    assert 0.05 * RATE_HZ < np.count_nonzero(differs) < 2 * RATE_HZ
    assert np.max(np.abs(loud.astype(np.int32))) > 2 * np.max(np.abs(quiet.astype(np.int32)))


def test_a_seed_makes_the_same_street_and_another_one_another() -> None:
    street.cache_clear()
    one = street(600, 5, 1, 1, 7)
    street.cache_clear()
    assert np.array_equal(one, street(600, 5, 1, 1, 7))
    assert not np.array_equal(one, street(600, 5, 1, 1, 8))


def test_repeats_without_a_seam() -> None:
    made = street(600, 6, 0, 0, 3).astype(np.float64)
    step = abs(made[0] - made[-1])
    assert step < 6 * np.std(np.diff(made))


def test_who_holds_one_cannot_spoil_it_for_others() -> None:
    with pytest.raises(ValueError, match="read-only"):
        street(600, 0, 0, 0, 1)[0] = 1
