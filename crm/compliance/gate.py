"""The gate before every dial: whether this number may be called now, and why not. Sans-I/O.

Every reason is found, not only the first, so that the stored decision tells the whole story. In doubt the
answer is no.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import phonenumbers
from phonenumbers import PhoneNumber, shortnumberinfo

from crm.compliance.hours import Timing, When
from crm.compliance.rules import Rules


class Reason(StrEnum):
    """Why not, in the order in which one is answered."""

    LEAD_NOT_FOUND = "lead_not_found"
    DO_NOT_CALL = "do_not_call"
    NUMBER_INVALID = "number_invalid"
    NUMBER_KIND_REFUSED = "number_kind_refused"
    COUNTRY_NOT_ALLOWED = "country_not_allowed"
    TIME_ZONE_UNKNOWN = "time_zone_unknown"
    OUTSIDE_CALLING_HOURS = "outside_calling_hours"
    NO_CREDIT = "no_credit"
    TOO_MANY_CALLS = "too_many_calls"


OF_THE_HOUR: Final = frozenset({Reason.TIME_ZONE_UNKNOWN, Reason.OUTSIDE_CALLING_HOURS})


@dataclass(frozen=True, slots=True)
class Question:
    """All that the decision rests on; stored with it."""

    number: str  # as it would be dialled; empty when there is none
    lead_found: bool
    do_not_call: bool
    fundable_s: int  # seconds of a call that the wallet pays for
    timing: Timing  # of the hour where the number is
    calls_live: int = 0  # of the organisation, now
    calls_max: int | None = None  # by its plan

    def as_record(self, rules: Rules) -> dict[str, Any]:
        return {
            "lead_found": self.lead_found,
            "do_not_call": self.do_not_call,
            "fundable_s": self.fundable_s,
            "minimum_funded_s": rules.minimum_funded_s,
            "timing": {"when": self.timing.when.value} | self.timing.as_record(),
            "calls_live": self.calls_live,
            "calls_max": self.calls_max,
            "allowed_countries": sorted(rules.allowed_countries),
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    reasons: tuple[Reason, ...]  # empty: it may be called

    @property
    def allowed(self) -> bool:
        return not self.reasons


def judge(question: Question, rules: Rules) -> Verdict:
    """Return the verdict with every reason against the call, the one to answer first."""
    found: set[Reason] = set()
    if not question.lead_found:
        found.add(Reason.LEAD_NOT_FOUND)
    else:
        # Of a number that is none nobody asks what time it is there.
        found |= _number_reasons(question.number, rules) or _timing_reasons(question.timing)
    if question.do_not_call:
        found.add(Reason.DO_NOT_CALL)
    if question.fundable_s < rules.minimum_funded_s:
        found.add(Reason.NO_CREDIT)
    if question.calls_max is not None and question.calls_live >= question.calls_max:
        found.add(Reason.TOO_MANY_CALLS)
    return Verdict(tuple(reason for reason in Reason if reason in found))


def e164(number: str) -> str | None:
    """Return the number in the one form in which numbers are stored and compared; None when it is none."""
    parsed = _parse(number)
    return None if parsed is None else phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _timing_reasons(timing: Timing) -> set[Reason]:
    match timing.when:
        case When.OPEN:
            return set()
        case When.CLOSED:
            return {Reason.OUTSIDE_CALLING_HOURS}
        case When.UNKNOWN:
            return {Reason.TIME_ZONE_UNKNOWN}


def _number_reasons(number: str, rules: Rules) -> set[Reason]:
    if _is_short(number, rules):
        return {Reason.NUMBER_KIND_REFUSED}
    parsed = _parse(number)
    if parsed is None or not phonenumbers.is_valid_number(parsed):
        return {Reason.NUMBER_INVALID}
    reasons: set[Reason] = set()
    if phonenumbers.number_type(parsed) in rules.refused_kinds:
        reasons.add(Reason.NUMBER_KIND_REFUSED)
    if phonenumbers.region_code_for_number(parsed) not in rules.allowed_countries:
        reasons.add(Reason.COUNTRY_NOT_ALLOWED)
    return reasons


def _is_short(number: str, rules: Rules) -> bool:
    """Say whether somebody tries an emergency number, with a country code or without, or another short one.

    A short number behind a country code is no number at all, and told so.
    """
    digits = "".join(character for character in number if character.isdigit())
    parsed = _parse(number)
    national = digits if parsed is None else str(parsed.national_number)
    for country in rules.allowed_countries:
        if any(shortnumberinfo.is_emergency_number(candidate, country) for candidate in {digits, national}):
            return True
        if parsed is None and _is_short_in(digits, country):
            return True
    return False


def _is_short_in(digits: str, country: str) -> bool:
    try:
        return shortnumberinfo.is_valid_short_number_for_region(phonenumbers.parse(digits, country), country)
    except phonenumbers.NumberParseException:
        return False


def _parse(number: str) -> PhoneNumber | None:
    if not number.startswith("+"):
        return None
    try:
        return phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return None
