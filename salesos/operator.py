"""The CRM as its operator asks it: with the installation's own key, for commands that concern all organisations."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from config.settings import DEVELOPMENT_SECRET, Settings
from salesos.api import Api, ApiUnreachable
from salesos.data_folder import own_key, read_running
from salesos.screen import Screen


class Asks(Protocol):
    def __call__(self, method: str, path: str, what: str, body: dict[str, Any] | None = None) -> Any:
        """Ask the CRM; `what` says in words what for."""
        ...


@contextmanager
def operator(settings: Settings) -> Iterator[Asks]:
    """Give what asks the running CRM, or the one that the settings name.

    Raises:
        ApiRefused, ApiUnreachable: from what is asked.
    """
    running = read_running(settings.data_dir)
    key = settings.internal_key.get_secret_value()
    if key == DEVELOPMENT_SECRET:
        key = own_key(settings.data_dir, "internal_key") or key
    with Api(running.crm if running is not None else settings.crm_address, "") as api:

        def ask(method: str, path: str, what: str, body: dict[str, Any] | None = None) -> Any:
            try:
                return api.as_operator(key, method, path, what, body)
            except ApiUnreachable as error:
                raise ApiUnreachable(f"{error}: start it with `salesos up`, or name it in SALESOS_CRM_URL") from None

        yield ask


def tell(
    found: Sequence[Mapping[str, Any]],
    screen: Screen,
    title: str,
    headings: Sequence[str],
    cells: Callable[[Mapping[str, Any]], tuple[str, ...]],
    nothing: str,
    *,
    as_json: bool,
) -> None:
    """Print what the CRM has, as JSON to standard output or as a table; `nothing`: what is said of an empty list."""
    if as_json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
    elif found:
        screen.table(title, headings, [cells(one) for one in found])
    else:
        screen.say(nothing)
