"""What title and size are worth, whatever the fields hold."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.scoring.profile import count_of, people_of, profile_parts

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)


def points(fields: Any, title_field: str = "", size_field: str = "") -> tuple[int, int]:
    title, size = profile_parts(fields, title_field, size_field)
    return title.points, size.points


@pytest.mark.parametrize(
    ("title", "worth"),
    [
        ("CEO", 60),
        ("  Co-Founder & Managing Partner ", 60),
        ("Sócia-proprietária", 60),
        ("Vice President, Sales", 45),
        ("Diretor Comercial", 45),
        ("Office manager", 30),
        ("Assistant to the CEO", 10),
        ("Product owner", 15),
        ("Baker", 15),
        ("", 0),
        (" -- ", 0),
        ("長", 0),
    ],
)
def test_the_rank_in_a_title(title: str, worth: int) -> None:
    assert points({"Job Title": title}) == (worth, 0)


@pytest.mark.parametrize(
    ("size", "people"),
    [
        (1, 1),
        (0, None),
        (-5, None),
        (True, None),
        (12.9, 12),
        (float("inf"), None),
        (float("nan"), None),
        ("51-200", 51),
        ("11 to 50", 11),
        ("1,000+", 1_000),
        ("10.000 funcionários", 10_000),
        ("1.5k", 1_500),
        ("about 7 people", 7),
        ("2 mil", 2_000),
        ("none", None),
        ("0", None),
        ([], None),
        ("٣", None),
    ],
)
def test_how_many_people(size: Any, people: int | None) -> None:
    assert people_of(size) == people


def test_size_has_steps() -> None:
    assert [points({"company_size": size})[1] for size in (1, 9, 10, 49, 50, 250, 1_000, 10**9)] == [
        *(8, 8, 16, 16, 26, 34, 40, 40),
    ]


def test_fields_are_found_by_usual_names_or_by_the_one_that_is_named() -> None:
    assert points({"Função": "Dono", "Número de funcionários": "30"}) == (60, 16)
    both = {"title": "CEO", "what they do": "Baker", "employees": 3, "staff": "500"}
    assert points(both) == (60, 8)
    assert points(both, "what they do", "staff") == (15, 34)
    assert points(both, "nothing of that name") == (0, 8)
    assert points({"job_title": "", "position": "CEO"}) == (60, 0), "an empty one hides no other"


def test_counts() -> None:
    assert count_of({"Email opens": "4"}, ("emailopens",)) == 4
    assert count_of({}, ("emailopens",)) == 0


@given(JSON | st.dictionaries(st.sampled_from(["title", "employees", "Job Title", "size"]), JSON))
def test_whatever_the_fields_hold_there_are_two_parts(fields: Any) -> None:
    title, size = profile_parts(fields)
    assert 0 <= title.points <= 60
    assert 0 <= size.points <= 40
