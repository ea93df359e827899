"""Which leads look like one person, and that few of the pairs are looked at."""

from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.duplicates import likeness as module
from crm.duplicates.likeness import NEIGHBOURS, SCORE_MIN, Candidate, Neighbourhood, Reason, likeness

NAMES = st.sampled_from(["Ana Souza", "ana sousa", "Souza, Ana", "Bruno Lima", "José", "", "Δ", "x" * 300])
LEADS = st.builds(
    Candidate,
    id=st.uuids(),
    name=NAMES | st.text(max_size=10),
    email=st.none() | st.sampled_from(["ana@x.com", "ana@x.co", "b@y.com"]),
    phone=st.none() | st.sampled_from(["+12025550101", "+12025550102"]),
    company=st.sampled_from(["", "Padaria Sol", "Padaria do Sol Ltda"]),
)


def lead(name: str, **more: Any) -> Candidate:
    return Candidate(uuid4(), name, more.get("email"), more.get("phone"), more.get("company", ""))


@pytest.mark.parametrize(
    ("one", "other", "reasons"),
    [
        (("Ana Souza", {"phone": "+12025550101"}), ("Ana S.", {"phone": "+12025550101"}), ["phone"]),
        (("Ana Souza", {"email": "ana@x.com"}), ("A. Souza", {"email": "ana@x.com"}), ["email", "name"]),
        (("José Prado", {"email": "jose@gmail.com"}), ("Jose Prado", {"email": "jose@gmial.com"}), ["email", "name"]),
        (("Ana Souza", {"company": "Padaria Sol"}), ("Souza Ana", {"company": "padaria sol"}), ["company", "name"]),
        (("Ana Souza", {}), ("Ana Souza", {}), None),
        (("Ana Souza", {"company": "Padaria Sol"}), ("Ana Silva", {"company": "Padaria Sol"}), None),
        (("Ana Souza", {"phone": "+12025550101"}), ("Bruno Lima", {"phone": "+12025550101"}), ["phone"]),
        (("Store 12", {"company": "Sol"}), ("Store 13", {"company": "Sol"}), None),
        (("Bo", {"email": "bo1@x.com"}), ("Bo", {"email": "bo2@x.com"}), None),
        (("Ana Souza", {"email": "ana@x.com"}), ("Bruno Lima", {"email": "bea@x.com"}), None),
    ],
)
def test_who_is_alike(one: Any, other: Any, reasons: list[str] | None) -> None:
    found = likeness(lead(one[0], **one[1]), lead(other[0], **other[1]))
    assert (None if found is None else [reason.value for reason in found.reasons]) == reasons


@given(LEADS, LEADS)
def test_the_order_means_nothing_and_scores_are_bounded(one: Candidate, other: Candidate) -> None:
    found = likeness(one, other)
    assert found == likeness(other, one)
    if found is not None:
        assert SCORE_MIN <= found.score <= 100
        assert set(found.reasons) & {Reason.PHONE, Reason.EMAIL, Reason.COMPANY}


def test_each_is_compared_with_few(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = 0

    def counting(one: Candidate, other: Candidate) -> None:
        nonlocal compared
        compared += 1

    monkeypatch.setattr(module, "likeness", counting)
    near = Neighbourhood()
    for number in range(1_000):
        assert list(near.take(lead(f"Person {number}"))) == []
    assert compared <= 1_000 * NEIGHBOURS


def test_neighbours_are_given_out() -> None:
    near, first = Neighbourhood(2), lead("Ana Souza", phone="+12025550101")
    assert list(near.take(first)) == []
    assert list(near.take(lead("Bruno"))) == []
    assert [other for other, _ in near.take(lead("Ana Sousa", phone="+12025550101"))] == [first]
