"""Changes that an organisation makes one after the other, because each looks at all rows of a kind."""

from typing import Final

from sqlalchemy import text

from crm.unit_of_work import UnitOfWork

_LOCK: Final = text("SELECT pg_advisory_xact_lock(CAST(:key AS integer), hashtext(:org))")


async def queue_up(key: int, unit: UnitOfWork) -> None:
    """Wait until nobody else of the organisation holds `key`, and hold it until the transaction ends.

    Args:
        key: any number that nobody else uses.
    """
    await unit.session.execute(_LOCK, {"key": key, "org": str(unit.org_id)})
