"""The line that is logged of every request, and what is not in it."""

import httpx
from structlog.testing import capture_logs

from tests.crm.conftest import Org
from tests.crm.keys.test_keys import bearer, key_of


async def test_one_line_tells_who_asked_for_what(api: httpx.AsyncClient, client: httpx.AsyncClient, org: Org) -> None:
    made = await key_of(api, "leads:read")
    with capture_logs() as logs:
        await api.get(f"/api/leads/{org.lead_id}?email=ana@example.com")
        await client.get("/api/leads", headers=bearer(made["key"]))
        await client.get("/api/leads")
        await client.get("/nowhere/ana@example.com")
        await client.get("/health/live")
    lines = [line for line in logs if line["event"] == "request.done"]
    assert all(line.pop("ms") >= 0 for line in lines)
    who = {"user_id": str(org.user_id), "org_id": str(org.id)}
    line = {"event": "request.done", "log_level": "info", "method": "GET"}
    assert lines == [
        line | who | {"path": "/api/leads/{lead_id}", "status": 200},
        line | who | {"path": "/api/leads", "status": 200, "key_id": made["id"]},
        line | {"path": "/api/leads", "status": 401},
        line | {"path": "", "status": 404},
        line | {"path": "/health/live", "status": 200, "log_level": "debug"},
    ]
    assert "example.com" not in str(logs)
