"""Webhooks through the API, the queue and a real receiver: signed, tried again, switched off, replayed."""

import asyncio
import contextlib
import itertools
import json
import secrets
import socket
import struct
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, ClassVar

import httpx
import pytest
from redis.asyncio import Redis
from sqlalchemy import select, text, update
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from crm.database import Sessions, utc_now
from crm.jobs.running import do_what_waits
from crm.leads.usecases import LeadFields, add_lead
from crm.mail.model import PostedLetter
from crm.unit_of_work import UnitOfWork
from crm.webhooks.addresses import read_networks
from crm.webhooks.model import Delivery, Webhook
from crm.webhooks.sending import Sender
from crm.webhooks.slowness import SLOW_TRIES
from crm.work import Work
from salesos.embedded.postgres import PostgresAddresses
from tests.crm.conftest import Org
from tests.crm.jobs.desk import work_of
from tests.crm.test_api import data, problem

LOOPBACK = read_networks(["127.0.0.0/8"])


@dataclass
class Receiver:
    """A customer's server: keeps what it gets, and answers as it is told."""

    port: int = 0
    answers: list[str] = field(default_factory=list)  # the next ones; then 204
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    fault: str = ""  # how it misbehaves, in place of an answer

    @property
    def url(self) -> str:
        return f"http://hooks.example.com:{self.port}/in"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        self.got.append((headers, await reader.readexactly(int(headers["content-length"]))))
        if self.fault:
            await self._misbehave(reader, writer)
            return
        answer = self.answers.pop(0) if self.answers else "204 No Content"
        writer.write(f"HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def _misbehave(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        match self.fault:
            case "drips":
                with contextlib.suppress(ConnectionError):
                    for letter in itertools.cycle("HTTP/1.1 200 OK\r\nX: "):
                        writer.write(letter.encode())
                        await writer.drain()
                        await asyncio.sleep(0.01)
            case "resets":
                no_linger = struct.pack("ii", 1, 0)  # so that closing sends a reset
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_linger)
            case "garbage":
                writer.write(b"\x16\x03\x01 what is this\r\n\r\n")
                await writer.drain()
            case "drops amid its head":
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Le")
                await writer.drain()
            case _:
                # Until the sender has had enough.
                await reader.read()
        writer.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()
    await server.wait_closed()


async def to_loopback(host: str, port: int) -> Sequence[str]:
    return ["127.0.0.1"]


@pytest.fixture
async def work(sessions: Sessions, postgres: PostgresAddresses, redis: Redis) -> Work:
    async with UnitOfWork(sessions) as unit:
        await unit.session.execute(text("DELETE FROM procrastinate_jobs"))
        await unit.commit()
    return work_of(sessions, postgres.app_url, redis, webhooks=Sender(LOOPBACK, to_loopback))


@pytest.fixture
async def webhook(api: httpx.AsyncClient, receiver: Receiver) -> dict[str, Any]:
    made = data(await api.post("/api/webhooks", json={"url": receiver.url, "kinds": ["lead.created"]}), 201)
    assert "secret" not in data(await api.get("/api/webhooks"))[0], "shown once"
    return dict(made)


async def new_lead(work: Work, org: Org) -> str:
    lead = await add_lead(LeadFields(name=f"Lead {secrets.token_hex(4)}"), UnitOfWork(work.sessions, org.id))
    return str(lead.id)


async def deliveries(api: httpx.AsyncClient, webhook: dict[str, Any]) -> list[dict[str, Any]]:
    return list(data(await api.get(f"/api/webhooks/{webhook['id']}/deliveries")))


async def later(work: Work, org: Org, by: timedelta) -> None:
    """Let time pass for what waits: its next try is due, and it began that much earlier."""
    async with UnitOfWork(work.sessions, org.id) as unit:
        await unit.session.execute(update(Delivery).values(began_at=Delivery.began_at - by))
        await unit.session.execute(text("UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE status = 'todo'"))
        await unit.commit()


async def test_an_event_is_posted_once_and_signed(
    work: Work, org: Org, api: httpx.AsyncClient, webhook: dict[str, Any], receiver: Receiver
) -> None:
    lead_id = await new_lead(work, org)
    await do_what_waits(work)
    ((headers, body),) = receiver.got
    told = Verifier(webhook["secret"]).verify(body, headers)
    assert (told["type"], told["data"]["lead_id"]) == ("lead.created", lead_id)
    assert json.loads(body)["timestamp"]
    (delivery,) = await deliveries(api, webhook)
    assert (delivery["state"], delivery["status"], delivery["tries"]) == ("delivered", 204, 1)
    assert headers["webhook-id"] == delivery["event_id"]


async def test_webhook_replay_out_is_told_by_its_id_and_an_old_copy_does_not_verify(
    work: Work, org: Org, api: httpx.AsyncClient, webhook: dict[str, Any], receiver: Receiver
) -> None:
    await new_lead(work, org)
    await do_what_waits(work)
    (delivery,) = await deliveries(api, webhook)
    replay = f"/api/webhooks/{webhook['id']}/deliveries/{delivery['id']}/replay"
    data(await api.post(replay), 202)
    data(await api.post(replay), 202)  # waits already: one posting comes of it
    await do_what_waits(work)
    (first, body), (second, again) = receiver.got
    assert (first["webhook-id"], body) == (second["webhook-id"], again)
    verifier = Verifier(webhook["secret"])
    verifier.verify(again, second)
    old = str(int(second["webhook-timestamp"]) - 600)
    with pytest.raises(WebhookVerificationError, match="too old"):
        verifier.verify(body, first | {"webhook-timestamp": old})
    with pytest.raises(WebhookVerificationError, match="No matching"):
        verifier.verify(body, first | {"webhook-timestamp": str(int(first["webhook-timestamp"]) - 5)})


async def test_a_server_that_is_down_gets_it_later(
    work: Work, org: Org, api: httpx.AsyncClient, webhook: dict[str, Any], receiver: Receiver
) -> None:
    receiver.answers = ["500 Oh", "429 Slowly"]
    await new_lead(work, org)
    for _ in range(3):
        await do_what_waits(work)
        await later(work, org, timedelta(minutes=5))
    (delivery,) = await deliveries(api, webhook)
    assert (delivery["state"], delivery["tries"], len(receiver.got)) == ("delivered", 3, 3)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("hangs", "timeout"),
        ("drips", "timeout"),
        ("resets", "unreachable: ReadError"),
        ("drops amid its head", "unreachable: RemoteProtocolError"),
        ("garbage", "unreachable: RemoteProtocolError"),
    ],
)
async def test_a_server_that_misbehaves_gets_it_later(
    fault: str,
    told: str,
    work: Work,
    org: Org,
    api: httpx.AsyncClient,
    webhook: dict[str, Any],
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("crm.webhooks.sending.TIMEOUT_S", 0.2)
    receiver.fault = fault
    await new_lead(work, org)
    await do_what_waits(work)
    (delivery,) = await deliveries(api, webhook)
    assert (delivery["state"], delivery["status"], delivery["fault"], delivery["tries"]) == ("waiting", None, told, 1)
    receiver.fault = ""
    await later(work, org, timedelta(0))
    await do_what_waits(work)
    assert (await deliveries(api, webhook))[0]["state"] == "delivered"


async def test_names_and_ports_that_lead_nowhere_are_unreachable(receiver: Receiver) -> None:
    async def nowhere(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    post = ("whsec_YQ==", "msg", "{}", utc_now())
    assert (await Sender(LOOPBACK, nowhere).post(receiver.url, *post)).fault == "unreachable"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://hooks.example.com:{free.getsockname()[1]}/in"
        assert (await Sender(LOOPBACK, to_loopback).post(url, *post)).fault == "unreachable: ConnectError"


async def test_one_that_hangs_is_held_back_and_goes_on_when_it_answers(
    work: Work,
    org: Org,
    api: httpx.AsyncClient,
    webhook: dict[str, Any],
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("crm.webhooks.sending.TIMEOUT_S", 0.05)
    monkeypatch.setattr("crm.webhooks.slowness.SLOW_S", 0.04)
    monkeypatch.setattr("crm.webhooks.jobs.SLOW_S", 0.04)
    receiver.fault = "hangs"
    for _ in range(SLOW_TRIES + 3):
        await new_lead(work, org)
    await do_what_waits(work)
    assert len(receiver.got) == SLOW_TRIES, "the others are not posted"
    assert sum(told["tries"] for told in await deliveries(api, webhook)) == SLOW_TRIES
    (shown,) = data(await api.get("/api/webhooks"))
    assert (shown["on"], shown["held_until"] is not None) == (True, True)

    await later(work, org, timedelta(0))
    await do_what_waits(work)
    assert len(receiver.got) == SLOW_TRIES, "not before the pause is over"
    await hold_is_over(work, org)
    await do_what_waits(work)
    assert len(receiver.got) == SLOW_TRIES + 1, "one, to see whether it answers by now"

    monkeypatch.setattr("crm.webhooks.slowness.SLOW_S", 60)
    monkeypatch.setattr("crm.webhooks.jobs.SLOW_S", 60)
    monkeypatch.setattr("crm.webhooks.sending.TIMEOUT_S", 15)
    receiver.fault = ""
    await hold_is_over(work, org)
    await do_what_waits(work)
    assert {told["state"] for told in await deliveries(api, webhook)} == {"delivered"}
    assert data(await api.get("/api/webhooks"))[0]["held_until"] is None


async def hold_is_over(work: Work, org: Org) -> None:
    async with UnitOfWork(work.sessions, org.id) as unit:
        await unit.session.execute(update(Webhook).values(held_until=utc_now()))
        await unit.commit()
    await later(work, org, timedelta(0))


async def test_switched_on_again_it_is_held_back_no_more(
    work: Work, org: Org, api: httpx.AsyncClient, webhook: dict[str, Any]
) -> None:
    async with UnitOfWork(work.sessions, org.id) as unit:
        held = {"slow_tries": SLOW_TRIES, "held_until": utc_now() + timedelta(hours=1)}
        await unit.session.execute(update(Webhook).values(**held))
        await unit.commit()
    await new_lead(work, org)
    await do_what_waits(work)
    assert (await deliveries(api, webhook))[0]["tries"] == 0
    assert data(await api.patch(f"/api/webhooks/{webhook['id']}", json={"on": True}))["held_until"] is None
    await later(work, org, timedelta(0))
    await do_what_waits(work)
    assert (await deliveries(api, webhook))[0]["state"] == "delivered"


async def test_after_three_days_it_is_switched_off_and_the_admins_are_told(
    work: Work, org: Org, api: httpx.AsyncClient, webhook: dict[str, Any], receiver: Receiver
) -> None:
    receiver.answers = ["500 Oh"] * 2
    await new_lead(work, org)
    await do_what_waits(work)
    await later(work, org, timedelta(days=3))
    work = replace(work, post=(letters := Letters()))
    await do_what_waits(work)
    (delivery,) = await deliveries(api, webhook)
    assert (delivery["state"], delivery["fault"]) == ("failed", "status_500")
    (shown,) = data(await api.get("/api/webhooks"))
    assert (shown["on"], shown["off_reason"]) == (False, "failed_for_three_days")
    assert letters.to == [org.email]
    async with UnitOfWork(work.sessions, org.id) as unit:
        (letter,) = (await unit.session.scalars(select(PostedLetter))).all()
    assert letter.sent_at is not None
    assert letter.text == "", "what a sent letter said is not kept"

    await new_lead(work, org)
    await do_what_waits(work)
    assert len(receiver.got) == 2, "nothing is posted while it is off"
    data(await api.patch(f"/api/webhooks/{webhook['id']}", json={"on": True}))
    data(await api.post(f"/api/webhooks/{webhook['id']}/deliveries/{delivery['id']}/replay"), 202)
    await do_what_waits(work)
    assert (await deliveries(api, webhook))[0]["state"] == "delivered"


class Letters:
    reaches: ClassVar[bool] = True

    def __init__(self) -> None:
        self.to: list[str] = []

    async def send(self, letter: Any, letter_id: str) -> None:
        self.to.append(letter.to)


async def test_ssrf_by_redirect_is_not_followed(
    work: Work, org: Org, api: httpx.AsyncClient, webhook: dict[str, Any], receiver: Receiver
) -> None:
    receiver.answers = ["307 Over there\r\nLocation: http://169.254.169.254/latest/meta-data"]
    await new_lead(work, org)
    await do_what_waits(work)
    (delivery,) = await deliveries(api, webhook)
    assert (delivery["state"], delivery["fault"], len(receiver.got)) == ("waiting", "status_307", 1)


async def test_ssrf_by_rebinding_connects_to_the_address_that_was_checked(receiver: Receiver) -> None:
    """The name answers a public address first, ours the next time; both times what was looked up is what is checked."""
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"]

    answer = await Sender((), rebinding).post(receiver.url, "whsec_YQ==", "msg", "{}", utc_now())
    assert (answer.status, answer.fault, asked) == (None, "address_refused", ["hooks.example.com"])
    assert receiver.got == []

    async def two(host: str, port: int) -> Sequence[str]:
        return ["93.184.216.34", "127.0.0.1"]

    assert (await Sender((), two).post(receiver.url, "whsec_YQ==", "msg", "{}", utc_now())).fault == "address_refused"
    answer = await Sender(LOOPBACK, rebinding).post(receiver.url, "whsec_YQ==", "msg", "{}", utc_now())
    assert (answer.status, len(asked)) == (204, 2), "one look-up for one connection"


async def test_ways_to_write_our_own_address_are_refused(receiver: Receiver) -> None:
    for host in ("127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"):  # noqa: S104 - nothing binds to it
        answer = await Sender().post(f"http://{host}:{receiver.port}/", "whsec_YQ==", "msg", "{}", utc_now())
        assert answer.status is None, host
    assert receiver.got == []


async def test_bad_webhooks_are_refused_by_field(api: httpx.AsyncClient, webhook: dict[str, Any]) -> None:
    for body, at in (
        ({"url": "ftp://x.example", "kinds": ["lead.created"]}, "body.url"),
        ({"url": "https://x.example", "kinds": []}, "body.kinds"),
        ({"url": "https://x.example", "kinds": ["lead.eaten"]}, "body.kinds.0"),
    ):
        refused = problem(await api.post("/api/webhooks", json=body), 400, "invalid_request")
        assert refused["fields"][0]["field"] == at
    nobody = "00000000-0000-0000-0000-000000000000"
    problem(await api.get(f"/api/webhooks/{nobody}/deliveries"), 404, "webhook_not_found")
    problem(await api.post(f"/api/webhooks/{webhook['id']}/deliveries/{nobody}/replay"), 404, "delivery_not_found")
    assert (await api.delete(f"/api/webhooks/{webhook['id']}")).status_code == 204
    problem(await api.patch(f"/api/webhooks/{webhook['id']}", json={"on": True}), 404, "webhook_not_found")
