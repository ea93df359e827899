"""`salesos ledger`: every organisation's balances worked out again from the entries, and what differs."""

import json
import sys
from typing import Any, Final

from config.settings import Settings
from salesos.api import ApiRefused, ApiUnreachable
from salesos.operator import operator
from salesos.screen import Screen

PATH: Final = "/internal/ledger/replay"
HEADINGS: Final = ("organisation", "what", "said", "found")


def run_ledgers(settings: Settings, *, as_json: bool) -> int:
    """Print it, and return the exit status: 1 when something differs, or the CRM does not answer."""
    screen = Screen(to_stderr=as_json)
    replayed, differing, after = 0, list[dict[str, Any]](), ""
    try:
        with operator(settings) as ask:
            while True:
                page = ask("POST", f"{PATH}?after={after}" if after else PATH, "replaying the ledgers")
                replayed += page["replayed"]
                differing += page["differing"]
                if page["next"] is None:
                    break
                after = page["next"]
    except (ApiRefused, ApiUnreachable) as error:
        screen.fail(str(error))
        return 1
    if as_json:
        sys.stdout.write(json.dumps({"replayed": replayed, "differing": differing}, indent=2) + "\n")
    elif differing:
        screen.table("Balances that differ", HEADINGS, [cells for one in differing for cells in _rows(one)])
    else:
        screen.say(f"Ledgers replayed: {replayed}. Every balance is what its entries come to.")
    return 1 if differing else 0


def _rows(one: dict[str, Any]) -> list[tuple[str, ...]]:
    return [(one["org_id"], each["what"], f"{each['said']:,}", f"{each['found']:,}") for each in one["differences"]]
