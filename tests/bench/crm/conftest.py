"""What a measure works on in tests: a small bed on the tests' own Postgres."""

from pathlib import Path

import pytest

from bench.crm.measures import Bed
from bench.servers import Database
from salesos.embedded.postgres import APP_ROLE, PostgresAddresses


@pytest.fixture
def bed(fresh_database: PostgresAddresses, tmp_path: Path) -> Bed:
    made = fresh_database
    database = Database(made.app_url, made.owner_url, made.admin_url, APP_ROLE)
    return Bed(True, database, "", tmp_path, lambda line: None)
