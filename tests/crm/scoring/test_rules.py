"""Scores of facts, and why."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.scoring.rules import Facts, Scheme, score
from tests.crm.scoring.test_profile import JSON

COUNTS = st.integers(0, 10**9)


@pytest.mark.parametrize(
    ("facts", "total"),
    [
        (Facts(), 0),
        (Facts({"title": "CEO", "employees": 5_000}), 30),
        (Facts(answered=1), 7),
        (Facts(answered=9), 21),
        (Facts(answered=1, goals=1), 49),
        (Facts(answered=1, goals=1, cancelled=1), 7),
        (Facts(answered=1, goals=1, booked=1, cancelled=1), 49),
        (Facts(status="meeting_booked"), 42),
        (Facts(answered=1, callbacks=1), 28),
        (Facts(answered=2, objections=2), 7),
        (Facts(answered=1, declines=1), 0),
        (Facts(messages=1), 7),
        (Facts(messages=40), 21),
        (Facts({"title": "Baker", "opens": 50, "clicks": "3"}), 22),
        (Facts({"title": "CEO"}, answered=3, goals=1, do_not_call=True), 0),
    ],
)
def test_scores_by_the_default_weights(facts: Facts, total: int) -> None:
    assert score(facts, Scheme()).total == total


def test_weights_are_the_organisations() -> None:
    facts = Facts({"title": "CEO", "size": 2_000}, callbacks=1)
    totals = [score(facts, Scheme(share, 1 - share)).total for share in (0.0, 0.3, 0.5, 1.0)]
    assert totals == [30, 51, 65, 100]


def test_a_score_is_explained() -> None:
    made = score(Facts({"title": "Head of sales"}, answered=2, objections=1), Scheme())
    assert [(part.name, part.points) for part in made.profile.parts] == [("title", 45), ("company_size", 0)]
    assert [(part.name, part.points, part.reason) for part in made.engagement.parts] == [
        ("answered", 20, "answered 2 of our calls"),
        ("objections", -5, "objected 1 times"),
    ]
    assert (made.profile.points, made.engagement.points, made.why_zero) == (45, 15, "")
    assert score(Facts(do_not_call=True), Scheme()).why_zero == "asked not to be called"


@given(
    st.builds(
        Facts, JSON, st.text(max_size=20), st.booleans(), COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS
    ),
    st.floats(0, 1),
)
def test_whatever_is_known_there_is_a_score_within_its_bounds(facts: Facts, share: float) -> None:
    made = score(facts, Scheme(share, 1 - share))
    assert 0 <= made.total <= 100
    for side in (made.profile, made.engagement):
        assert 0 <= side.points <= 100
    assert made == score(facts, Scheme(share, 1 - share))


@given(st.dictionaries(st.sampled_from(["title", "size", "opens", "clicks", "x"]), JSON))
def test_a_field_less_never_breaks_a_score(fields: dict[str, Any]) -> None:
    for name in fields:
        rest = {other: value for other, value in fields.items() if other != name}
        assert 0 <= score(Facts(rest), Scheme()).total <= score(Facts(fields), Scheme()).total
