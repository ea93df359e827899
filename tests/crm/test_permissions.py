"""Which role may do what."""

import pytest

from crm.permissions import ROLES, NotAllowed, Permission, Role, may


def test_every_role_is_told_what_it_may() -> None:
    assert set(ROLES) == set(Role)
    assert ROLES[Role.ADMIN] == set(Permission)


@pytest.mark.parametrize("role", ["", "owner", "ADMIN", "admin "])
@pytest.mark.parametrize("permission", Permission)
def test_a_role_that_is_not_known_may_nothing(role: str, permission: Permission) -> None:
    assert not may(role, permission)


@pytest.mark.parametrize("permission", Permission)
def test_whoever_is_refused_learns_who_may(permission: Permission) -> None:
    refusal = NotAllowed(permission)
    assert refusal.code == "forbidden"
    assert refusal.details == {"needs": permission, "roles": [role for role in Role if may(role, permission)]}
    assert "admin" in refusal.details["roles"]
    assert may("rep", permission) == (permission is Permission.CALLS_JOIN)
