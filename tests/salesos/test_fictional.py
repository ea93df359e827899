"""Fictional numbers: accepted everywhere, owned by nobody, each used once."""

import random
import re

import phonenumbers
import pytest

from salesos import fictional


def test_every_number_is_fictional_valid_and_in_the_united_states() -> None:
    for code in fictional.AREA_CODES:
        number = fictional.spell(code, 7)
        assert re.fullmatch(r"\+1\d{3}55501\d\d", number)
        parsed = phonenumbers.parse(number)
        assert phonenumbers.is_valid_number(parsed), number
        assert phonenumbers.region_code_for_number(parsed) == "US", number
        assert phonenumbers.number_type(parsed) == phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE, number


def test_used_numbers_are_passed_over_until_none_is_left() -> None:
    every = {fictional.spell(code, line) for code in fictional.AREA_CODES for line in fictional.LINES}
    last = "+12125550199"
    assert fictional.pick(every - {last}, random.SystemRandom()) == last
    with pytest.raises(fictional.NumbersExhausted, match="--fresh"):
        fictional.pick(every, random.SystemRandom())
