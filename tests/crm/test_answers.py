"""Every documented route answers what it documents: asked for what is there, and held against its schema."""

from typing import Final

from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from config.settings import Settings
from crm.answers import followed_by, page_of
from crm.resources import Resources
from tests.crm import documented
from tests.crm.asking import Asked, questions
from tests.crm.conftest import make_org, token_of
from tests.crm.fake_node import FakeNode
from tests.crm.one_of_everything import fill
from tests.crm.test_api import data
from tests.crm.test_crawler import (
    ask,
    asker,
    config_folder,
    ids_of,
    owner,
    rows_of,
    served,
    settings,
    until_answered,
)

# Its fixtures: a playbook that can be followed, and admins who may do whatever an operator can let them do.
__all__ = ["config_folder", "owner", "served", "settings"]

# What takes more than a thing that is there: a link or a key that is good, or a state that is not reached here. Their
# answers are held against the document by the tests of their features, as every answer is that `data` reads.
NOT_ASKED: Final = frozenset(
    {
        "DELETE /api/calls/{call_id}/content",
        "DELETE /api/calls/{call_id}/recording",
        "GET /api/calls/{call_id}/recording",
        "PATCH /api/members/{user_id}",
        "PATCH /api/providers/{vendor}",
        "POST /api/calls/{call_id}/notes/retry",
        "POST /api/calls/{call_id}/objections",
        "POST /api/calls/{call_id}/refunds",
        "POST /api/calls/{call_id}/ticket",
        "POST /api/events/dead/{letter_id}/retry",
        "POST /api/imports/{import_id}/cancel",
        "POST /api/imports/{import_id}/dry-run",
        "POST /api/imports/{import_id}/start",
        "POST /api/invitations/accept",
        "POST /api/invitations/look",
        "POST /api/leads/{lead_id}/dial",
        "POST /api/leads/{lead_id}/merge",
        "POST /api/merges/{merge_id}/undo",
        "POST /api/prompts/{slug}/rollback",
        "POST /api/providers/{vendor}/check",
        "POST /api/sessions",
        "POST /api/sessions/refresh",
        "POST /api/tags/{tag_id}/merge",
        "PUT /api/calls/{call_id}/notes",
        "PUT /api/imports/{import_id}/form",
        "PUT /api/leads/{lead_id}/stage",
        "PUT /api/pipelines/{pipeline_id}",
        "PUT /api/providers/{vendor}",
        "PUT /api/queues/{queue_id}",
        "PUT /api/tags/{tag_id}",
        "PUT /api/votes/{kind}/{generation_id}",
    }
)


@given(st.integers(1, 100), st.integers(1, 100), st.integers(0, 10_000))
def test_pages_say_where_they_stand(page: int, limit: int, total: int) -> None:
    told = page_of(page, limit, total)
    assert (told["pages"] - 1) * limit < total <= told["pages"] * limit or total == told["pages"] == 0
    assert (told["hasNext"], told["hasPrev"]) == (page * limit < total, page > 1)


def test_a_cursor_that_is_there_goes_on() -> None:
    assert followed_by("x", 3) == {"limit": 3, "next": "x", "hasNext": True}
    assert followed_by(None, 3) == {"limit": 3, "next": None, "hasNext": False}


async def test_every_route_answers_what_it_says(
    served: FastAPI,
    settings: Settings,
    resources: Resources,
    redis: Redis,
    node: FakeNode,
    owner: AsyncEngine,
) -> None:
    org = await make_org(resources.sessions)
    await fill(org, resources, redis)
    ids = await ids_of(await rows_of(owner, org.id), org, resources.sessions) | {"slug": "meeting"}
    async with asker(served, token_of(org, settings)) as client:
        question = {"messages": [{"role": "user", "text": "hello"}]}
        ids["answer_id"] = data(await client.post("/api/chat/answers", json=question), 201)["answer_id"]
        await until_answered(client, ids["answer_id"])
        answered: dict[str, int] = {}
        for asked in sorted(filter(says_something, questions(served.openapi(), ids)), key=_in_order):
            await node.announce()  # what it says of itself is soon old
            answer = await ask(client, asked)
            documented.check(answer)
            answered[asked.name] = answer.status_code
    assert {name for name, status in answered.items() if status >= 400} == NOT_ASKED


def says_something(asked: Asked) -> bool:
    """Whether an answer has a body of JSON that can differ from what is said of it."""
    responses = documented.document()["paths"][asked.path][asked.method.lower()]["responses"]
    return any(documented.JSON in found.get("content", {}) for status, found in responses.items() if status[0] == "2")


def _in_order(asked: Asked) -> int:
    """What reads goes before what changes, and that before what removes."""
    return ("GET", "POST", "PUT", "PATCH", "DELETE").index(asked.method)
