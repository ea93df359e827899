"""Whose votes count."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from crm.votes.trust import BURST, MANY, SHARED_MIN, Cast, Distrust, distrusted

START = datetime(2026, 11, 1, tzinfo=UTC)
ANA, BO, CY = (UUID(int=number) for number in (1, 2, 3))


def cast(user: UUID, votes: list[int], apart: timedelta = timedelta(hours=1)) -> list[Cast]:
    return [Cast(user, number, vote, START + number * apart) for number, vote in enumerate(votes)]


def test_somebody_who_votes_nearly_everything_down_is_left_out() -> None:
    assert distrusted(cast(ANA, [-1] * MANY)) == {ANA: Distrust.MASS_DOWN_VOTER}
    assert distrusted(cast(ANA, [-1] * (MANY - 2) + [1, 1])) == {ANA: Distrust.MASS_DOWN_VOTER}
    assert distrusted(cast(ANA, [-1] * (MANY - 3) + [1] * 3)) == {}


def test_of_a_few_votes_nothing_is_concluded() -> None:
    assert distrusted(cast(ANA, [-1] * (MANY - 1))) == {}


def test_many_votes_up_are_nothing_to_hold_against_anybody() -> None:
    assert distrusted(cast(ANA, [1] * 100)) == {}


def test_more_votes_than_one_can_read_for_are_left_out() -> None:
    fast = timedelta(seconds=10)
    assert distrusted(cast(ANA, [1, -1] * BURST, fast)) == {ANA: Distrust.TOO_FAST}
    assert distrusted(cast(ANA, [1, -1] * (BURST // 2), fast)) == {}


def test_somebody_always_against_all_others_is_left_out() -> None:
    votes = [1, -1] * (SHARED_MIN // 2)
    others = cast(BO, votes) + cast(CY, votes)
    assert distrusted(cast(ANA, [-vote for vote in votes]) + others) == {ANA: Distrust.CONTRARY}
    assert distrusted(cast(ANA, votes) + others) == {}
    assert distrusted(cast(ANA, [-vote for vote in votes]) + cast(BO, votes)) == {}, "one other is no majority"


VOTES = st.lists(
    st.builds(
        Cast,
        st.sampled_from([ANA, BO, CY]),
        st.integers(0, 30),
        st.sampled_from([-1, 1]),
        st.integers(0, 10_000).map(lambda minutes: START + timedelta(minutes=minutes)),
    ),
    max_size=120,
)


@given(VOTES)
def test_only_voters_are_left_out_and_the_order_of_votes_does_not_matter(votes: list[Cast]) -> None:
    found = distrusted(votes)
    assert found.keys() <= {vote.user_id for vote in votes}
    assert distrusted(votes[::-1]) == found
    for user, why in found.items():
        own = [vote for vote in votes if vote.user_id == user]
        assert why is not Distrust.MASS_DOWN_VOTER or len(own) >= MANY
