"""Refused keys that the CRM itself finds: marked once Postgres is there."""

import asyncio

import pytest

from agent.llm.port import Failure, Usage
from agent.llm.usage import Fate, ModelCall
from crm.database import Sessions, utc_now
from crm.providers import refused_keys
from crm.providers.model import ProviderKey
from crm.providers.refused_keys import RefusedKeys
from crm.unit_of_work import UnitOfWork
from tests.crm.conftest import Org


def call(failure: Failure | None = Failure.REFUSED_KEY, *, own_key: bool = True) -> ModelCall:
    fate = Fate.FAILED if failure else Fate.SPOKEN
    return ModelCall("openai:m", fate, failure, Usage(0, 0), False, None, None, 5, own_key=own_key)


@pytest.fixture
async def key(sessions: Sessions, org: Org) -> ProviderKey:
    async with UnitOfWork(sessions, org.id) as unit:
        made = ProviderKey(org_id=org.id, vendor="openai", sealed="s", hint="h", checked_at=utc_now())
        unit.session.add(made)
        await unit.commit()
    return made


async def is_marked(sessions: Sessions, key: ProviderKey) -> bool:
    async with UnitOfWork(sessions, key.org_id) as unit:
        return (await unit.session.get_one(ProviderKey, (key.org_id, key.id))).refused_at is not None


class Flaky:
    """A pool whose database is away at first."""

    def __init__(self, sessions: Sessions) -> None:
        self.sessions, self.asked = sessions, 0

    def __call__(self) -> object:
        self.asked += 1
        if self.asked == 1:
            raise OSError("away")
        return self.sessions()


async def test_a_refused_key_is_marked_when_postgres_is_back(
    sessions: Sessions, org: Org, key: ProviderKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refused_keys, "RETRY_S", 0.01)
    flaky = Flaky(sessions)
    async with RefusedKeys.running(flaky) as refused:  # type: ignore[arg-type] # as far as units need it
        refused.of(org.id)(call())
        async with asyncio.timeout(10):
            while not await is_marked(sessions, key):  # noqa: ASYNC110 - Postgres has no event for it
                await asyncio.sleep(0.02)
    assert flaky.asked == 2


async def test_what_says_nothing_of_an_own_key_marks_none(sessions: Sessions, org: Org, key: ProviderKey) -> None:
    async with RefusedKeys.running(sessions) as refused:
        tell = refused.of(org.id)
        for other in (call(None), call(Failure.RATE_LIMITED), call(Failure.TIMEOUT), call(own_key=False)):
            tell(other)
        assert refused._waiting == {}
    assert not await is_marked(sessions, key)
