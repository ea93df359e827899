"""`salesos organisation`: founding organisations by the operator's word, and listing them."""

import json
import sys
from collections.abc import Mapping
from typing import Any, Final

from config.settings import Settings
from salesos.api import ApiRefused, ApiUnreachable
from salesos.operator import operator, tell
from salesos.screen import Screen

PATH: Final = "/internal/organisations"
HEADINGS: Final = ("id", "name", "slug", "members", "founded")


def run_create(settings: Settings, name: str, admin: str, *, as_json: bool) -> int:
    """Found one and print its id and the admin's link; return 1 when the CRM says no or does not answer."""
    screen = Screen(to_stderr=as_json)
    try:
        with operator(settings) as ask:
            made = ask("POST", PATH, "founding the organisation", {"name": name, "email": admin})
    except (ApiRefused, ApiUnreachable) as error:
        screen.fail(str(error))
        return 1
    if as_json:
        sys.stdout.write(json.dumps(made, indent=2) + "\n")
        return 0
    screen.say(f"Founded: {name}, id {made['id']}.")
    screen.say(
        f"Within 48 hours, once, its admin comes in here and sets a password (a letter is on its way to {admin}):"
    )
    # On a line of its own and never wrapped, so that it can be copied.
    sys.stdout.write(made["link"] + "\n")
    return 0


def run_list(settings: Settings, *, as_json: bool) -> int:
    """Print all of them; return 1 when the CRM says no or does not answer."""
    screen = Screen(to_stderr=as_json)
    found, after = list[dict[str, Any]](), ""
    try:
        with operator(settings) as ask:
            while True:
                page = ask("GET", f"{PATH}?after={after}" if after else PATH, "listing the organisations")
                found += page["organisations"]
                if page["next"] is None:
                    break
                after = page["next"]
    except (ApiRefused, ApiUnreachable) as error:
        screen.fail(str(error))
        return 1
    tell(found, screen, "Organisations", HEADINGS, cells, "There is no organisation yet.", as_json=as_json)
    return 0


def cells(one: Mapping[str, Any]) -> tuple[str, ...]:
    """Return one organisation as a line of the table."""
    return (one["id"], one["name"], one["slug"], str(one["members"]), one["created_at"][:10])
