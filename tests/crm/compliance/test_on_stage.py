"""Do-not-call set while the dial is queued: the real CRM, a real voice process, and a carrier that is never asked."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from crm.billing.ledger import Ledger
from crm.billing.replay import replay
from crm.call_events import EventConsumer
from crm.database import Sessions, utc_now
from crm.leads.store import LeadStore
from crm.unit_of_work import UnitOfWork
from events.wire import DO_NOT_CALL_PATH
from tests.crm.conftest import CREDITS, NUMBER, Org
from tests.crm.test_api import data, problem
from tests.crm.tools.test_on_stage import served
from tests.telephony.stage import PLAYBOOK, set_stage

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("stage")]


async def test_do_not_call_set_while_the_dial_is_queued(
    app: FastAPI,
    api: httpx.AsyncClient,
    own_redis_url: str,
    config_folder: Path,
    tmp_path: Path,
    sessions: Sessions,
    consumer: EventConsumer,
    org: Org,
) -> None:
    """The gate has said yes and the credits are reserved; then, before the carrier is asked, somebody opts out."""
    (config_folder / "playbooks" / "meeting.yaml").write_text(PLAYBOOK.read_text())

    async def meanwhile(scope: Any, receive: Any, send: Any) -> None:
        if scope.get("path") == DO_NOT_CALL_PATH:
            async with UnitOfWork(sessions, org.id) as unit:
                await LeadStore(unit).stop_calling(NUMBER, utc_now())
                await unit.commit()
        await app(scope, receive, send)

    async with served(meanwhile) as crm_url, set_stage(own_redis_url, tmp_path, crm_url=crm_url) as stage:
        await stage.seat("silent", NUMBER)
        details = problem(await api.post("/api/calls", json={"lead_id": str(org.lead_id)}), 409, "node_refused")
        assert details["reason"] == "do_not_call"
        lines = (await stage.http.get("/box/calls")).json()
    await consumer.turn()
    assert not lines, "the carrier was never asked"
    call = data(await api.get(f"/api/calls/{details['call_id']}"))
    assert (call["state"], call["reason"], call["closed"]) == ("failed", "do_not_call", True)
    async with UnitOfWork(sessions, org.id) as unit:
        assert await Ledger(unit).wallet() == CREDITS * 1_000
        assert await replay(unit) == []
    problem(await api.post("/api/calls", json={"lead_id": str(org.lead_id)}), 409, "do_not_call")
