"""The measure of imports reads its file right, on a database of its own."""

from pathlib import Path

import pytest
from sqlalchemy import text

from bench.crm import imports
from bench.crm.imports import measure_imports, rows
from bench.crm.measures import Bed, MeasureFailed
from bench.servers import Database
from crm.unit_of_work import UnitOfWork
from salesos.embedded.postgres import APP_ROLE, PostgresAddresses


@pytest.fixture
def bed(fresh_database: PostgresAddresses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bed:
    monkeypatch.setattr(imports, "ROWS", 10_000)
    database = Database(fresh_database.app_url, fresh_database.owner_url, fresh_database.admin_url, APP_ROLE)
    return Bed(True, database, "", tmp_path, lambda line: None)


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
