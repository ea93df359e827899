"""The CRM as its operator asks it: with the installation's own key, for commands that concern all organisations."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol

from config.settings import DEVELOPMENT_SECRET, Settings
from salesos.api import Api
from salesos.data_folder import own_key, read_running


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
        yield partial(api.as_operator, key)
