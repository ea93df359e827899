"""Which postings are booked together."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.billing.gathering import Batch, Gathering, GatheringFull

ORGS = [UUID(int=number) for number in range(4)]
A, B, C, _ = ORGS

# What happens to a gathering: an item of an organisation comes, a batch is taken, the oldest is done, or put back.
STEPS = st.lists(st.tuples(st.sampled_from(["add", "take", "done", "again"]), st.sampled_from(ORGS)), max_size=80)


@given(steps=STEPS, batch_max=st.integers(1, 5))
def test_each_is_booked_once_in_its_order_and_an_organisation_is_in_one_batch(
    steps: list[tuple[str, UUID]], batch_max: int
) -> None:
    gathering: Gathering[int] = Gathering(waiting_max=1_000, batch_max=batch_max)
    taken: list[Batch[int]] = []
    booked: dict[UUID, list[int]] = {org: [] for org in ORGS}
    added = 0

    def finish(batch: Batch[int]) -> None:
        for org, item in batch.items:
            booked[org].append(item)
        gathering.done(batch)

    for step, org in steps:
        if step == "add":
            gathering.add(org, added)
            added += 1
        elif step == "take":
            batch = gathering.take()
            assert len(batch.items) <= batch_max
            assert not {o for other in taken for o in other.orgs} & set(batch.orgs)
            taken.append(batch)
        elif taken and step == "done":
            finish(taken.pop(0))
        elif taken:
            batch = taken.pop(0)
            for back in batch.orgs:
                gathering.again(back, [item for o, item in batch.items if o == back])
            gathering.done(batch)
    while taken:
        finish(taken.pop(0))
    while gathering.is_ready:
        finish(gathering.take())
    assert len(gathering) == 0
    assert sorted(item for items in booked.values() for item in items) == list(range(added))
    assert all(items == sorted(items) for items in booked.values())


def test_what_comes_when_it_is_full_is_refused() -> None:
    gathering: Gathering[int] = Gathering(waiting_max=2, batch_max=8)
    gathering.add(A, 1)
    gathering.add(B, 2)
    with pytest.raises(GatheringFull):
        gathering.add(C, 3)
    assert [item for _, item in gathering.take().items] == [1, 2]
    gathering.add(C, 3)


def test_a_busy_organisation_leaves_the_others_their_turn() -> None:
    gathering: Gathering[int] = Gathering(waiting_max=100, batch_max=3)
    for number in range(7):
        gathering.add(A, number)
    gathering.add(B, 100)
    first = gathering.take()
    assert first.orgs == [A]
    second = gathering.take()
    assert second.orgs == [B], "while A's batch is being booked"
    gathering.done(first)
    gathering.add(C, 200)
    assert gathering.take().orgs == [A], "it was ready before C came"


def test_what_is_put_back_is_booked_alone() -> None:
    gathering: Gathering[int] = Gathering(waiting_max=100, batch_max=8)
    for org in (A, B, C):
        gathering.add(org, org.int)
    batch = gathering.take()
    gathering.again(B, [1])
    gathering.done(batch)
    gathering.add(A, 9)
    assert gathering.take().items == [(B, 1)]
    assert gathering.take().items == [(A, 9)]


def test_what_is_dropped_is_told() -> None:
    gathering: Gathering[int] = Gathering(waiting_max=100, batch_max=8)
    gathering.add(A, 1)
    gathering.add(B, 2)
    assert gathering.drop_all() == [1, 2]
    assert not gathering.is_ready
    assert len(gathering) == 0


@pytest.mark.parametrize("sizes", [(0, 1), (1, 0)])
def test_sizes_are_positive(sizes: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Gathering(*sizes)
