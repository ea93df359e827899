"""Routes that take a permission refuse every role that has it not."""

import httpx
import pytest

from crm.access import permissions_of
from crm.database import Sessions
from crm.features import routes
from crm.identity.model import Member
from crm.permissions import Permission, Role, may
from crm.unit_of_work import UnitOfWork
from tests.crm.conftest import Org
from tests.crm.test_api import problem


def guarded() -> dict[tuple[str, str], frozenset[Permission]]:
    """Return what each method and path takes, where it takes anything."""
    return {
        (method, route.path): permissions
        for route in routes()
        if (permissions := permissions_of(route))
        for method in route.methods or ()
    }


def test_every_permission_is_taken_by_some_route() -> None:
    found = guarded()
    taken = {permission for taken in found.values() for permission in taken}
    # As what somebody comes to a call stands in the body: its use case asks (crm/people_on_calls).
    assert taken | {Permission.CALLS_LISTEN} == set(Permission)
    assert found["DELETE", "/api/calls/{call_id}/content"] == {Permission.CALLS_ERASE}
    assert ("GET", "/api/leads") not in found


@pytest.mark.parametrize("role", Role)
async def test_whoever_lacks_a_permission_is_refused_before_anything_is_read(
    role: Role, api: httpx.AsyncClient, sessions: Sessions, org: Org
) -> None:
    async with UnitOfWork(sessions, org.id) as unit:
        (await unit.session.get_one(Member, (org.id, org.user_id))).role = role.value
        await unit.commit()
    for (method, path), (permission,) in guarded().items():
        # The path names nothing that exists and the body has nothing: who may, gets another refusal.
        answer = await api.request(method, path, json={})
        if may(role, permission):
            assert answer.status_code not in (401, 403), (method, path)
        else:
            assert problem(answer, 403, "forbidden")["needs"] == permission, (method, path)
