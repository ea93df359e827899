"""The OpenAPI document: whatever it lets through, and a little that it does not, is answered by no fault of ours."""

import shutil
from collections.abc import Iterator, Mapping
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
from salesos.embedded.postgres import PostgresAddresses
from tests.crm.conftest import make_org, token_of
from tests.crm.live_app import LiveApp, live_app

# For each route, of either mode; drawn from fixed seeds: the same in every run.
EXAMPLES: Final = 3
ANSWER_TIMEOUT_S: Final = 20.0
# Routes are asked in so many parts, each within a test's time on a busy machine.
PARTS: Final = 4
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


@pytest.fixture(scope="module")
def headers(live: LiveApp) -> Mapping[str, str]:
    org = live.do(make_org(live.resources.sessions))
    return {"Authorization": f"Bearer {token_of(org, Settings())}"}


@pytest.mark.parametrize("part", range(PARTS))
def test_no_documented_request_is_a_fault_of_ours_or_answered_otherwise(
    live: LiveApp, headers: Mapping[str, str], part: int
) -> None:
    document = httpx.get(f"{live.url}/api/openapi.json", timeout=ANSWER_TIMEOUT_S).json()
    schema = schemathesis.openapi.from_dict(document)
    operations = [unwrapped(found) for found in schema.get_all_operations()]
    operations.sort(key=lambda operation: operation.label in LAST)
    faults: list[str] = []
    unknown: set[str] = set()
    for operation in operations[len(operations) * part // PARTS : len(operations) * (part + 1) // PARTS]:
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            for answer in answers(operation, mode, live.url, headers):
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


def answers(operation: Any, mode: GenerationMode, url: str, headers: Mapping[str, str]) -> list[Any]:
    """Ask EXAMPLES times, each time otherwise, and return what came back."""
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
        got.append(case.call(base_url=url, headers=headers, timeout=ANSWER_TIMEOUT_S))

    try:
        ask()
    except Unsatisfiable:
        # Of a request that takes nothing, nothing can be wrong.
        assert mode is GenerationMode.NEGATIVE
    return got
