"""What tells two requests apart."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from crm.database import Sessions
from crm.idempotency.keys import Attempt, KeyStore, fingerprint_of
from crm.unit_of_work import UnitOfWork
from tests.crm.conftest import Org

BODIES = st.dictionaries(st.text(), st.integers() | st.text() | st.none(), max_size=4)


@given(BODIES, BODIES)
def test_bodies_are_told_apart_but_not_by_their_order(one: dict[str, Any], two: dict[str, Any]) -> None:
    assert (fingerprint_of(one) == fingerprint_of(two)) == (one == two)
    assert fingerprint_of(dict(reversed(one.items()))) == fingerprint_of(one)


async def test_a_released_key_may_be_claimed_again(sessions: Sessions, org: Org) -> None:
    async with UnitOfWork(sessions, org.id) as unit:
        store = KeyStore(unit)
        assert await store.claim(Attempt("key", "one"))
        assert not await store.claim(Attempt("key", "two"))
        kept = await store.get("key")
        assert kept is not None
        assert kept.fingerprint == "one"
        await store.release("key")
        assert await store.get("key") is None
        assert await store.claim(Attempt("key", "two"))
