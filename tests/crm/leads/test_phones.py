"""Numbers as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.leads.phones import e164_of, zone_of_number


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("+12025550142", "+12025550142"),
        (" +1 (202) 555-0142 ", "+12025550142"),
        ("+55 11 99999-0000", "+5511999990000"),
        ("+44 (0)20 7946 0018", "+442079460018"),
    ],
)
def test_one_form_is_kept(typed: str, kept: str) -> None:
    assert e164_of(typed) == kept


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ("2025550142", "country code"),
        ("", "country code"),
        ("+0123", "country code"),
        ("+1", "country code"),
        ("+1234567890123456", "country code|too long"),
        ("+" + "1" * 50, "country code"),
        ("+12025550142 ext. 5", "extension"),
        ("+1202555", "too short"),
    ],
)
def test_what_is_no_number_is_told(typed: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        e164_of(typed)


@given(st.text(max_size=60) | st.from_regex(r"\+[0-9 ()-]{0,20}", fullmatch=True))
def test_any_text_is_a_number_or_one_error(typed: str) -> None:
    try:
        kept = e164_of(typed)
    except ValueError:
        return
    assert kept[0] == "+"
    assert kept[1:].isdecimal()
    assert len(kept) <= 16
    assert kept[1:].isascii()
    assert e164_of(kept) == kept, "what is kept stays as it is"


@pytest.mark.parametrize(
    ("number", "zone"),
    [
        ("+12125550142", "America/New_York"),
        ("+5511999990000", "America/Sao_Paulo"),
        ("+18005550142", ""),  # free of charge: everywhere
        ("nonsense", ""),
    ],
)
def test_a_number_tells_its_zone_only_where_there_is_one(number: str, zone: str) -> None:
    assert zone_of_number(number) == zone
