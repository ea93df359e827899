"""Pipelines and stages as people write them."""

import pytest

from crm.pipelines.known import Named, Place, Places

PLACES = Places(
    [
        Named(Place("novos-leads", "novo"), "New leads", "New", in_default=True),
        Named(Place("novos-leads", "won"), "New leads", "Closed deal", in_default=True),
        Named(Place("partners", "novo"), "Partners", "New", in_default=False),
        Named(Place("partners", "signed"), "Partners", "Closed  Deal", in_default=False),
        Named(Place("old", "new"), "Old", "novo", in_default=False),
    ]
)


def test_what_is_there() -> None:
    assert Place("partners", "signed") in PLACES
    assert Place("novos-leads", "signed") not in PLACES
    assert PLACES.default == "novos-leads"
    assert Places([]).default == ""


@pytest.mark.parametrize(("typed", "slug"), [("won", "won"), ("new", "new"), ("novo", "novo"), ("signed", "signed")])
def test_a_slug_goes_before_a_name(typed: str, slug: str) -> None:
    assert PLACES.status_of(typed) == slug


def test_names_are_read_however_they_are_written() -> None:
    assert PLACES.pipeline_of("new  LEADS") == "novos-leads"
    assert PLACES.pipeline_of("PARTNERS") == "partners"
    with pytest.raises(ValueError, match="names more than one: write one of signed, won"):
        PLACES.status_of("closed deal")
    with pytest.raises(ValueError, match="is no stage"):
        PLACES.status_of("lost")
    with pytest.raises(ValueError, match="is no pipeline"):
        PLACES.pipeline_of("")
