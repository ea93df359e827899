"""`salesos jobs`: the jobs that failed for good, of all organisations, and having them tried again."""

from collections.abc import Mapping
from typing import Any, Final

from config.settings import Settings
from salesos.api import ApiRefused, ApiUnreachable
from salesos.operator import operator, tell
from salesos.screen import Screen

NEWEST: Final = "/internal/jobs/dead?limit=100"
HEADINGS: Final = ("id", "job", "organisation", "tries", "failed at", "error", "where")


def run_jobs(settings: Settings, retry: int | None, *, retry_all: bool, as_json: bool) -> int:
    """Print them, or have one or all tried again; return 1 when the CRM says no or does not answer."""
    screen = Screen(to_stderr=as_json)
    try:
        with operator(settings) as ask:
            found: list[dict[str, Any]] = (
                [{"id": retry}] if retry is not None else list(ask("GET", NEWEST, "reading the dead jobs"))
            )
            if retry is not None or retry_all:
                for job in found:
                    ask("POST", f"/internal/jobs/dead/{job['id']}/retry", f"retrying job {job['id']}")
                screen.say(f"Being tried again: {len(found)}.")
                return 0
    except (ApiRefused, ApiUnreachable) as error:
        screen.fail(str(error))
        return 1
    tell(found, screen, "Jobs that failed for good", HEADINGS, cells, "No job has failed for good.", as_json=as_json)
    return 0


def cells(job: Mapping[str, Any]) -> tuple[str, ...]:
    """Return one job as a line of the table."""
    where = job["trace"][-1].rpartition("/")[2] if job["trace"] else "-"
    org, failed_at = job["org_id"] or "-", job["failed_at"] or "-"
    return (str(job["id"]), job["task"], org, str(job["tries"]), failed_at[:19], job["error"], where)
