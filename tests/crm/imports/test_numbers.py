"""The quick way of reading numbers says what the slow one says."""

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import phonenumberutil

from crm.imports.numbers import Numbers
from crm.leads.phones import e164_of

CODES = sorted(phonenumberutil.COUNTRY_CODE_TO_REGION_CODE)
REGIONS = ["BR", "US", "GB", "DE", "AR", "MX", "IT", "FR", "AU", "CI", "NO"]
FILLED = st.sampled_from(["", " ", "-", ".", " (", ") "])
EVERYWHERE = Numbers()


def told(number: str, region: str = "") -> str | None:
    try:
        return Numbers(region).e164(number)
    except ValueError:
        return None


def slowly(number: str, region: str | None = None) -> str | None:
    try:
        if region is not None:
            parsed = phonenumbers.parse(number, region)
            number = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
        return e164_of(number)
    except (ValueError, phonenumbers.NumberParseException):
        return None


@settings(max_examples=500)
@given(st.sampled_from(CODES), st.from_regex(r"[0-9]{3,14}", fullmatch=True), FILLED)
def test_with_a_code(code: int, rest: str, filling: str) -> None:
    number = f"+{code}{filling}{rest}"
    assert told(number) == slowly(number)


@settings(max_examples=300)
@given(st.sampled_from(REGIONS), st.from_regex(r"(0|00|011|9)?[0-9]{4,13}", fullmatch=True))
def test_without_a_code_it_is_of_the_region(region: str, number: str) -> None:
    assert told(number, region) == slowly(number, region)


@settings(max_examples=300)
@given(st.sampled_from(REGIONS), st.from_regex(r"[0-9]{3,13}", fullmatch=True))
def test_a_regions_own_code_may_stand_without_its_plus(region: str, rest: str) -> None:
    number = f"{phonenumbers.country_code_for_region(region)}{rest}"
    assert told(number, region) == slowly(number, region)


@given(st.text(max_size=50), st.sampled_from(["", "BR"]))
def test_any_text_is_a_number_or_a_fault(text: str, region: str) -> None:
    number = told(text, region)
    assert number is None or slowly(number) == number


@pytest.mark.parametrize(
    ("number", "region", "kept"),
    [
        ("(11) 98888-7777", "BR", "+5511988887777"),
        ("0 11 98888 7777", "BR", "+5511988887777"),
        ("5511988887777", "BR", "+5511988887777"),
        ("202-555-0199", "US", "+12025550199"),
        ("+55 11 98888-7777", "US", "+5511988887777"),
        ("(11) 98888-7777", "", None),
        ("0055 11 98888-7777", "GB", "+5511988887777"),
        ("11 98888-7777 x5", "BR", None),
        ("+0441234567890", "", None),
        ("call me", "BR", None),
    ],
)
def test_numbers_as_people_write_them(number: str, region: str, kept: str | None) -> None:
    assert told(number, region) == kept


def test_an_extension_is_refused_with_its_reason() -> None:
    with pytest.raises(ValueError, match="extension"):
        Numbers("US").e164("202 555 0199 ext. 7")
    with pytest.raises(ValueError, match="XX"):
        Numbers("XX")
