"""The OpenAPI document: whatever it lets through, and a little that it does not, is answered by no fault of ours."""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis.errors import Unsatisfiable
from pydantic import SecretStr
from schemathesis import GenerationMode
from schemathesis.core.failures import Failure, FailureGroup

from config.settings import Settings
from crm.database import open_engine
from salesos.embedded.postgres import PostgresAddresses
from tests.crm.conftest import make_org, token_of
from tests.crm.live_app import LiveApp, live_app
from tests.crm.one_of_everything import fill
from tests.crm.test_crawler import ids_of, rows_of

# For each route, of either mode; drawn from fixed seeds: the same in every run.
EXAMPLES: Final = 3
ANSWER_TIMEOUT_S: Final = 20.0
# Routes are asked in so many parts, each within a test's time on a busy machine.
PARTS: Final = 4
# Taking these away would end who asks.
THEMSELVES: Final = frozenset({"user_id", "session_id", "organisation_id"})
# They end the session that asks: asked last.
LAST: Final = ("DELETE /api/sessions", "DELETE /api/sessions/current")


@pytest.fixture(scope="module")
def live(
    postgres: PostgresAddresses, redis_url: str, tmp_path_factory: pytest.TempPathFactory, repository: Path
) -> Iterator[LiveApp]:
    folder = tmp_path_factory.mktemp("openapi")
    config = folder / "config"
    shutil.copytree(repository / "config", config, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    # That of the organisation's agent.
    (config / "playbooks" / "energy_meeting.yaml").rename(config / "playbooks" / "meeting.yaml")
    redis = SecretStr(redis_url.rpartition("/")[0] + "/9")
    settings = Settings(database_url=SecretStr(postgres.app_url), redis_url=redis, data_dir=folder)
    with live_app(settings, config) as served:
        yield served


@dataclass(frozen=True, slots=True)
class Somebody:
    """Who asks, and what there is to be asked for, by the names of parameters."""

    headers: Mapping[str, str]
    ids: Mapping[str, str]


@pytest.fixture(scope="module")
def admin(live: LiveApp, postgres: PostgresAddresses) -> Somebody:
    """The admin of an organisation that has one of everything."""

    async def found() -> Somebody:
        org = await make_org(live.resources.sessions)
        await fill(org, live.resources, live.resources.redis)
        owner = open_engine(postgres.admin_url)
        try:
            ids = await ids_of(await rows_of(owner, org.id), org, live.resources.sessions)
        finally:
            await owner.dispose()
        named = {name: value for name, value in ids.items() if name not in THEMSELVES}
        return Somebody({"Authorization": f"Bearer {token_of(org, Settings())}"}, named)

    return live.do(found())


# Before the others, the last of which ends the session.
@pytest.mark.parametrize(
    ("method", "path", "given"),
    [
        ("GET", "/api/leads?email=a%00@example.com", None),
        ("POST", "/api/leads", {"name": "Ana", "email": "a\x00@example.com"}),
        ("POST", "/api/leads", {"name": "A\x00na"}),
        ("POST", "/api/sessions", {"email": "a\x00@example.com", "password": "p"}),
        ("POST", "/api/passwords/resets", {"email": "a\x00@example.com"}),
        ("POST", "/api/unlocks", {"token": "a\x00"}),
    ],
)
def test_what_no_text_of_a_database_holds_is_refused(
    live: LiveApp, admin: Somebody, method: str, path: str, given: Any
) -> None:
    answer = httpx.request(method, live.url + path, json=given, headers=admin.headers, timeout=ANSWER_TIMEOUT_S)
    assert answer.status_code == 400, answer.text


@pytest.mark.parametrize("part", range(PARTS))
def test_no_documented_request_is_a_fault_of_ours_or_answered_otherwise(
    live: LiveApp, admin: Somebody, part: int
) -> None:
    document = httpx.get(f"{live.url}/api/openapi.json", timeout=ANSWER_TIMEOUT_S).json()
    schema = schemathesis.openapi.from_dict(document)
    operations = [unwrapped(found) for found in schema.get_all_operations()]
    operations.sort(key=lambda operation: operation.label in LAST)
    faults: list[str] = []
    unknown: set[str] = set()
    for operation in operations[len(operations) * part // PARTS : len(operations) * (part + 1) // PARTS]:
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            for answer in answers(operation, mode, live.url, admin):
                if answer.status_code >= 500:
                    faults.append(f"{operation.label}: {answer.status_code} {answer.text[:300]}")
                try:
                    operation.validate_response(answer)
                except (Failure, FailureGroup) as differences:
                    faults.append(f"{operation.label}: {differences} {answer.text[:300]}")
                if answer.status_code == 401:
                    unknown.add(operation.label)
    assert faults == []
    assert unknown <= {*LAST, "POST /api/sessions", "POST /api/sessions/refresh"}


def test_every_route_says_what_it_answers(live: LiveApp) -> None:
    """Down to what its data is: a return type of crm.answers, not a bare answer of the framework."""
    document = live.app.openapi()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["tags"], (method, path)
            assert "422" not in operation["responses"]
            assert operation["responses"]["default"]["content"].keys() == {"application/problem+json"}
            answered = [found for status, found in operation["responses"].items() if status.startswith("2")]
            schemas = [content["schema"] for found in answered for content in found.get("content", {}).values()]
            assert {} not in schemas, (method, path)


def unwrapped(found: Any) -> Any:
    """Return an operation; one that the document describes wrongly raises here."""
    return found.ok()


def answers(operation: Any, mode: GenerationMode, url: str, who: Somebody) -> list[Any]:
    """Ask EXAMPLES times, each time otherwise, and return what came back. All but the last are for what is there."""
    got: list[Any] = []

    @hypothesis_settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        if len(got) % EXAMPLES != EXAMPLES - 1 and case.path_parameters:
            case.path_parameters = {name: who.ids.get(name, value) for name, value in case.path_parameters.items()}
        got.append(case.call(base_url=url, headers=who.headers, timeout=ANSWER_TIMEOUT_S))

    try:
        ask()
    except Unsatisfiable:
        # Of a request that takes nothing, nothing can be wrong.
        assert mode is GenerationMode.NEGATIVE
    return got
