"""A measure gets a migrated database and a Redis of its own; what it finds is the report."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from bench.crm.measures import Bed, MeasureFailed
from bench.crm.run import measure
from bench.servers import Database, Servers
from crm.bus import open_redis
from crm.database import check_schema, open_engine
from crm.migrate import head_revision
from salesos.embedded.postgres import APP_ROLE, PostgresAddresses
from salesos.measure import mortal_postgres_in


@pytest.fixture
def servers(empty_database: PostgresAddresses, redis_url: str) -> Servers:
    @contextmanager
    def redis(folder: Path) -> Iterator[str]:
        yield redis_url

    @contextmanager
    def postgres(folder: Path) -> Iterator[Database]:
        made = empty_database
        yield Database(made.app_url, made.owner_url, made.admin_url, APP_ROLE)

    return Servers(redis, postgres, mortal_postgres_in)


async def test_a_measure_has_all_that_it_needs(servers: Servers) -> None:
    lines: list[str] = []

    async def events(bed: Bed) -> Mapping[str, float]:
        engine, redis = open_engine(bed.database.app_url), open_redis(bed.redis_url)
        try:
            await check_schema(engine, head_revision())
            async with engine.connect() as connection:
                assert await connection.scalar(text("SELECT count(*) FROM organisations")) == 0
            await redis.ping()
        finally:
            await redis.aclose()
            await engine.dispose()
        assert bed.small
        assert list(bed.folder.iterdir()) == []
        return {"events_per_s": 2_500.0}

    report = await measure({"events": events}, servers, lines.append, small=True)
    assert report.figures == {"events_per_s": 2_500.0}
    assert lines == ["events: measuring"]


async def test_what_went_wrong_is_no_figure(servers: Servers) -> None:
    async def postings(bed: Bed) -> Mapping[str, float]:
        raise MeasureFailed("the ledger does not sum to zero")

    with pytest.raises(MeasureFailed, match="zero"):
        await measure({"postings": postings}, servers, lambda line: None, small=True)
