"""An organisation's weights, kept in its settings."""

from dataclasses import asdict
from typing import Any, Final

from crm.identity.model import Organisation
from crm.scoring.rules import Scheme
from crm.unit_of_work import UnitOfWork

SETTING: Final = "scoring"


async def read_scheme(unit: UnitOfWork) -> Scheme:
    """Return it, in a transaction that is open; the default where none was set."""
    organisation = await unit.session.get_one(Organisation, unit.org_id)
    kept: dict[str, Any] | None = organisation.settings.get(SETTING)
    return Scheme() if kept is None else Scheme(**kept)


async def keep_scheme(scheme: Scheme, unit: UnitOfWork) -> None:
    """Set it, in a transaction that is open."""
    organisation = await unit.session.get_one(Organisation, unit.org_id)
    organisation.settings = organisation.settings | {SETTING: asdict(scheme)}
