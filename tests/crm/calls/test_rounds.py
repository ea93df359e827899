"""A round of entries from several streams: one transaction for each organisation, and what fails stops nobody else."""

import pytest
from sqlalchemy.exc import OperationalError

from crm.calls.dial import DialRequest
from crm.calls.intake import Entry
from crm.calls.rounds import Round
from crm.database import Sessions
from crm.resources import Resources
from crm.unit_of_work import UnitOfWork
from events import wire
from events.call import encode
from tests.crm.call_story import EAGER, call_of, letters
from tests.crm.conftest import Org, make_org
from tests.crm.fake_node import CallScript, FakeNode


def _entries(*scripts: CallScript) -> list[Entry]:
    return [
        Entry(wire.event_stream(script.call_id), f"{number}-0", encode(event))
        for script in scripts
        for number, event in enumerate(script.events(EAGER), 1)
    ]


@pytest.fixture
async def scripts(resources: Resources, node: FakeNode, org: Org) -> list[CallScript]:
    """Two calls of one organisation, and one of another."""
    neighbour = await make_org(resources.sessions)
    made = []
    for owner in (org, org, neighbour):
        answer = await resources.dialler.dial(DialRequest(lead_id=owner.lead_id), owner.id)
        made.append(CallScript(owner.id, answer.call_id))
    return made


async def test_an_organisation_is_one_transaction_whatever_its_streams(
    scripts: list[CallScript], sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits = []
    real = UnitOfWork.commit

    async def counted(unit: UnitOfWork) -> None:
        commits.append(unit.org_id)
        await real(unit)

    monkeypatch.setattr(UnitOfWork, "commit", counted)
    one = Round(sessions)
    await one.apply(_entries(*scripts))
    assert sorted(commits) == sorted({script.org_id for script in scripts})
    assert {(mark.call_id, mark.epoch, mark.seq) for mark in one.marks.values()} == {
        (script.call_id, 1, len(EAGER)) for script in scripts
    }
    for script in scripts:
        assert (await call_of(sessions, script)).event_count == len(EAGER)


async def test_marks_tell_what_was_committed_before_a_failure(
    scripts: list[CallScript], sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = scripts[-1].org_id
    real = UnitOfWork.commit

    async def failing(unit: UnitOfWork) -> None:
        if unit.org_id == away:
            raise OperationalError("COMMIT", {}, ConnectionError())
        await real(unit)

    one = Round(sessions)
    await one.apply(_entries(scripts[0]))
    monkeypatch.setattr(UnitOfWork, "commit", failing)
    with pytest.raises(ExceptionGroup):
        await one.apply(_entries(scripts[-1]))
    assert set(one.marks) == {scripts[0].call_id}
    assert (await call_of(sessions, scripts[-1])).event_count == 0


async def test_garbage_between_is_set_aside(scripts: list[CallScript], sessions: Sessions) -> None:
    stream = f"test:{scripts[0].call_id}"
    entries = [Entry(stream, "0-1", b"\xc1garbage"), *_entries(scripts[0])]
    before = len(await letters(sessions))
    await Round(sessions).apply(entries)
    assert len(await letters(sessions)) == before + 1
    assert (await call_of(sessions, scripts[0])).event_count == len(EAGER)
