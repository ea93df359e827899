"""An organisation's imports through the API, and the jobs behind them without a queue."""

from dataclasses import dataclass
from typing import Any

import httpx
from sqlalchemy import select

from crm.imports.jobs import READ
from crm.leads.model import Lead
from crm.unit_of_work import UnitOfWork
from crm.work import Work
from tests.crm.conftest import Org
from tests.crm.test_api import data


@dataclass(frozen=True, slots=True)
class ImportDesk:
    api: httpx.AsyncClient
    work: Work
    org: Org

    async def upload(self, body: bytes, name: str = "leads.csv") -> dict[str, Any]:
        answer = await self.api.post("/api/imports", params={"file_name": name}, content=body)
        return dict(data(answer, 201))

    async def start(self, made: dict[str, Any], **plan: Any) -> dict[str, Any]:
        """Start it with what was guessed, unless the plan says otherwise."""
        mapping = [{"column": column["name"], "to": column["guess"]} for column in made["columns"] if column["guess"]]
        answer = await self.api.post(f"/api/imports/{made['id']}/start", json={"mapping": mapping} | plan)
        return dict(data(answer, 202))

    async def read(self, import_id: str) -> None:
        """Do the job that reads the file, as a worker does."""
        await READ.run(self.work, {"org_id": str(self.org.id), "import_id": import_id})

    async def shown(self, import_id: str) -> dict[str, Any]:
        return dict(data(await self.api.get(f"/api/imports/{import_id}")))

    async def whole(self, body: bytes, **plan: Any) -> dict[str, Any]:
        """Upload, start and read a file; return the import as it is then."""
        made = await self.upload(body)
        await self.start(made, **plan)
        await self.read(made["id"])
        return await self.shown(made["id"])

    async def bad(self, import_id: str) -> list[dict[str, Any]]:
        return list(data(await self.api.get(f"/api/imports/{import_id}/bad-rows", params={"limit": 100})))

    async def leads(self) -> list[Lead]:
        """Return all leads, those of the file in its order behind the first one."""
        async with UnitOfWork(self.work.sessions, self.org.id) as unit:
            return list(await unit.session.scalars(select(Lead).order_by(Lead.created_at, Lead.id)))


def counts(shown: dict[str, Any]) -> tuple[int, int, int, int, int]:
    """Return rows, created, updated, skipped and bad; the four add up to the first."""
    told = tuple(shown[name] for name in ("rows", "created", "updated", "skipped", "bad"))
    assert told[0] == sum(told[1:])
    return told[0], told[1], told[2], told[3], told[4]


def rows_of(many: int, first: int = 0) -> bytes:
    """Return a file of so many people, from the numbered one on."""
    lines = [f"Person {number},mail{number}@example.com" for number in range(first, first + many)]
    return "\n".join(["name,email", *lines, ""]).encode()
