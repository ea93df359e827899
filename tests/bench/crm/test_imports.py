"""The measure of imports reads its file right, on a database of its own."""

import pytest
from sqlalchemy import text

from bench.crm import imports
from bench.crm.imports import measure_imports, rows
from bench.crm.measures import Bed, MeasureFailed
from crm.unit_of_work import UnitOfWork


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "ROWS", 10_000)


def test_the_file_is_the_same_each_time_and_mixed() -> None:
    lines = list(rows(1_000))
    assert lines == list(rows(1_000))
    assert sum("no mail" in line for line in lines) == 20
    assert sum('""call me""' in line for line in lines) == 200


async def test_it_is_measured_and_every_row_is_accounted_for(bed: Bed) -> None:
    found = await measure_imports(bed)
    assert list(found) == ["import_rows_per_s"]
    assert found["import_rows_per_s"] > 0


async def test_rows_that_are_lost_fail_it(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    commit, commits = UnitOfWork.commit, 0

    async def forgetful(self: UnitOfWork) -> None:
        nonlocal commits
        commits += 1
        if commits == 5:
            await self.session.execute(text("DELETE FROM leads"))
        await commit(self)

    monkeypatch.setattr(UnitOfWork, "commit", forgetful)
    with pytest.raises(MeasureFailed):
        await measure_imports(bed)
