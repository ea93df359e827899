"""Many telephone numbers in E.164, as crm.leads.phones reads one. Sans-I/O.

Reading a number costs about 24 µs and finding its zone 77. Nearly all numbers of a file are plain: a country's code
and a number that begins with none of the country's own prefixes. For those the answer depends on the code and on the
length alone, so it is asked once and kept.
"""

import re
from functools import cache
from typing import Final

import phonenumbers
from phonenumbers import PhoneMetadata, phonenumberutil

from crm.leads.phones import TYPED_CHARS_MAX, e164_of

_FILLING: Final = str.maketrans("", "", " ().-/\u00a0\u2010\u2011\u2012\u2013")
_DIGITS: Final = re.compile(r"[0-9]{7,15}")
REGIONS: Final = frozenset(phonenumbers.SUPPORTED_REGIONS)


class Numbers:
    """Reads numbers; those without a country's code are of `region`, such as "BR", when there is one."""

    def __init__(self, region: str = "") -> None:
        if region and region not in REGIONS:
            raise ValueError(f"{region!r} is no region of phonenumbers")
        self._region = region
        self._home = _home_of(region) if region else None

    def e164(self, typed: str) -> str:
        """Return the number in E.164.

        Raises:
            ValueError: not a number that can be, with a sentence for whoever typed it.
        """
        plain = typed.translate(_FILLING)
        if plain[:1] == "+":
            digits = plain[1:]
            # isascii and isdigit first would take longer than the one pattern.
            if _DIGITS.fullmatch(digits):
                code = _code_of(digits)
                if code is not None and _is_plain(code, digits[len(code) :]):
                    return plain
            return e164_of(typed)
        if self._home is None:
            return e164_of(typed)
        if _DIGITS.fullmatch(plain):
            if self._home.is_plain(plain):
                return f"+{self._home.code}{plain}"
            if self._home.is_plain_behind_code(plain):
                return f"+{plain}"
        return self._slowly(typed)

    def _slowly(self, typed: str) -> str:
        text = typed.strip()
        try:
            if len(text) > TYPED_CHARS_MAX:
                raise ValueError
            parsed = phonenumbers.parse(text, self._region)
        except (phonenumbers.NumberParseException, ValueError):
            raise ValueError("must be a telephone number, such as +12025550142") from None
        # The rest is the same for all.
        with_code = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
        return e164_of(f"{with_code} x{parsed.extension}" if parsed.extension else with_code)


class _Home:
    def __init__(self, region: str) -> None:
        metadata = PhoneMetadata.metadata_for_region(region, None)
        assert metadata is not None, "checked by whoever makes one"
        self.code = str(metadata.country_code)
        # What phonenumbers would look at more closely: another country's numbers, or the own code without a plus.
        self._abroad = re.compile(metadata.international_prefix or "(?!)")
        self._prefix = re.compile(metadata.national_prefix_for_parsing or "(?!)")

    def is_plain(self, national: str) -> bool:
        if national.startswith(self.code) or self._abroad.match(national) or self._prefix.match(national):
            return False
        return _is_plain(self.code, national)

    def is_plain_behind_code(self, digits: str) -> bool:
        """Say whether they are the country's own code and a number of it: too long to be a number without the code."""
        has_code = digits.startswith(self.code) and not self._abroad.match(digits)
        return has_code and _is_too_long(self.code, len(digits)) and _is_plain(self.code, digits[len(self.code) :])


@cache
def _home_of(region: str) -> _Home:
    return _Home(region)


def _code_of(digits: str) -> str | None:
    # No code begins with a zero, and a number that does is for the slow way to refuse.
    for length in (1, 2, 3) if digits[0] != "0" else ():
        if int(digits[:length]) in phonenumberutil.COUNTRY_CODE_TO_REGION_CODE:
            return digits[:length]
    return None


def _is_plain(code: str, national: str) -> bool:
    """Say whether a number is written as it is kept, and possible."""
    prefix = _prefix_of(code)
    return (prefix is None or not prefix.match(national)) and _is_possible(code, len(national))


# Bounded: there are about 240 codes, and lengths up to 15.
@cache
def _is_possible(code: str, length: int) -> bool:
    return phonenumbers.is_possible_number(phonenumbers.PhoneNumber(int(code), int("9" * length)))


@cache
def _is_too_long(code: str, length: int) -> bool:
    found = phonenumbers.is_possible_number_with_reason(phonenumbers.PhoneNumber(int(code), int("9" * length)))
    return found == phonenumbers.ValidationResult.TOO_LONG


@cache
def _prefix_of(code: str) -> re.Pattern[str] | None:
    region = phonenumberutil.region_code_for_country_code(int(code))
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(int(code), region)
    assert metadata is not None, "of a code that exists"
    return re.compile(metadata.national_prefix_for_parsing) if metadata.national_prefix_for_parsing else None
