"""A desk to import at."""

from dataclasses import replace

import httpx
import pytest
from redis.asyncio import Redis

from config.settings import Settings
from crm.resources import Resources
from tests.crm.conftest import Org
from tests.crm.imports.desk import ImportDesk
from tests.crm.jobs.desk import work_of


@pytest.fixture
def desk(api: httpx.AsyncClient, resources: Resources, settings: Settings, redis: Redis, org: Org) -> ImportDesk:
    assert settings.database_url is not None
    work = work_of(resources.sessions, settings.database_url.get_secret_value(), redis)
    return ImportDesk(api, replace(work, store=resources.store), org)
