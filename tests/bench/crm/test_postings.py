"""The measure of postings books what it says, on a database of its own."""

import pytest

from bench.crm import postings
from bench.crm.figures import GOALS
from bench.crm.measures import Bed, MeasureFailed


async def test_a_postgres_that_is_not_durable_is_not_measured(bed: Bed) -> None:
    with pytest.raises(MeasureFailed, match="fsync is off"):
        await postings.measure(bed)


async def test_both_are_measured_and_the_books_are_right(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(engine: object) -> None:
        """The tests' Postgres is a throw-away one."""

    monkeypatch.setattr(postings, "_check_durable", nothing)
    monkeypatch.setattr(postings, "WALLETS", 50)
    monkeypatch.setattr(postings, "ROUND_SMALL_S", 0.1)
    found = await postings.measure(bed)
    assert set(found) == {name for name in GOALS if name.startswith(("postings_per_s", "ratio"))}
    assert all(value > 0 for value in found.values())
