"""`salesos usage`: how the tokens that we counted stand against what the vendors report, day by day."""

from collections.abc import Mapping
from typing import Any, Final

from config.settings import Settings
from salesos.api import ApiRefused, ApiUnreachable
from salesos.operator import operator, tell
from salesos.screen import Screen

DIFFERS: Final = "differs"
HEADINGS: Final = ("day", "provider", "state", "our tokens", "theirs", "apart", "why")


def run_usage(settings: Settings, days: int, *, as_json: bool) -> int:
    """Print it, and return the exit status: 1 when a day differs or the CRM does not answer."""
    screen = Screen(to_stderr=as_json)
    try:
        with operator(settings) as ask:
            found = list(ask("GET", f"/internal/usage?days={days}", "reading the usage"))
    except (ApiRefused, ApiUnreachable) as error:
        screen.fail(str(error))
        return 1
    tell(
        found,
        screen,
        "Tokens on the operator's accounts",
        HEADINGS,
        cells,
        "No model of a vendor's was asked in these days, or none of them has been compared yet.",
        as_json=as_json,
    )
    return 1 if any(row["state"] == DIFFERS for row in found) else 0


def cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return one vendor's day as a line of the table."""
    theirs = "-" if row["their_tokens"] is None else f"{row['their_tokens']:,}"
    apart = "-" if row["difference"] is None else f"{100 * row['difference']:+.1f} %"
    state = str(row["state"]).replace("_", " ")
    return (row["day"], row["provider"], state, f"{row['our_tokens']:,}", theirs, apart, row["reason"])
