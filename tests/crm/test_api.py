"""The API over HTTP: shapes, statuses, and who may see what."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from redis.asyncio import Redis
from sqlalchemy import delete

from config.settings import Settings
from crm.call_events import EventConsumer
from crm.calls.dial import DialRequest
from crm.calls.model import EventCursor
from crm.database import Sessions
from crm.problems import KINDS
from crm.resources import Resources
from crm.unit_of_work import UnitOfWork
from events import wire
from events.call import Answered, Closed, Finished, Outcome, RecordingStored, State
from events.command import HangUp, Reply
from tests.crm import documented
from tests.crm.conftest import NUMBER, Org, make_org, token_of
from tests.crm.fake_node import CallScript, FakeNode, publish, refuse


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Hold an error against its one shape (W8) and return its details."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert set(body) == {"type", "title", "status", "success", "code", "details", "timestamp", "trace_id"}
    assert (body["success"], body["status"], body["code"]) == (False, status, code)
    assert body["trace_id"] == answer.headers["x-request-id"]
    return dict(body["details"])


def data(answer: httpx.Response, status: int = 200) -> Any:
    """Hold a success against its one shape and what the document says of it, and return its data."""
    assert answer.status_code == status, answer.text
    documented.check(answer)
    body = answer.json()
    assert body["success"] is True
    assert body["timestamp"].endswith("+00:00")
    return body["data"]


class TestSessions:
    async def test_a_token_opens_the_rest(self, client: httpx.AsyncClient, org: Org) -> None:
        answer = await client.post("/api/sessions", json={"email": org.email, "password": org.password})
        token = data(answer, 201)["token"]
        leads = await client.get("/api/leads", headers={"Authorization": f"Bearer {token}"})
        assert [lead["name"] for lead in data(leads)] == ["Dana"]

    async def test_a_wrong_password(self, client: httpx.AsyncClient, org: Org) -> None:
        answer = await client.post("/api/sessions", json={"email": org.email, "password": "wrong"})
        problem(answer, 401, "sign_in_failed")

    @pytest.mark.parametrize("header", ["", "Bearer", "Bearer x.y.z", "Basic abc"])
    async def test_no_token_no_answer(self, header: str, client: httpx.AsyncClient) -> None:
        for method, path in [("GET", "/api/leads"), ("POST", "/api/calls"), ("GET", "/api/ledger")]:
            answer = await client.request(method, path, headers={"Authorization": header}, json={"to": NUMBER})
            problem(answer, 401, "not_signed_in")
            assert answer.headers["www-authenticate"] == "Bearer"

    async def test_an_old_token(self, client: httpx.AsyncClient, org: Org, settings: Settings) -> None:
        old = token_of(org, settings, issued_s=1_000)
        answer = await client.get("/api/leads", headers={"Authorization": f"Bearer {old}"})
        problem(answer, 401, "not_signed_in")

    async def test_naming_another_organisation(self, api: httpx.AsyncClient, org: Org) -> None:
        problem(await api.get("/api/leads", headers={"X-Tenant-ID": str(uuid4())}), 403, "tenant_mismatch")
        data(await api.get("/api/leads", headers={"X-Tenant-ID": str(org.id)}))


class TestShapes:
    async def test_unknown_paths_and_methods(self, client: httpx.AsyncClient) -> None:
        problem(await client.get("/api/nothing"), 404, "not_found")
        problem(await client.delete("/api/leads"), 405, "method_not_allowed")

    async def test_a_fault_of_ours_tells_nothing(self, app: FastAPI, client: httpx.AsyncClient) -> None:
        async def fail() -> None:
            raise RuntimeError("the secret inside")

        app.add_api_route("/fault", fail)
        answer = await client.get("/fault")
        problem(answer, 500, "internal_error")
        assert "secret" not in answer.text

    async def test_the_request_id_is_taken_over_when_it_is_one(self, client: httpx.AsyncClient) -> None:
        given = str(uuid4())
        answer = await client.get("/api/nothing", headers={"X-Request-ID": given})
        assert answer.json()["trace_id"] == given
        answer = await client.get("/api/nothing", headers={"X-Request-ID": "<script>"})
        assert str(UUID(answer.headers["x-request-id"])) == answer.json()["trace_id"]

    def test_every_kind_of_problem_has_a_status(self) -> None:
        assert all(400 <= kind.status < 600 and kind.title for kind in KINDS.values())

    async def test_broken_json(self, api: httpx.AsyncClient) -> None:
        answer = await api.post("/api/leads", content=b"{", headers={"content-type": "application/json"})
        problem(answer, 400, "invalid_request")


class TestLeads:
    async def test_add_read_replace(self, api: httpx.AsyncClient) -> None:
        sent = {
            "name": "  Joana  ",
            "phone": "+5511999990000",
            "email": "j@x.com.br",
            "company": "Padaria",
            "org_id": "x",
        }
        made = data(await api.post("/api/leads", json=sent), 201)
        assert (made["name"], made["pipeline"], made["status"], made["score"]) == ("Joana", "novos-leads", "novo", 0)
        assert "org_id" not in made
        read = data(await api.get(f"/api/leads/{made['id']}"))
        assert read == made | {"tasks": []}
        changed = data(await api.put(f"/api/leads/{made['id']}", json={"name": "Joana", "do_not_call": True}))
        assert (changed["status"], changed["do_not_call"], changed["phone"]) == ("do_not_call", True, None)

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "body.name"),
            ({"name": " "}, "body.name"),
            ({"name": "x" * 256}, "body.name"),
            ({"name": "x", "email": "no"}, "body.email"),
            ({"name": "x", "phone": "0123"}, "body.phone"),
            ({"name": "x", "phone": "+0123"}, "body.phone"),
            ({"name": "x", "phone": "+1234567890123456"}, "body.phone"),
            ({"name": "x", "score": 101}, "body.score"),
            ({"name": "x", "custom_fields": []}, "body.custom_fields"),
            ({"name": "x", "time_zone": "Mars/Base"}, "body.time_zone"),
            ({"name": "x\x00"}, "body"),
            ({"name": "x", "custom_fields": {"a": ["\x00"]}}, "body"),
            ({"name": "x", "company": "y" * 256}, "body.company"),
        ],
    )
    async def test_bad_input_is_named(self, body: dict[str, Any], field: str, api: httpx.AsyncClient) -> None:
        details = problem(await api.post("/api/leads", json=body), 400, "invalid_request")
        assert [fault["field"] for fault in details["fields"]] == [field]

    async def test_pages(self, api: httpx.AsyncClient) -> None:
        for number in range(4):
            data(await api.post("/api/leads", json={"name": f"lead {number}"}), 201)
        answer = await api.get("/api/leads?limit=2&page=2&sort=name&order=asc")
        assert [lead["name"] for lead in data(answer)] == ["lead 1", "lead 2"]
        assert answer.json()["pagination"] == {
            **{"page": 2, "limit": 2, "total": 5, "pages": 3, "hasNext": True, "hasPrev": True}
        }
        assert data(await api.get("/api/leads?status=retry_later")) == []

    @pytest.mark.parametrize("query", ["page=0", "limit=101", "limit=x", "sort=phone", "order=up"])
    async def test_bad_pages(self, query: str, api: httpx.AsyncClient) -> None:
        problem(await api.get(f"/api/leads?{query}"), 400, "invalid_request")

    async def test_another_organisations_lead_is_not_there(self, api: httpx.AsyncClient, sessions: Sessions) -> None:
        other = await make_org(sessions)
        problem(await api.get(f"/api/leads/{other.lead_id}"), 404, "lead_not_found")
        problem(await api.put(f"/api/leads/{other.lead_id}", json={"name": "mine"}), 404, "lead_not_found")
        problem(await api.post("/api/calls", json={"lead_id": str(other.lead_id)}), 404, "lead_not_found")
        problem(await api.get("/api/leads/not-a-uuid"), 400, "invalid_request")


class TestCalls:
    @pytest.mark.parametrize("path", ["/api/calls", "/calls"])
    async def test_placing_one(self, path: str, api: httpx.AsyncClient, node: FakeNode, org: Org) -> None:
        placed = data(await api.post(path, json={"lead_id": str(org.lead_id)}), 201)
        assert placed == {"call_id": placed["call_id"], "lead_id": str(org.lead_id), "state": "dialing"}
        told = data(await api.get(f"/api/calls/{placed['call_id']}"))
        assert (told["state"], told["closed"], told["turns"], told["recording"]) == ("queued", False, [], None)
        [listed] = data(await api.get("/api/calls"))
        assert (listed["call_id"], listed["lead_name"], listed["number"]) == (placed["call_id"], "Dana", NUMBER)

    async def test_the_same_key_dials_once(self, api: httpx.AsyncClient, node: FakeNode, org: Org) -> None:
        headers = {"Idempotency-Key": "a-key"}
        answers = [await api.post("/api/calls", json={"lead_id": str(org.lead_id)}, headers=headers) for _ in range(2)]
        assert data(answers[0], 201) == data(answers[1], 201)
        assert len(node.orders) == 1
        other = await api.post("/api/calls", json={"to": NUMBER}, headers=headers)
        problem(other, 409, "idempotency_key_reused")

    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            ({}, 400, "invalid_request"),
            ({"to": NUMBER, "lead_id": str(uuid4())}, 400, "invalid_request"),
            ({"to": "x" * 41}, 400, "invalid_request"),
            ({"to": "\x00"}, 400, "invalid_request"),
            ({"to": "nonsense"}, 400, "number_invalid"),
            ({"to": "+19005551234"}, 403, "number_kind_refused"),
            ({"to": "+4930123456"}, 403, "country_not_allowed"),
            ({"lead_id": str(uuid4())}, 404, "lead_not_found"),
            ({"to": NUMBER, "agent_id": str(uuid4())}, 404, "agent_not_found"),
        ],
    )
    async def test_what_is_not_dialled(
        self, body: dict[str, Any], status: int, code: str, api: httpx.AsyncClient, node: FakeNode
    ) -> None:
        problem(await api.post("/api/calls", json=body), status, code)
        assert node.orders == []

    async def test_no_credit_no_node_and_a_refusing_node(
        self,
        api: httpx.AsyncClient,
        client: httpx.AsyncClient,
        sessions: Sessions,
        settings: Settings,
        redis: Redis,
        org: Org,
    ) -> None:
        poor = await make_org(sessions, credit=0)
        answer = await client.post(
            "/api/calls", json={"to": NUMBER}, headers={"Authorization": f"Bearer {token_of(poor, settings)}"}
        )
        problem(answer, 402, "no_credit")
        problem(await api.post("/api/calls", json={"to": NUMBER}), 503, "no_voice_node")
        key = settings.secret_key.get_secret_value()
        async with FakeNode(redis, key, answer=refuse("do_not_call")).running() as node:
            details = problem(await api.post("/api/calls", json={"to": NUMBER}), 409, "node_refused")
            assert details["reason"] == "do_not_call"
            node.answer = refuse("node_full")
            answer = await api.post("/api/calls", json={"to": NUMBER})
            problem(answer, 503, "node_refused")
            assert answer.headers["retry-after"] == "5"

    async def test_hanging_up(self, api: httpx.AsyncClient, node: FakeNode, org: Org) -> None:
        placed = data(await api.post("/api/calls", json={"lead_id": str(org.lead_id)}), 201)
        node.answer = lambda order: Reply(order.id, accepted=True, state="ending")
        ended = data(await api.post(f"/api/calls/{placed['call_id']}/hangup"))
        assert ended == {"call_id": placed["call_id"], "state": "ending"}
        order = node.orders[-1].body
        assert isinstance(order, HangUp)
        assert (str(order.call_id), order.org_id) == (placed["call_id"], org.id)
        node.answer = refuse("call_not_here")
        problem(await api.post(f"/api/calls/{placed['call_id']}/hangup"), 409, "node_refused")
        problem(await api.post(f"/api/calls/{uuid4()}/hangup"), 404, "call_not_found")

    async def test_events_end_and_recording(
        self, api: httpx.AsyncClient, client: httpx.AsyncClient, node: FakeNode, resources: Resources, org: Org
    ) -> None:
        placed = data(await api.post("/api/calls", json={"lead_id": str(org.lead_id)}), 201)
        path = f"/api/calls/{placed['call_id']}"
        problem(await api.get(f"{path}/recording"), 404, "recording_not_found")
        await resources.store.put_async("recordings/a.wav", b"RIFF" + bytes(996))
        await self.play(
            resources,
            CallScript(org.id, UUID(placed["call_id"])),
            Answered(),
            Finished(State.ENDED, Outcome.HUNG_UP, None, 3.0, 3),
            RecordingStored("s3://b/recordings/a.wav", "recordings/a.wav", 2, 3.0, 1000, "00"),
            Closed(),
        )
        told = data(await api.get(f"{path}/events?after=1:1"))
        assert [event["id"] for event in told["events"]] == ["1:2", "1:3", "1:4"]
        assert (told["next"], told["closed"]) == ("1:4", True)
        assert told["events"][0]["body"]["outcome"] == "hung_up"
        assert data(await api.get(f"{path}/events?after=1:4"))["events"] == []
        problem(await api.get(f"{path}/events?after=x"), 400, "invalid_request")
        problem(await api.post(f"{path}/hangup"), 409, "call_over")
        assert data(await api.get(path))["recording"]["path"] is None

        url = data(await api.get(f"{path}/recording"))["url"]
        whole = await client.get(url)
        assert (whole.status_code, len(whole.content), whole.headers["content-type"]) == (200, 1000, "audio/wav")
        assert whole.headers["accept-ranges"] == "bytes"
        part = await client.get(url, headers={"Range": "bytes=0-3"})
        assert (part.status_code, part.content) == (206, b"RIFF")
        assert part.headers["content-range"] == "bytes 0-3/1000"
        problem(await client.get(url, headers={"Range": "bytes=1000-"}), 416, "range_not_satisfiable")
        problem(await client.get(url[:-3]), 404, "recording_not_found")
        problem(await client.get("/recordings/x"), 404, "recording_not_found")
        await resources.store.delete_async("recordings/a.wav")
        problem(await client.get(url), 404, "recording_not_found")

    @staticmethod
    async def play(resources: Resources, script: CallScript, *bodies: Any) -> None:
        async with UnitOfWork(resources.sessions) as unit:
            await unit.session.execute(delete(EventCursor))
            await unit.commit()
        await publish(resources.redis, *script.events(bodies))
        await EventConsumer(resources.sessions, resources.redis, block_ms=10).turn()

    async def test_a_link_expires(
        self,
        api: httpx.AsyncClient,
        client: httpx.AsyncClient,
        node: FakeNode,
        resources: Resources,
        org: Org,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        placed = data(await api.post("/api/calls", json={"lead_id": str(org.lead_id)}), 201)
        await resources.store.put_async("r.wav", b"x")
        script = CallScript(org.id, UUID(placed["call_id"]))
        await self.play(resources, script, RecordingStored("file:///r.wav", "r.wav", 2, 1, 1, ""))
        monkeypatch.setattr("crm.calls.recordings.LINK_LIFETIME_S", -1)
        url = data(await api.get(f"/api/calls/{placed['call_id']}/recording"))["url"]
        problem(await client.get(url), 404, "recording_not_found")

    async def test_another_organisations_call_is_not_there(
        self, api: httpx.AsyncClient, node: FakeNode, resources: Resources, sessions: Sessions
    ) -> None:
        other = await make_org(sessions)
        call = await resources.dialler.dial(DialRequest(lead_id=other.lead_id), other.id)
        for path in ("", "/events", "/recording"):
            problem(await api.get(f"/api/calls/{call.call_id}{path}"), 404, "call_not_found")
        problem(await api.post(f"/api/calls/{call.call_id}/hangup"), 404, "call_not_found")
        assert data(await api.get("/api/calls")) == []


async def test_the_ledger_sums_to_zero(api: httpx.AsyncClient, node: FakeNode, org: Org) -> None:
    placed = data(await api.post("/api/calls", json={"lead_id": str(org.lead_id)}), 201)
    ledger = data(await api.get("/api/ledger"))
    assert ledger["sum"] == 0
    assert ledger["balances"] == {
        **{"wallet": 200_000, "held": 300_000, "revenue": 0, "funding": -500_000, "shortfall": 0}
    }
    assert [transaction["kind"] for transaction in ledger["transactions"]] == ["reserve", "fund"]
    of_call = data(await api.get(f"/api/ledger?call_id={placed['call_id']}"))["transactions"]
    assert [(entry["account"], entry["amount"]) for entry in of_call[0]["entries"]] == [
        ("wallet", -300_000),
        ("held", 300_000),
    ]


class TestDoNotCall:
    @pytest.fixture
    def headers(self, settings: Settings) -> dict[str, str]:
        return {"Authorization": f"Bearer {settings.internal_key.get_secret_value()}"}

    async def test_the_answer(
        self, client: httpx.AsyncClient, api: httpx.AsyncClient, org: Org, headers: dict[str, str]
    ) -> None:
        question = {"org_id": str(org.id), "call_id": str(uuid4()), "number": NUMBER}
        answer = await client.post(wire.DO_NOT_CALL_PATH, json=question, headers=headers)
        assert answer.json() == {"do_not_call": False}
        body = {"name": "Dana", "phone": NUMBER, "do_not_call": True}
        data(await api.put(f"/api/leads/{org.lead_id}", json=body))
        answer = await client.post(wire.DO_NOT_CALL_PATH, json=question, headers=headers)
        assert answer.json() == {"do_not_call": True}

    async def test_only_our_own_nodes_may_ask(
        self, client: httpx.AsyncClient, api: httpx.AsyncClient, org: Org, headers: dict[str, str]
    ) -> None:
        question = {"org_id": str(org.id), "call_id": str(uuid4()), "number": NUMBER}
        problem(await client.post(wire.DO_NOT_CALL_PATH, json=question), 401, "not_signed_in")
        problem(await api.post(wire.DO_NOT_CALL_PATH, json=question), 401, "not_signed_in")
        problem(await client.post(wire.DO_NOT_CALL_PATH, json={}, headers=headers), 400, "invalid_request")
