"""Numbers of versions, and which of them a call gets."""

from collections import Counter
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.prompts.versions import LATEST, BadShares, BadVersion, InForce, Version, parse_version, read_shares

PROMPT = UUID(int=7)
VERSIONS = st.builds(Version, st.integers(0, 99), st.integers(0, 99))


@given(VERSIONS)
def test_a_number_is_read_as_it_is_written(version: Version) -> None:
    assert parse_version(str(version)) == version
    assert version < version.next() < version.next(major=True)


@pytest.mark.parametrize(
    "text", ["", "1", "1.", ".1", "1.2.3", "v1.2", "01.2", "1.02", "1.-2", "1.2 ", "latest", "1.٣"]
)
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(BadVersion, match=r"1\.2"):
        parse_version(text)


@given(st.lists(VERSIONS, min_size=2, max_size=5, unique=True), st.uuids(), st.data())
def test_a_call_gets_the_same_version_each_time_and_always_one_of_them(
    versions: list[Version], call_id: UUID, data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(1, 99), min_size=len(versions) - 1, max_size=len(versions) - 1)))
    shares = [high - low for low, high in zip([0, *cuts], [*cuts, 100], strict=True)]
    given_ = {str(version): share for version, share in zip(versions, shares, strict=True)}
    in_force = InForce(PROMPT, versions[0], read_shares(given_))
    chosen = in_force.version_for(LATEST, call_id)
    assert chosen in versions
    assert in_force.version_for(LATEST, call_id) == chosen
    assert (
        InForce(PROMPT, versions[0], read_shares(dict(reversed(given_.items())))).version_for(LATEST, call_id) == chosen
    )
    assert in_force.version_for(LATEST, None) == versions[0], "without a call there is nothing to compare"


def test_the_shares_are_kept_over_many_calls() -> None:
    in_force = InForce(PROMPT, Version(1, 0), read_shares({"1.0": 80, "1.1": 20}))
    found = Counter(in_force.version_for(LATEST, uuid5(PROMPT, str(n))) for n in range(5000))
    # Three standard deviations of a binomial with n=5000, p=0.2 are 85.
    assert abs(found[Version(1, 1)] - 1000) < 85


def test_an_exact_number_is_that_one_whatever_is_compared() -> None:
    in_force = InForce(PROMPT, Version(1, 0), read_shares({"1.0": 50, "1.1": 50}))
    assert in_force.version_for("0.9", UUID(int=1)) == Version(0, 9)


@pytest.mark.parametrize(
    ("shares", "why"),
    [
        ({}, "two versions"),
        ({"1.0": 100}, "two versions"),
        ({"1.0": 50, "1.1": 49}, "add up to 99"),
        ({"1.0": 100, "1.1": 0}, "at least 1"),
        ({"1.0": 150, "1.1": -50}, "at least 1"),
        ({"1.0": 50, "one": 50}, "number of a version"),
    ],
)
def test_shares_that_cannot_be_given(shares: dict[str, int], why: str) -> None:
    with pytest.raises(BadShares, match=why):
        read_shares(shares)
