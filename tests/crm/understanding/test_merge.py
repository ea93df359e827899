"""What a lead takes of a call's notes."""

from hypothesis import given
from hypothesis import strategies as st

from crm.understanding.merge import LEAD_FIELDS, Known, known_of, merge


def test_only_what_is_not_known_is_taken() -> None:
    known = Known(name="Dana", next_step="Meeting: tomorrow at ten")
    merged = merge(known, {"name": "Diana", "email": "d@e.com", "next_step": "send a brochure", "budget": "500"})
    assert merged.changes == {"email": "d@e.com"}
    assert merged.values == {
        "name": "Dana",
        "email": "d@e.com",
        "next_step": "Meeting: tomorrow at ten",
        "budget": "500",
    }
    assert merged.suggested == {"name": "Diana", "next_step": "send a brochure"}


def test_the_same_in_other_letters_is_no_suggestion() -> None:
    assert merge(Known(name="Dana  Miller"), {"name": "dana miller"}).suggested == {}


def test_a_number_in_the_place_of_a_name_is_no_name() -> None:
    assert known_of("+12025550142", "+12025550142", None, " ", "") == Known()
    assert known_of("Dana", "+12025550142", "d@e.com", "", "").name == "Dana"


FOUND = st.dictionaries(st.sampled_from([*LEAD_FIELDS, "budget"]), st.text(min_size=1) | st.lists(st.text()))


@given(st.builds(Known, *[st.text()] * 4), FOUND)
def test_nothing_that_is_known_is_ever_changed(known: Known, found: dict[str, object]) -> None:
    merged = merge(known, found)
    for name in merged.changes:
        assert getattr(known, name) == ""
        assert merged.changes[name] == found[name]
    assert not merged.changes.keys() & merged.suggested.keys()
    assert merged.values.keys() == found.keys()
