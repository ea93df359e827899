"""What the tests of understanding share."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from crm.database import Sessions, utc_now
from crm.understanding.model import NoteDuty
from crm.unit_of_work import UnitOfWork
from tests.crm.understanding.calls import PLAYBOOKS


@pytest.fixture(autouse=True)
async def no_duties_of_others(sessions: Sessions) -> None:
    """The worker is to find what this test made."""
    async with UnitOfWork(sessions) as unit:
        await unit.session.execute(update(NoteDuty).values(due_at=utc_now() + timedelta(days=1)))
        await unit.commit()


@pytest.fixture
def config_folder(config_folder: Path) -> Path:
    """With the playbook that the script follows."""
    name = "energy_meeting.yaml"
    (config_folder / "playbooks" / name).write_text((PLAYBOOKS / name).read_text())
    return config_folder
