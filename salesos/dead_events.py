"""`salesos events`: the events of calls that could not be applied, of all organisations; trying again, giving up."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from config.settings import Settings
from salesos.api import ApiRefused, ApiUnreachable
from salesos.operator import Asks, operator, tell
from salesos.screen import Screen

DEAD: Final = "/internal/events/dead"
PAGE: Final = 100
HEADINGS: Final = ("id", "organisation", "call", "why", "cause", "times", "last")


@dataclass(frozen=True, slots=True)
class Wish:
    """The command's arguments."""

    call: UUID | None = None
    retry: UUID | None = None
    retry_all: bool = False
    discard: UUID | None = None


def run_events(settings: Settings, wish: Wish, *, as_json: bool) -> int:
    """Do what is wished, or print them; return 1 when one stays, or the CRM does not answer."""
    screen = Screen(to_stderr=as_json)
    try:
        with operator(settings) as ask:
            if wish.discard is not None:
                ask("DELETE", f"{DEAD}/{wish.discard}", f"giving up event {wish.discard}")
                screen.say("Deleted.")
                return 0
            if wish.retry is not None:
                return retry_each(ask, [str(wish.retry)], screen)
            found = newest(ask, wish.call)
            if wish.retry_all:
                return retry_each(ask, [letter["id"] for letter in reversed(found)], screen)
    except (ApiRefused, ApiUnreachable) as error:
        screen.fail(str(error))
        return 1
    tell(
        found, screen, "Events that could not be applied", HEADINGS, cells, "Every event was applied.", as_json=as_json
    )
    return 0


def newest(ask: Asks, call: UUID | None) -> list[dict[str, Any]]:
    """Return the newest, of all calls or of one. Raises ApiRefused, ApiUnreachable."""
    of_call = f"&call_id={call}" if call is not None else ""
    return list(ask("GET", f"{DEAD}?limit={PAGE}{of_call}", "reading the events that could not be applied"))


def retry_each(ask: Asks, ids: list[str], screen: Screen) -> int:
    """Have them tried in that order, say what became of each, and return 1 when one stays.

    Raises:
        ApiUnreachable: nobody answers; the rest is not tried.
    """
    stay = 0
    for letter_id in ids:
        try:
            done = ask("POST", f"{DEAD}/{letter_id}/retry", f"retrying event {letter_id}")["done"]
        except ApiRefused as refused:
            stay += 1
            screen.fail(str(refused))
        else:
            screen.say(f"{letter_id}: {done}")
    return 1 if stay else 0


def cells(letter: Mapping[str, Any]) -> tuple[str, ...]:
    """Return one as a line of the table."""
    org, call = letter["org_id"] or "-", letter["call_id"] or "-"
    return (letter["id"], org, call, letter["why"], letter["cause"], str(letter["times"]), letter["at"][:19])
